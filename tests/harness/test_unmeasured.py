"""Operations of which nothing is known: they keep a run from passing, and the note says which, why, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.harness.timing import unmeasured
from pytest_sentry_harness.model.timing import Duration, Timings, Told
from pytest_sentry_harness.plan.scenario import parse_scenario
from pytest_sentry_harness.reconcile.summary import Summary

SCENARIO = """
[scenario]
name = "s"
[target]
command = "x"
[load]
[[load.request]]
send = "GET /"
[[operation]]
name = "save"
at = "shop:save"
op = "function"
"""


def doubts(*states: Told, more: str = "") -> list[str]:
    scenario = parse_scenario(SCENARIO + more, Path("s.toml"))
    durations = tuple(
        Duration(operation="save", kind="sync", trace_id=None, true=0.1, state=state) for state in states
    )
    return unmeasured(scenario, Timings(durations=durations), Summary())


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ([Told.OUTSIDE] * 7, "7 calls could be held against a report (7 outside)"),
        ([Told.UNSAMPLED] * 60, "60 calls could be held against a report (60 unsampled)"),
        ([Told.MISSAMPLED] * 2 + [Told.UNSAMPLED], "(2 missampled, 1 unsampled)"),
        ([Told.NO_SPAN], "(1 no span), so nothing is known about it: see why under timing.unmatched"),
    ],
)
def test_an_operation_that_was_never_held_against_a_report_is_doubted(states: list[Told], words: str) -> None:
    """Measured it was, and yet nobody knows whether what is told of it is right."""
    (doubt,) = doubts(*states)
    assert doubt.startswith("operation 'save': none of its ")
    assert words in doubt


def test_one_that_was_is_not() -> None:
    """One is enough to be judged: whether they are enough of them is the gates' business."""
    assert doubts(Told.MATCHED, Told.OUTSIDE, Told.UNSAMPLED) == []


def test_an_operation_that_never_ran_is_doubted() -> None:
    """Its function was not called, or is not there."""
    (doubt,) = doubts()
    assert "operation 'save' was never measured" in doubt


def test_where_timing_is_not_judged_only_the_measuring_counts() -> None:
    """The profiling criterion has its own ways of finding a report."""
    assert doubts(Told.AMBIGUOUS, more="[profiling]\n") == []
    assert len(doubts(more="[profiling]\n")) == 1
