"""The rig: many plans over one target, each with its own account; restarts where something could be left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("flask")

from pytest_sentry_harness.errors import EvidenceError, InjectionError, UsageError
from pytest_sentry_harness.ledger.journal import Journal
from pytest_sentry_harness.model.account import State
from pytest_sentry_harness.model.ledger import Note
from pytest_sentry_harness.model.scenario import LinkRule, Target
from pytest_sentry_harness.testing import evidence, window
from pytest_sentry_harness.testing.plan import Plan, PlannedFault, Send
from pytest_sentry_harness.testing.played import LostEventError
from pytest_sentry_harness.testing.rig import Rig, running_rig

from . import targets

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured_module")]

LOAD = PlannedFault("__main__:load", "raise(TimeoutError)")
SLEEP = PlannedFault("__main__:load", "sleep(1ms)")
COUNT = PlannedFault("__main__:count", "raise(ValueError('x'))")
KILL = PlannedFault("__main__:load", "exit(SIGKILL)")
SAVE = PlannedFault("__main__:save", "raise(KeyError('x'))", captured=False)
UNKNOWN = PlannedFault("__main__:save", "raise(nowhere.Error)")
RENDER = PlannedFault("__main__:render", "raise(OSError)")
ODD = PlannedFault("__main__:save", "raise(pytest_sentry_harness.testing.hostile.UndecodableError)")
FAULTS = [ODD, LOAD, SLEEP, COUNT, KILL, SAVE, UNKNOWN, RENDER]
ARTICLE = "GET /articles/a"


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig(targets.flask_shop(), FAULTS) as rig:
        yield rig


def states(rig: Rig, *sends: Send, link: tuple[LinkRule, ...] = ()) -> dict[State, int]:
    played = rig.play(Plan(sends, link))
    return {state: count for state, count in played.account.states.items() if count}


def test_each_plan_has_an_account_of_its_own(rig: Rig) -> None:
    """One state for each of its faults, whatever was played before."""
    for _ in range(3):
        assert states(rig, Send(ARTICLE, [LOAD])) == {State.CAPTURED: 1}
        assert states(rig, Send(ARTICLE, [LOAD]), Send(ARTICLE, [SLEEP])) == {
            State.CAPTURED: 1,
            State.EXPLAINED: 1,
        }
        assert states(rig, Send("GET /report", [LOAD])) == {State.NOT_REACHED: 1}
        assert states(rig, Send("GET /nowhere", [LOAD])) == {State.NOT_REACHED: 1}
        assert states(rig) == {}
    assert rig.tally.strays == []
    total = rig.total().account
    assert total.injected == rig.tally.injected


def test_what_happened_is_told_plan_by_plan(rig: Rig) -> None:
    """Statuses, losses with their causes, and a text for people."""
    played = rig.play(
        Plan([Send(ARTICLE, [COUNT, LOAD]), Send("POST /orders", [SAVE], json={}), Send("GET /nowhere")])
    )
    assert played.statuses == (500, 500, 404)
    (loss,) = played.lost
    assert (loss.fault, loss.reason, loss.count) == (COUNT.name, "swallowed", 1)
    assert (played.unexplained, played.open, played.target_ended, played.trouble) == (0, 0, "", ())
    lines = str(played).splitlines()
    assert lines[0].startswith("3 faults in ")
    assert lines[0].endswith(": 2 captured, 1 explained")
    assert f"1 x {COUNT.name}: explained, swallowed, caught and never reported, at " in lines[1]


def test_an_event_that_is_no_json_is_not_waited_for(rig: Rig) -> None:
    """The SDK was answered 200, as by Sentry, and the server could not use what came: that is the cause."""
    played = rig.play(Plan([Send("POST /orders", [ODD], json={})]))
    (loss,) = played.lost
    assert (loss.source, played.open) == ("server", 0)
    assert "lone surrogate" in loss.reason + loss.culprit


def test_a_loss_is_written_as_a_scenario(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named as the test, or as one likes."""
    monkeypatch.chdir(tmp_path)
    plan = Plan([Send(ARTICLE, [COUNT])])
    with pytest.raises(LostEventError) as lost:
        rig.check(plan)
    assert lost.value.scenario == Path(".sentry-harness/plans/test_a_loss_is_written_as_a_scenario.toml")
    assert lost.value.played.plan is plan
    assert lost.value.scenario.read_text() == rig.scenario_of(
        plan, name="test_a_loss_is_written_as_a_scenario"
    )
    assert Path(".sentry-harness/.gitignore").read_text() == "*\n"
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    assert rig.write(plan).name == "plan.toml"
    assert rig.write(plan, name="../odd name/").name == "odd-name.toml"
    assert rig.check(Plan([Send(ARTICLE, [LOAD])])).account.captured == 1


def test_a_link_that_misbehaved_costs_a_restart(rig: Rig) -> None:
    """The SDK keeps a limit for a minute; the next plan must not suffer from it."""
    before = rig.tally.restarts
    limit = LinkRule(status=429, headers={"Retry-After": "60"})
    played = rig.play(Plan([Send(ARTICLE, [LOAD]), Send(ARTICLE, [LOAD])], [limit]))
    assert played.account.states[State.EXPLAINED] == 2
    assert rig.link_changed
    assert rig.tally.restarts == before
    assert states(rig, Send(ARTICLE, [LOAD])) == {State.CAPTURED: 1}
    assert rig.tally.restarts == before + 1
    assert not rig.link_changed


def test_a_target_that_dies_is_started_anew(rig: Rig) -> None:
    """Its plan says how it ended; the next one has a new target."""
    played = rig.play(Plan([Send(ARTICLE, [KILL]), Send(ARTICLE, [LOAD])]))
    assert played.statuses == (0, 0)
    assert "SIGKILL" in played.target_ended
    assert played.account.states[State.NOT_REACHED] == 1
    assert states(rig, Send(ARTICLE, [LOAD])) == {State.CAPTURED: 1}


def test_what_the_agent_could_not_do_is_trouble(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception that is not there is not the application's fault, and no pass either."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LostEventError, match=r"did not fire: .*nowhere") as lost:
        rig.check(Plan([Send("POST /orders", [UNKNOWN])]))
    assert lost.value.played.lost == ()


def test_only_what_the_rig_was_made_with_can_be_played(rig: Rig) -> None:
    """A fault that is not armed would never fire."""
    with pytest.raises(
        UsageError, match=r"the rig was not made with PlannedFault\('__main__:load', 'raise\(OSError\)'\)"
    ):
        rig.play(Plan([Send(ARTICLE, [PlannedFault("__main__:load", "raise(OSError)")])]))


def test_an_account_that_does_not_close_is_no_account(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rig counts for itself, and says so when the sum is another."""
    monkeypatch.setattr(window.Window, "size", property(lambda _: 7))
    with pytest.raises(
        EvidenceError,
        match="the account does not close: 7 faults are on record, 1 were entered, and the states add up to 1",
    ):
        rig.play(Plan([Send(ARTICLE, [LOAD])]))
    monkeypatch.undo()
    episode = rig.begin()
    episode.send(Send(ARTICLE, [LOAD]))
    episode._sent.append(Send(ARTICLE, [LOAD]))
    with pytest.raises(EvidenceError, match="2 faults were asked for, and 1 are in the account"):
        episode.settle()


def test_an_event_that_nobody_explains_is_waited_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the rig is patient; a process that lives is not taken for one that was killed."""
    monkeypatch.setattr("pytest_sentry_harness.testing.episode._LINK_PATIENCE", 0.5)
    monkeypatch.setattr(rig.manner, "patience", 0.3)
    played = rig.play(Plan([Send(ARTICLE, [LOAD])], [LinkRule(hang=True)]))
    assert (played.unexplained, played.open) == (1, 1)
    (loss,) = played.lost
    assert (loss.state, loss.reason) == (State.UNEXPLAINED_LOSS, "handed to the transport, never arrived")
    rig.behave_well()


def test_faults_that_fire_late_are_waited_for_or_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread goes on when the request is over: with ``linger`` its fault belongs to the plan."""
    late = Plan([Send("POST /later", [RENDER])])
    assert {state for state, count in rig.play(late).account.states.items() if count} == {State.NOT_REACHED}
    monkeypatch.setattr(rig.manner, "linger", 20.0)
    played = rig.play(late)
    assert played.account.states[State.CAPTURED] == 1
    assert played.seconds < 20
    rig.begin()
    assert set(rig.tally.strays) == {f"{RENDER.name}-000000"}


def test_each_plan_may_have_a_target_of_its_own(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """For targets that remember; or a request that makes them forget comes first."""
    monkeypatch.setattr(rig.manner, "fresh", "each_plan")
    before = rig.tally.restarts
    assert states(rig, Send(ARTICLE, [LOAD])) == {State.CAPTURED: 1}
    assert rig.tally.restarts == before + 1
    monkeypatch.setattr(rig.manner, "fresh", "when_needed")
    monkeypatch.setattr(rig.manner, "before_each", Send("GET /nowhere"))
    with pytest.raises(UsageError, match="GET /nowhere: before_each was answered 404"):
        rig.begin()
    monkeypatch.setattr(rig.manner, "before_each", Send("GET /report"))
    rig.begin()
    rig.stop_target()
    monkeypatch.setattr(rig, "_ready", lambda: None)
    with pytest.raises(UsageError, match="GET /report: before_each was not answered: .*refused"):
        rig.begin()
    monkeypatch.undo()
    rig.begin()


def test_a_point_that_is_not_there_is_said_at_once() -> None:
    """With the nearest names: a plan over it would prove nothing."""
    with (
        pytest.raises(InjectionError, match="the fault point is missing") as error,
        running_rig(targets.flask_shop(), {"flask.app:Flask.runn": ["raise(OSError)"]}),
    ):
        pass
    assert "at flask.app:Flask.runn" in str(error.value)
    assert "nearest: flask.app:Flask.run" in str(error.value)


def test_a_rig_needs_a_target_that_says_when_it_is_ready(tmp_path: Path) -> None:
    """Scripts and services that run already cannot be played on."""
    for target in (Target(command="true"), Target(command="true", ready="/", wait=True)):
        with (
            pytest.raises(UsageError, match="a rig needs a target that it starts"),
            running_rig(target, FAULTS),
        ):
            pass


def test_a_rig_over_a_scenario_file(tmp_path: Path) -> None:
    """Its target and its faults, unless others are given; the run's folder stays where it was asked for."""
    path = tmp_path / "shop.toml"
    path.write_text(
        Plan([Send(ARTICLE, [LOAD])]).to_scenario(targets.flask_shop(), name="shop"), encoding="utf-8"
    )
    with running_rig(path, folder=tmp_path / "rig", headers={"X-Note": "a"}) as rig:
        assert rig.faults == (LOAD,)
        assert rig.scenario.name == "shop"
        assert states(rig, Send(ARTICLE, [LOAD])) == {State.CAPTURED: 1}
        assert "X-Note" in rig.scenario_of(Plan([Send(ARTICLE, [LOAD])]))
    assert (rig.folder.path / "ledger").is_dir()
    assert rig.total().account.captured == 1


def test_half_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    """Journals are read while they are written."""
    journal = Journal(tmp_path, run_id="r", role="target")
    with journal.path.open("rb") as whole:
        tail = evidence.JournalTail(journal.path, (tmp_path / "half").open("w+b"))
        data = whole.read()
    assert (tail.role, tail.pid) == ("", 0)
    tail.file.write(data[:20])
    tail.file.seek(0)
    assert tail.read() == []
    tail.file.write(data[20:])
    tail.file.seek(20)
    (hello,) = tail.read()
    assert tail.pid == hello.pid  # type: ignore[attr-defined]
    assert [record.KIND for record in tail.told(alive=True)] == ["hello", "sdk_pending", "goodbye"]
    assert [record.KIND for record in tail.told(alive=False)] == ["hello"]
    tail.file.close()
    journal.close("end")


def test_whether_a_process_lives() -> None:
    """Unknown and foreign ones count as alive."""
    assert evidence.process_lives(0)
    assert evidence.process_lives(1)
    assert not evidence.process_lives(2**22 + 1)


def test_the_agents_errors_are_kept_with_the_plan() -> None:
    """Those of level error, and no others."""
    seen = window.Window()
    for level in ("info", "error"):
        seen.see(Note(at=0.0, mono=0.0, level=level, text=level))  # type: ignore[arg-type]
    assert seen.trouble == ["error"]
