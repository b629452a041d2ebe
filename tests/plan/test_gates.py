"""Gates: each is judged, or refused when the scenario is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.model.metrics import METRICS
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.plan.gates import criteria_of, parse_gate, with_defaults
from pytest_sentry_harness.plan.scenario import parse_scenario

SERVICE = """
[scenario]
name = "x"
[target]
command = "x"
"""
LOAD = """
[load]
rate = 5
[[load.request]]
send = "GET /"
"""
FAULT = """
[[fault]]
name = "late"
at = "app:work"
do = "raise(TimeoutError)"
"""
OPERATION = """
[[operation]]
name = "work"
at = "app:work"
"""
PROFILING = """
[profiling]
"""
OVERHEAD = """
[overhead]
without = "agent"
[[overhead.request]]
name = "order"
send = "GET /order"
"""
SCRIPT = FAULT.replace('do = "raise(TimeoutError)"', 'do = "raise(TimeoutError)"\nselect = "call"')


def scenario(text: str, **gates: str) -> Scenario:
    written = "".join(
        f'"{name.replace("__", ".")}" = "{gate}"  # {index}\n'
        for index, (name, gate) in enumerate(gates.items())
    )
    return parse_scenario(f"{SERVICE}{text}\n[gates]\n{written}", Path("x.toml"), check_files=False)


@pytest.mark.parametrize(
    ("text", "metric", "gate", "why", "hint"),
    [
        (
            OVERHEAD,
            "load.latency.p99",
            "< 2s",
            "a scenario with [overhead] measures what Sentry costs, and nothing else",
            "move the gate to a scenario without [overhead]; gates on overhead.* can be judged here",
        ),
        (
            OVERHEAD,
            "capture.rate",
            ">= 100%",
            "a scenario with [overhead] measures what Sentry costs, and nothing else",
            "move the gate to a scenario without [overhead]; gates on overhead.* can be judged here",
        ),
        (
            LOAD + OPERATION,
            "overhead.cpu",
            "< 0%",
            "it needs [overhead], which the scenario does not have",
            "add [overhead], or drop the gate; gates on timing.*, load.* can be judged here",
        ),
        (
            LOAD + OPERATION,
            "capture.unexpected",
            "= 0",
            "it needs [[fault]], which the scenario does not have",
            "add [[fault]], or drop the gate; gates on timing.*, load.* can be judged here",
        ),
        (
            LOAD + FAULT,
            "timing.error.p99",
            "< 100ms",
            "it needs [[operation]], which the scenario does not have",
            "add [[operation]], or drop the gate; gates on capture.*, load.* can be judged here",
        ),
        (
            LOAD + FAULT + OPERATION,
            "profiling.uninstrumented",
            "= 0",
            "it needs [profiling], which the scenario does not have",
            "add [profiling], or drop the gate; gates on capture.*, timing.*, load.* can be judged here",
        ),
        (
            LOAD + PROFILING,
            "profiling.attributed",
            ">= 100%",
            "it needs [[operation]], which the scenario does not have",
            "add [[operation]], or drop the gate; gates on profiling.*, load.* can be judged here",
        ),
        (
            "wait = true\n" + SCRIPT,
            "load.failed",
            "<= 0%",
            "it needs [load], which the scenario does not have",
            "add [load], or drop the gate; gates on capture.*, load.* can be judged here",
        ),
    ],
)
def test_a_gate_that_nothing_is_measured_for_is_refused(
    text: str, metric: str, gate: str, why: str, hint: str
) -> None:
    """With file, line and key, why, and what could be judged instead: it must not vanish."""
    with pytest.raises(ScenarioError) as refused:
        scenario(text, **{metric: gate})
    error = refused.value
    line = len(f"{SERVICE}{text}\n[gates]\n".splitlines()) + 1
    assert (error.what, error.where, error.hint) == (
        f"{metric} = {gate!r} cannot be judged: {why}",
        f"x.toml:{line}: [gates] {metric}",
        hint,
    )


def test_memory_of_a_service_that_runs_already_is_not_seen() -> None:
    """It is no process of ours."""
    url = """
    [scenario]
    name = "x"
    [target]
    url = "http://127.0.0.1:1"
    dsn = "http://key@127.0.0.1:9311/1"
    [[load.request]]
    send = "GET /"
    [[fault]]
    name = "boom"
    on = ["GET /"]
    [gates]
    "load.memory_growth" = "< 1MB"
    """
    with pytest.raises(ScenarioError, match=r"it needs \[target\] command, which the scenario does not have"):
        parse_scenario(url, Path("x.toml"), check_files=False)


@pytest.mark.parametrize(
    ("text", "gates", "criteria"),
    [
        (LOAD + OPERATION, {"load.latency.p50": "< 2s"}, ("timing", "load")),
        (LOAD + OPERATION + PROFILING, {"timing.bias": "< 2s"}, ("timing", "profiling")),
        (
            LOAD + FAULT.replace("raise(TimeoutError)", "sleep(1s)") + OPERATION,
            {"capture.unexpected": "= 0"},
            ("capture", "timing"),
        ),
        ("wait = true\n" + SCRIPT, {"load.memory_growth": "< 1MB"}, ("capture", "load")),
        (OVERHEAD, {"overhead.memory": "< 1MB"}, ("overhead",)),
    ],
)
def test_a_gate_that_has_a_subject_is_judged(
    text: str, gates: dict[str, str], criteria: tuple[str, ...]
) -> None:
    """Also beside the criteria that the scenario is about."""
    read = scenario(text, **gates)
    assert criteria_of(read) == criteria
    assert {METRICS[gate.metric].criterion for gate in with_defaults(read, criteria)} == set(criteria)


def test_failures_have_no_default_gate_where_nothing_sends_requests() -> None:
    """A script whose memory is judged has no requests that could fail."""
    asked = scenario("wait = true\n" + SCRIPT, **{"load.memory_growth": "< 1MB"})
    assert [gate.metric for gate in with_defaults(asked, ["load"])] == ["load.memory_growth"]


@pytest.mark.parametrize(
    ("metric", "text", "words"),
    [
        ("capture.rate", "= 100%", "is a ratio"),
        ("profiling.profiled", "== 25%", "is a ratio"),
        ("timing.bias", "= 0ms", "is measured in seconds"),
        ("overhead.cpu", "= 0%", "is a relative change"),
        ("overhead.memory", "= 0MB", "is measured in bytes"),
    ],
)
def test_only_counts_can_be_asked_to_be_equal(metric: str, text: str, words: str) -> None:
    """An estimate is never equal to anything, and the poorer the evidence, the more it would hold."""
    with pytest.raises(ScenarioError) as refused:
        parse_gate(metric, text, "x.toml:3: [gates]")
    assert refused.value.what == (
        f"{metric} = {text!r}: = is for counts, and {metric} {words}; what is estimated is never exactly equal to anything"
    )
    assert str(refused.value.hint).startswith("use <, <=, >= or >, as in ")
    assert parse_gate("capture.unexplained", "= 0", "").comparison == "="


@pytest.mark.parametrize(
    ("metric", "text", "words"),
    [
        ("timing.error.p99", "< 5%", "is measured in seconds"),
        ("capture.rate", "< 30s", "is a ratio"),
        ("capture.fired", ">= 10.5", "is a count"),
        ("overhead.cpu", "< 0.05", "is a relative change"),
        ("load.memory_growth", "< 5s", "is measured in bytes"),
    ],
)
def test_a_unit_that_does_not_fit_is_told_in_words(metric: str, text: str, words: str) -> None:
    """With an example of one that does."""
    with pytest.raises(ScenarioError) as refused:
        parse_gate(metric, text, "here")
    assert refused.value.what == f"{metric} = {text!r}: the unit does not fit, {metric} {words}"
    assert str(refused.value.hint).startswith("write it as in ")
