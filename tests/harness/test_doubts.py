"""What makes the evidence incomplete is said, and keeps a run from passing."""

from __future__ import annotations

from pathlib import Path

from pytest_sentry_harness.harness.doubts import doubts_about
from pytest_sentry_harness.model.ledger import Note
from pytest_sentry_harness.plan.scenario import parse_scenario
from pytest_sentry_harness.reconcile.reconcile import reconcile
from pytest_sentry_harness.testing.builders import Story

SCENARIO = """
[scenario]
name = "storm"
[target]
command = "app"
[load]
locustfile = "x.py"
[[fault]]
name = "db-timeout"
at = "app:save"
do = "raise(TimeoutError)"
"""


def doubts(told: Story) -> list[str]:
    scenario = parse_scenario(SCENARIO, Path("storm.toml"), check_files=False)
    return doubts_about(scenario, reconcile(told.records(), told.arrivals(), {}), [])


def complete() -> Story:
    """A run nobody need doubt."""
    told = Story()
    told.process("load", pid=50)
    told.intent(1)
    told.goodbye()
    told.process()
    told.sdk()
    told.captured(1)
    return told


def test_a_complete_run_is_not_doubted() -> None:
    """A target that ended by SIGTERM, without goodbye, is ordinary."""
    assert doubts(complete()) == []


def test_a_load_generator_that_never_reported_is_doubted() -> None:
    """The usual cause is a locustfile that never calls attach."""
    told = Story()
    told.process()
    told.captured(1)
    assert "does the locustfile call attach(environment)" in doubts(told)[0]


def test_a_load_generator_that_was_killed_is_doubted() -> None:
    """Its last intents may be missing."""
    told = complete()
    told.process("load", pid=51)
    assert doubts(told) == ["load generator 51 ended without closing its journal"]


def test_what_the_agent_warns_of_is_doubted_once() -> None:
    """Disarmed in mid-run: what would have fired is not known."""
    told = complete()
    for _ in range(2):
        told.add(Note, level="warning", text="everything is disarmed: the lease is gone")
    told.add(Note, level="info", text="a remark")
    assert doubts(told) == ["everything is disarmed: the lease is gone"]


def test_a_fault_that_fired_in_two_processes_is_doubted() -> None:
    """Counted once, so one of its events may be missing unnoticed."""
    told = complete()
    told.process(pid=101)
    told.fired(1)
    assert doubts(told)[0].startswith("1 faults fired in more than one process")


def test_nothing_at_all_is_doubted_for_every_reason() -> None:
    """No journals: no agent, no load, no fault."""
    assert len(doubts(Story())) == 3
