"""A bug that takes two faults is found, and told by the smallest plan that shows it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

pytest.importorskip("hypothesis")
pytest.importorskip("flask")

from hypothesis import given, seed, settings

from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.testing.plan import Plan, PlannedFault, Send
from pytest_sentry_harness.testing.played import LostEventError
from pytest_sentry_harness.testing.rig import running_rig
from pytest_sentry_harness.testing.strategies import RIG_SETTINGS, plans

from . import targets

pytestmark = pytest.mark.slow

POINTS = {
    "__main__:reserve": ["raise(KeyError)", "raise(TimeoutError)", "sleep(1ms)", "return(False)"],
    "__main__:charge": ["raise(ValueError)", "raise(ConnectionError)", "return(None)"],
    "__main__:notify": ["raise(OSError)", "raise(TimeoutError)"],
}
RESERVE = PlannedFault("__main__:reserve", "raise(TimeoutError)")
CHARGE = PlannedFault("__main__:charge", "raise(ConnectionError)")
REQUESTS = ["GET /orders", "POST /orders"]
SETTINGS = settings(RIG_SETTINGS, max_examples=1000, database=None)


def find(defect: str) -> LostEventError:
    """Let Hypothesis look for a plan that loses an event; gives what it found."""
    with running_rig(targets.pair_shop(defect), POINTS, before_each=Send("POST /reset")) as rig:

        @seed(19)  # a lucky one: found and reduced within a hundred plans
        @SETTINGS
        @given(plans(POINTS, REQUESTS, max_size=4, max_faults=1))
        def nothing_is_lost(plan: Plan) -> None:
            rig.check(plan, name=defect)

        with pytest.raises(LostEventError) as found:
            nothing_is_lost()
        print(rig.tally)
    return found.value


@pytest.mark.usefixtures("unmeasured")
def test_a_pair_of_faults_in_two_requests_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan is reduced to exactly the pair, in order; its file loses the event again, at the same line."""
    monkeypatch.chdir(tmp_path)
    began = time.monotonic()
    lost = find("two requests")
    print(f"{time.monotonic() - began:.1f} s: {lost.played.plan}\n{lost}")
    plan = lost.played.plan
    assert plan == Plan([Send("POST /orders", [RESERVE]), Send("POST /orders", [CHARGE])])
    (loss,) = lost.played.lost
    assert (loss.reason, loss.example.fault, loss.count) == ("swallowed", CHARGE.name, 1)
    path = Path(".sentry-harness/plans/two-requests.toml")
    assert lost.scenario == path
    assert f"play it again: sentry-harness gate {path}" in str(lost)
    scenario = load_scenario(path)
    assert scenario.load is not None
    assert [request.faults for request in scenario.load.requests] == [
        tuple(fault.name for fault in send.meets) for send in plan.sends
    ]
    document = run_scenario(scenario, runs=tmp_path / "runs")
    assert document.verdict is Verdict.FAIL
    (again,) = [each for each in document.losses if each.reason == "swallowed"]
    assert again.fault == CHARGE.name
    assert again.place is not None
    assert again.place.file.endswith("pair_shop.py")
