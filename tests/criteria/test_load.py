"""The criterion ``load``: latency, failures and memory, judged where a gate asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.criteria.load import measure
from pytest_sentry_harness.criteria.verdict import judge
from pytest_sentry_harness.model.load import GeneratorHealth, LoadInfo, Quantile, RequestTimes, Spread
from pytest_sentry_harness.model.metrics import METRICS
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.gates import criteria_of, parse_gate
from pytest_sentry_harness.plan.scenario import parse_scenario

HEALTH = GeneratorHealth(
    processes=1, cpu=0.1, lag_p99=None, lag_max=None, loop_lag_p99=None, held=0, missed=0, most_in_flight=1
)


def spread(seconds: float, high: float | None) -> Spread:
    quantile = Quantile(value=seconds, low=seconds / 2, high=high)
    return Spread(count=500, p50=quantile, p95=quantile, p99=quantile, max=1.0)


def load(service: float = 0.1, latency: float | None = None, high: float | None = 0.4) -> LoadInfo:
    times = RequestTimes(
        request="all",
        requests=500,
        failed=7,
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
    assert verdict(None, "load.failed", "= 0") == (
        Verdict.INCONCLUSIVE,
        "no load generator told of its requests",
    )
    kind, why = verdict(load(), "load.memory_growth", "< 1MB")
    assert (kind, why) == (
        Verdict.INCONCLUSIVE,
        "the target's memory was not sampled, or the run is shorter than 12.5 s",
    )


def test_failures_are_counted() -> None:
    """A full count, judged as it is."""
    assert verdict(load(), "load.failed", "<= 7")[0] is Verdict.PASS
    assert verdict(load(), "load.failed", "= 0")[0] is Verdict.FAIL


@pytest.mark.parametrize("gate", ["", '"load.latency.p99" = "< 2s"'])
def test_load_is_judged_where_a_gate_names_it(gate: str) -> None:
    """It has no default gates: what is enough only the scenario can say."""
    text = f"""
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
    scenario = parse_scenario(text, Path("x.toml"), check_files=False)
    assert criteria_of(scenario) == (("capture", "load") if gate else ("capture",))
