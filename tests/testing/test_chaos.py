"""The state machine: faults, a bad link and restarts in any order, and an account that closes after each step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("hypothesis")
pytest.importorskip("flask")

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from pytest_sentry_harness.model.account import LossClass, State
from pytest_sentry_harness.model.scenario import LinkRule
from pytest_sentry_harness.testing.chaos import ChaosMachine
from pytest_sentry_harness.testing.plan import PlannedFault, Send
from pytest_sentry_harness.testing.played import LostEventError, Played
from pytest_sentry_harness.testing.rig import Rig, running_rig
from pytest_sentry_harness.testing.strategies import RIG_SETTINGS

from . import targets

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured_module")]

FAULTS = [
    PlannedFault("__main__:load", "raise(TimeoutError)"),
    PlannedFault("__main__:load", "sleep(1ms)"),
    PlannedFault("__main__:save", "raise(ValueError('x'))"),
    PlannedFault("__main__:render", "raise(RuntimeError)"),
]
PAIR = [
    PlannedFault("__main__:reserve", "raise(TimeoutError)"),
    PlannedFault("__main__:charge", "raise(ConnectionError)"),
]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig(targets.flask_shop(), FAULTS) as rig:
        yield rig


def few(examples: int, steps: int) -> settings:
    return settings(
        RIG_SETTINGS, max_examples=examples, stateful_step_count=steps, database=None, derandomize=True
    )


def test_any_order_of_steps_closes(rig: Rig) -> None:
    """Drawn by Hypothesis; what is lost has its cause."""
    seen: list[Played | None] = []

    class Machine(ChaosMachine):
        requests = ["GET /articles/a", Send("POST /orders", json={"a": 1}), "GET /report"]

        def teardown(self) -> None:
            super().teardown()
            seen.append(self.played)

    Machine.rig = rig
    run_state_machine_as_test(Machine, settings=few(3, 5))
    assert seen
    assert all(played is not None and played.unexplained == 0 for played in seen)


@settings(few(1, 1), phases=(Phase.generate,))
@given(st.data())
def check_each_step(rig: Rig, data: st.DataObject) -> None:
    machine = machine_with(rig)
    machine.begin()
    machine.inject(data)
    assert len(machine.pending) == 1
    machine.send(data)
    assert machine.pending == []
    machine.send_several(data)
    machine.the_account_closes()
    machine.wait()
    machine.restart(False)
    machine.send_several(data)
    assert not machine.excused
    machine.link_misbehaves(data)
    assert machine.link_is_bad
    machine.send_several(data)
    machine.link_recovers()
    machine.restart(True)
    assert (machine.excused, machine.link_is_bad, machine.restarts) == (True, False, 2)
    machine.send_several(data)
    machine.the_account_closes()
    machine.teardown()
    assert machine.played is not None
    assert machine.played.account.injected == sum(machine.played.account.states.values())


def test_each_step_does_what_it_says(rig: Rig) -> None:
    """Faults, requests, a bad link and its recovery, an orderly and a sudden end of the target."""
    check_each_step(rig)


def test_what_a_subclass_says_may_be_lost_is_no_failure(rig: Rig) -> None:
    """An outage loses what is sent meanwhile; ``allowed`` decides whether that is a failure."""
    machine = machine_with(rig)
    machine.begin()
    rig.misbehave(LinkRule(reset="before"))
    machine._episode.send(Send("GET /articles/a", [FAULTS[0]]))
    machine.allowed = lambda loss: False  # type: ignore[method-assign]
    with pytest.raises(
        LostEventError, match=r"1 of 1 faults lost their event:\n  1 x load-raise-TimeoutError"
    ):
        machine.teardown()
    seen: list[LossClass] = []
    machine.begin()
    rig.misbehave(LinkRule(reset="before"))
    machine._episode.send(Send("GET /articles/a", [FAULTS[0]]))
    machine.allowed = lambda loss: not seen.append(loss)  # type: ignore[method-assign,func-returns-value]
    machine.teardown()
    (loss,) = seen
    assert loss.state is State.EXPLAINED
    rig.behave_well()


def test_a_loss_without_an_excuse_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its steps, and by a scenario file, since neither link nor target had a part in it."""
    monkeypatch.chdir(tmp_path)
    with running_rig(targets.pair_shop("one request"), PAIR) as rig:

        class PairMachine(ChaosMachine):
            requests = ["POST /orders"]
            kills = False
            links = ()

        PairMachine.rig = rig
        quick = settings(few(200, 5), phases=(Phase.generate,))
        with pytest.raises(LostEventError) as found:
            run_state_machine_as_test(PairMachine, settings=quick)
    notes = "\n".join(found.value.__notes__)
    assert "state.send" in notes
    assert "state.restart" not in notes
    assert found.value.scenario == Path(".sentry-harness/plans/PairMachine.toml")
    assert found.value.scenario.exists()


def test_a_machine_that_never_began_has_nothing_to_tell(rig: Rig) -> None:
    """Its end is quiet."""
    machine = machine_with(rig)
    machine.the_account_closes()
    machine.teardown()
    assert machine.played is None


def machine_with(rig: Rig) -> ChaosMachine:
    class Machine(ChaosMachine):
        requests = ["GET /articles/a"]

    Machine.rig = rig
    return Machine()
