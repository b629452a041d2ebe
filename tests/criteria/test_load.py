"""The criterion ``load``: latency, failures and memory, judged where a gate asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.criteria.judge import judge_criteria
from pytest_sentry_harness.criteria.load import measure
from pytest_sentry_harness.criteria.verdict import judge
from pytest_sentry_harness.model.load import GeneratorHealth, LoadInfo, Quantile, RequestTimes, Spread
from pytest_sentry_harness.model.metrics import METRICS
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.gates import criteria_of, parse_gate, with_defaults
from pytest_sentry_harness.plan.scenario import parse_scenario

SCENARIO = """
[scenario]
name = "x"
[target]
command = "x"
[load]
rate = 5
[[load.request]]
send = "GET /"
[[fault]]
name = "late"
at = "app:work"
do = "raise(TimeoutError)"
[gates]
{gate}
"""
HEALTH = GeneratorHealth(
    processes=1, cpu=0.1, lag_p99=None, lag_max=None, loop_lag_p99=None, held=0, missed=0, most_in_flight=1
)


def spread(seconds: float, high: float | None) -> Spread:
    quantile = Quantile(value=seconds, low=seconds / 2, high=high)
    return Spread(count=500, p50=quantile, p95=quantile, p99=quantile, max=1.0)


def load(
    service: float = 0.1,
    latency: float | None = None,
    high: float | None = 0.4,
    *,
    plain: int = 400,
    failed: int = 0,
) -> LoadInfo:
    times = RequestTimes(
        request="all",
        requests=500,
        failed=7,
        plain=plain,
        plain_failed=failed,
        service=spread(service, high),
        latency=None if latency is None else spread(latency, high),
    )
    return LoadInfo(
        open=latency is not None,
        seconds=10,
        planned=None,
        requests=500,
        failed=7,
        rate_asked=None,
        rate=50,
        all=times,
        by_request=(),
        generator=HEALTH,
    )


def verdict(info: LoadInfo | None, metric: str, gate: str) -> tuple[Verdict, str]:
    result = judge(measure(info, None)[metric], parse_gate(metric, gate, "here"), METRICS)
    return result.verdict, result.why


def test_latency_is_from_when_requests_were_due_where_that_is_known() -> None:
    """An open load's visitors wait from then; users that wait know only when they sent."""
    assert measure(load(0.1, 0.3), None)["load.latency.p99"].value == 0.3
    assert measure(load(0.1), None)["load.latency.p50"].value == 0.1


def test_a_gate_is_judged_by_the_interval() -> None:
    """All of it below: pass. None: fail. Both sides: inconclusive."""
    assert verdict(load(0.3), "load.latency.p99", "< 500ms")[0] is Verdict.PASS
    assert verdict(load(0.3), "load.latency.p99", "< 100ms")[0] is Verdict.FAIL
    assert verdict(load(0.3), "load.latency.p99", "< 300ms")[0] is Verdict.INCONCLUSIVE


def test_what_was_not_measured_decides_nothing() -> None:
    """Too few requests, no load that tells, no samples of memory: inconclusive, with the reason."""
    assert verdict(load(0.3, high=None), "load.latency.p99", "< 9s") == (
        Verdict.INCONCLUSIVE,
        "too few requests for its bounds",
    )
    assert verdict(None, "load.failed", "<= 0%") == (
        Verdict.INCONCLUSIVE,
        "no load generator told of its requests",
    )
    kind, why = verdict(load(), "load.memory_growth", "< 1MB")
    assert (kind, why) == (
        Verdict.INCONCLUSIVE,
        "the target's memory was not sampled, or the run is shorter than 12.5 s",
    )


@pytest.mark.parametrize(
    ("plain", "failed", "gate", "expected"),
    [
        (400, 0, "<= 0%", Verdict.PASS),
        (60, 0, "<= 0%", Verdict.PASS),
        (400, 1, "<= 0%", Verdict.FAIL),
        (400, 0, "<= 1%", Verdict.PASS),
        (60, 0, "<= 1%", Verdict.INCONCLUSIVE),
        (400, 40, "<= 1%", Verdict.FAIL),
    ],
)
def test_failures_are_a_share_of_the_requests_without_a_fault(
    plain: int, failed: int, gate: str, expected: Verdict
) -> None:
    """None at all by default; a share that is allowed is judged by its bounds."""
    assert verdict(load(plain=plain, failed=failed), "load.failed", gate)[0] is expected


def test_failures_under_faults_say_nothing() -> None:
    """Where every request carried one, nobody knows what the service would have done by itself."""
    assert verdict(load(plain=0), "load.failed", "<= 0%") == (
        Verdict.INCONCLUSIVE,
        "every request carried a fault, which may be why it failed",
    )


def test_a_service_that_fails_at_once_does_not_bear_the_load() -> None:
    """540 of 600 answers are 500, in 25 ms: the only gate the scenario names passes, and the verdict is fail."""
    scenario = parse_scenario(
        SCENARIO.format(gate='"load.latency.p99" = "< 2s"'), Path("x.toml"), check_files=False
    )
    (result,) = judge_criteria(
        {"load": measure(load(0.025, plain=600, failed=540), None)}, with_defaults(scenario, ["load"])
    )
    assert result.verdict is Verdict.FAIL
    assert [(gate.metric, gate.verdict, gate.why) for gate in result.gates] == [
        ("load.latency.p99", Verdict.PASS, "all of 12.5 ms to 400 ms (95 %) meets < 2s"),
        ("load.failed", Verdict.FAIL, "90 % does not meet <= 0%"),
    ]


@pytest.mark.parametrize("gate", ["", '"load.latency.p99" = "< 2s"'])
def test_load_is_judged_where_a_gate_names_it(gate: str) -> None:
    """By itself it is not: what is enough only the scenario can say."""
    scenario = parse_scenario(SCENARIO.format(gate=gate), Path("x.toml"), check_files=False)
    assert criteria_of(scenario) == (("capture", "load") if gate else ("capture",))
