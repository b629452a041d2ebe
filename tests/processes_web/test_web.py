"""What the scenarios of web servers show beyond their verdicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.account import State
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.plan.twins import twin_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured")]

SCENARIOS = Path(__file__).parent.parent.parent / "scenarios" / "processes"


def scenario(name: str, **env: str) -> Scenario:
    """A scenario with ``env`` added."""
    loaded = load_scenario(SCENARIOS / f"{name}.toml")
    return replace(loaded, target=replace(loaded.target, env={**loaded.target.env, **env}))


@pytest.mark.parametrize("name,defect", [("web-django", "debug"), ("web-flask", "testing")])
def test_pages_and_modes_for_developers_lose_nothing(tmp_path: Path, name: str, defect: str) -> None:
    """Django's DEBUG page and Flask's TESTING come after the signal by which the SDK hears of an error."""
    document = run_scenario(scenario(name, DEFECT=defect), runs=tmp_path)
    assert document.verdict is Verdict.PASS


def test_a_fork_copies_the_queue_and_each_worker_sends_it_again(tmp_path: Path) -> None:
    """The events of the master arrive more than once; nothing is lost by it."""
    document = run_scenario(twin_of(scenario("web-gunicorn-preload"), "no-flush-before-fork"), runs=tmp_path)
    assert document.account.captured == document.account.fired
    assert document.account.duplicates > 0


def test_asgiref_never_closes_a_response(tmp_path: Path) -> None:
    """What an application does when a response is closed is not done at all behind its adapter."""
    adapted = scenario("web-flask-asgi").target.command
    loaded = scenario("web-flask")
    document = run_scenario(
        replace(loaded, target=replace(loaded.target, command=adapted), settle=10.0), runs=tmp_path
    )
    assert document.account.by_fault["close"] == {State.NOT_REACHED: 8}
