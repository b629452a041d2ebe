"""Arming, deciding, firing, settling and putting back, within one process."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import json
import math
import sys
import threading
import time
import types
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.errors import TermError
from pytest_sentry_harness.injection.injector import Injector
from pytest_sentry_harness.injection.recorder import MemoryRecorder, agent_working
from pytest_sentry_harness.injection.selection import PRESENT
from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import Fate, Finished, Fired, Note, PointState
from pytest_sentry_harness.protocol.fault_header import Selected

from . import sample

PLAIN = f"{sample.__name__}:plain"


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture
def injector(recorder: MemoryRecorder) -> Iterator[Injector]:
    injector = Injector(recorder, seed=1)
    yield injector
    injector.disarm()


def call_fault(do: str, names: str = "plain", name: str = "f") -> ArmedFault:
    return ArmedFault(name=name, at=f"{sample.__name__}:{names}", do=do, select="call")


def test_a_request_fault_fires_once_and_only_where_selected(
    injector: Injector, recorder: MemoryRecorder
) -> None:
    """Outside a selection nothing fires; inside, each selected fault once, at the first reach."""
    injector.arm(ArmedFault(name="late", at=PLAIN, do="3*sleep(1ms)->raise(TimeoutError('late'))"))
    assert sample.plain(1, c=1)[0] == 1
    with injector.selecting([Selected("late", "late-7", 1)], trace_id="abc"):
        with pytest.raises(TimeoutError) as caught:
            sample.plain(1, c=1)
        assert sample.plain(1, c=1)[0] == 1
    assert injector.exceptions.ids_in(caught.value) == ("late-7",)
    (fired,) = recorder.records(Fired)
    assert (fired.fault_id, fired.fault, fired.trace_id, fired.effect) == ("late-7", "late", "abc", "raise")
    assert (fired.exception_type, fired.exception_message) == ("TimeoutError", "late")
    assert fired.term == "raise(TimeoutError('late'))"
    assert fired.place is not None
    assert fired.place.line == inspect.getsourcelines(sample.plain)[1]
    assert fired.thread == threading.current_thread().name
    assert PRESENT.get() is None


def test_call_faults_decide_at_every_call(injector: Injector, recorder: MemoryRecorder) -> None:
    """By their schedule; the ids carry the number of the opportunity; opportunities are counted."""
    injector.arm(call_fault("2*return('wrong')"))
    assert [sample.plain(1, c=1) == "wrong" for _ in range(4)] == [True, True, False, False]
    assert [fired.fault_id for fired in recorder.records(Fired)] == ["f-000000", "f-000001"]
    assert injector.opportunities() == {"f": 4}


def test_several_faults_at_one_point(injector: Injector, recorder: MemoryRecorder) -> None:
    """Waits come before what ends the function, in the order of arming; aliases share the point."""
    injector.arm(call_fault("sleep(1ms)", name="slow"))
    injector.arm(call_fault("1*off->return('wrong')".replace("1*off->", ""), name="wrong"))
    injector.arm(call_fault("return('never')", name="never"))
    assert sample.plain(1, c=1) == "wrong"
    assert [fired.fault for fired in recorder.records(Fired)] == ["slow", "wrong"]
    (finished,) = recorder.records(Finished)
    assert finished.seconds > 0


def test_disarming_restores_everything_exactly(injector: Injector, recorder: MemoryRecorder) -> None:
    """The code objects are the very same, attributes too; and nothing fires or is armed any more."""
    before = (
        sample.plain.__code__,
        sample.coroutine.__code__,
        vars(sample)["builtin"],
        vars(sample)["instance"],
    )
    for number, names in enumerate(["plain", "coroutine", "builtin", "instance"]):
        injector.arm(call_fault("return('wrong')", names, name=f"f{number}"))
    assert sample.builtin([]) == sample.instance(1) == sample.plain(1, c=2) == "wrong"  # type: ignore[comparison-overlap]
    injector.disarm("enough")
    assert before == (
        sample.plain.__code__,
        sample.coroutine.__code__,
        vars(sample)["builtin"],
        vars(sample)["instance"],
    )
    assert {state.state for state in injector.states().values()} == {"disarmed"}
    assert injector.states()["f0"].note == "enough"
    injector.arm(call_fault("return('wrong')", name="more"))
    assert sample.plain(1, c=2) != "wrong"
    assert not injector.live


def test_what_somebody_else_replaced_since_stays_theirs(
    injector: Injector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Putting the old back would undo their work."""
    monkeypatch.setattr(sample.plain, "__code__", sample.plain.__code__)
    injector.arm(call_fault("return('wrong')"))
    sample.plain.__code__ = theirs = sample.plain.__code__.replace(co_name="theirs")
    injector.disarm()
    assert sample.plain.__code__ is theirs


def test_attribute_points_tell_who_keeps_the_original(
    injector: Injector, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls through those names do not fire; the wrapper's frame shows the fault point and no agent file."""
    holder = types.ModuleType("early_importer")
    holder.sqrt = math.sqrt  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "early_importer", holder)
    state = injector.arm(ArmedFault(name="f", at="math:sqrt", do="raise(OSError)", select="call"))
    assert (state.state, state.how) == ("armed", "attribute")
    assert "early_importer.sqrt" in state.missed_names
    with pytest.raises(OSError) as caught:  # noqa: PT011
        math.sqrt(0)
    assert caught.traceback[-1].frame.code.raw.co_filename == "<fault point sqrt>"


def test_missing_points_name_their_neighbours(injector: Injector) -> None:
    """Wrong name, wrong path, class without a constructor."""
    injector.arm(call_fault("raise", "plane", name="a"))
    injector.arm(ArmedFault(name="b", at="nothing", do="raise"))
    injector.arm(ArmedFault(name="c", at="pytest_sentry_harnes:x", do="raise"))
    injector.arm(ArmedFault(name="d", at="tests.injektion.x:x", do="raise"))
    injector.arm(ArmedFault(name="e", at="calendar_that.is.not:x", do="raise"))
    injector.arm(ArmedFault(name="g", at="wave:open", do="raise"))
    injector.arm(ArmedFault(name="h", at="__main__:no_such_function_there", do="raise"))
    injector.missing_modules()
    states = injector.states()
    assert states["a"].nearest == (PLAIN,)
    assert "is not an import path" in states["b"].note
    assert "pytest_sentry_harness" in states["c"].nearest
    assert states["d"].nearest == ("tests.injection",)
    assert {states[name].state for name in "abcdeh"} == {"missing"}
    assert (states["g"].state, states["g"].note) == ("waiting", "module wave never imported")
    with pytest.raises(TermError):
        injector.arm(ArmedFault(name="i", at=PLAIN, do="rise"))


def test_modules_are_armed_when_they_are_imported(
    injector: Injector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for names that other modules import from them at once."""
    (tmp_path / "comes_later.py").write_text("def work():\n    return 1\n")
    (tmp_path / "uses_it.py").write_text("from comes_later import work\n")
    monkeypatch.syspath_prepend(tmp_path)
    injector.arm(ArmedFault(name="f", at="comes_later:work", do="return(2)", select="call"))
    assert injector.states()["f"].state == "waiting"
    import uses_it  # type: ignore[import-not-found]

    assert uses_it.work() == 2
    assert injector.states()["f"].state == "armed"
    for name in ("comes_later", "uses_it"):
        sys.modules.pop(name)


def test_a_disarmed_injector_is_let_go() -> None:
    """Import hooks stay for ever; they must not hold the injector."""
    injector = Injector(MemoryRecorder())
    injector.arm(ArmedFault(name="f", at="never_imported_by_anybody:x", do="raise"))
    reference = weakref.ref(injector)
    injector.disarm()
    del injector
    gc.collect()
    assert reference() is None


def test_what_cannot_be_built_does_not_fire(injector: Injector, recorder: MemoryRecorder) -> None:
    """The application goes on, and the ledger says that the harness is at fault."""
    injector.arm(call_fault("raise(UnicodeDecodeError)"))
    assert sample.plain(1, c=1)[0] == 1
    assert recorder.records(Fired) == []
    (note,) = recorder.records(Note)
    assert note.level == "error"
    assert note.text.startswith(f"fault 'f' at {PLAIN} did not fire: UnicodeDecodeError() cannot be built")


def test_a_ledger_that_cannot_be_written_stops_the_fault(capfd: pytest.CaptureFixture[str]) -> None:
    """What is not written must not happen."""

    class Full(MemoryRecorder):
        def write(self, kind: Any, /, **fields: Any) -> Any:
            if kind is Fired:
                raise OSError("disk full")
            return super().write(kind, **fields)

    injector = Injector(Full())
    injector.arm(call_fault("raise"))
    try:
        assert sample.plain(1, c=1)[0] == 1
    finally:
        injector.disarm()
    assert "sentry-harness: the ledger cannot be written: OSError('disk full')" in capfd.readouterr().err


def test_hostile_messages_are_recorded_as_such(
    injector: Injector, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """str() of an exception may raise."""

    class HostileError(Exception):
        def __str__(self) -> str:
            raise ValueError("no")

    monkeypatch.setattr(sample, "HostileError", HostileError, raising=False)
    injector.arm(call_fault(f"raise({sample.__name__}.HostileError)"))
    with pytest.raises(HostileError):
        sample.plain(1, c=1)
    assert recorder.records(Fired)[0].exception_message == "<str() raised ValueError>"


def test_the_agents_own_work_meets_no_fault(injector: Injector, recorder: MemoryRecorder) -> None:
    """Even if it uses the function under fault."""
    injector.arm(call_fault("raise"))
    with agent_working():
        assert sample.plain(1, c=1)[0] == 1
    assert recorder.records(Fired) == []


def test_an_asynchronous_sleep_lets_others_run(injector: Injector, recorder: MemoryRecorder) -> None:
    """Two sleeping calls overlap; the fault that follows the sleep is still met; a task name is recorded."""
    injector.arm(call_fault("sleep(30ms)", "coroutine", name="slow"))
    injector.arm(call_fault("1*return('wrong')", "coroutine", name="wrong"))
    order: list[str] = []

    async def other() -> None:
        order.append("other")

    async def main() -> list[Any]:
        both = asyncio.gather(sample.coroutine(1), sample.coroutine(2), other())
        answers = await both
        order.append("done")
        return list(answers)

    assert sorted(map(str, asyncio.run(main()))) == ["2", "None", "wrong"]
    assert order == ["other", "done"]
    assert all(finished.seconds >= 0.015 for finished in recorder.records(Finished))
    assert all(fired.task for fired in recorder.records(Fired))
    assert injector.opportunities() == {"slow": 2, "wrong": 2}


def test_a_cancelled_sleep_is_finished_too(injector: Injector, recorder: MemoryRecorder) -> None:
    """Waits are interruptible, and their true duration is recorded."""
    injector.arm(call_fault("sleep(10min)", "coroutine"))

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sample.coroutine(1), 0.01)

    asyncio.run(main())
    (finished,) = recorder.records(Finished)
    assert finished.seconds < 60


def test_a_coroutine_outside_asyncio_sleeps_blocking(injector: Injector, recorder: MemoryRecorder) -> None:
    """Other event loops have no task of asyncio's."""
    injector.arm(call_fault(["sleep(1ms)", "return(1)"][0], "coroutine"))
    injector.arm(call_fault("return(5)", "coroutine", name="five"))
    with pytest.raises(StopIteration) as stopped:
        sample.coroutine(1).send(None)
    assert stopped.value.value == 5
    assert len(recorder.records(Finished)) == 1


def test_a_forked_child_decides_in_a_lane_of_its_own(injector: Injector, recorder: MemoryRecorder) -> None:
    """Ids stay unique, counts start anew, and the child says what is armed."""
    injector.arm(call_fault("return('wrong')"))
    sample.plain(1, c=1)
    states = len(recorder.records(PointState))
    injector.after_fork("p77")
    assert injector.opportunities() == {"f": 0}
    assert recorder.records(PointState)[states].state == "armed"
    sample.plain(1, c=1)
    assert recorder.records(Fired)[-1].fault_id == "f-p77-000000"


def test_injected_exceptions_are_found_in_chains_and_groups(injector: Injector) -> None:
    """Causes, contexts, members; circles end."""
    injector.arm(call_fault("raise"))

    def one() -> BaseException:
        try:
            sample.plain(1, c=1)
        except RuntimeError as error:
            return error
        raise AssertionError

    cause, context, member = one(), one(), one()
    outer = ValueError()
    outer.__cause__, outer.__context__ = cause, ExceptionGroup("g", [KeyError(), member])  # type: ignore[list-item]
    outer.__context__.__context__ = context
    context.__cause__ = outer
    assert sorted(injector.exceptions.ids_in(outer)) == ["f-000000", "f-000001", "f-000002"]


def test_many_threads_at_one_point(injector: Injector, recorder: MemoryRecorder) -> None:
    """Counts hold, ids stay unique, and a selected fault is met by one thread only."""
    injector.arm(call_fault("100*return('wrong')"))
    injector.arm(ArmedFault(name="once", at=f"{sample.__name__}:guarded", do="return('wrong')"))
    answers: list[object] = []
    start = threading.Barrier(8)

    def run(context: contextvars.Context) -> None:
        start.wait(60)
        for _ in range(100):
            answers.append(sample.plain(1, c=1))
        answers.append(context.run(sample.guarded, 1))

    with injector.selecting([Selected("once", "once-1", 0)]):
        threads = [threading.Thread(target=run, args=(contextvars.copy_context(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("wrong") == 101
    assert answers.count("value") == 7
    assert len({fired.fault_id for fired in recorder.records(Fired)}) == 101
    assert injector.opportunities()["f"] == 800


NEEDED = "the agent itself depends on it; choose a function of the application"


@pytest.mark.parametrize(
    "at",
    ["builtins:len", "os:getpid", "os.path:join", "time:sleep", "threading:Thread.start", "json:dumps"]
    + ["io:open", "contextvars:copy_context", "pytest_sentry_harness.clock:wall"]
    + [
        f"{sample.__name__}:json.dumps",
        f"{sample.__name__}:dumps",
        f"{sample.__name__}:clock.sleep",
    ],
)
def test_what_the_agent_depends_on_is_refused(
    injector: Injector, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """By whatever name it is reached; the state says what to do instead."""
    monkeypatch.setattr(sample, "json", json, raising=False)
    monkeypatch.setattr(sample, "dumps", json.dumps, raising=False)
    monkeypatch.setattr(sample, "clock", time, raising=False)
    code = json.dumps.__code__
    state = injector.arm(ArmedFault(name="f", at=at, do="raise", select="call"))
    assert (state.state, state.note) == ("refused", f"{at}: {NEEDED}")
    assert injector.states()["f"] == state
    assert json.dumps.__code__ is code


def test_names_of_needed_functions_in_the_application_are_its_own(
    injector: Injector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A built-in function bound to a name of the application can be replaced there; so can the reference's."""
    monkeypatch.setattr(sample, "now", time.time, raising=False)
    state = injector.arm(ArmedFault(name="f", at=f"{sample.__name__}:now", do="return(7)", select="call"))
    assert (state.state, state.how) == ("armed", "attribute")
    assert sample.now() == 7  # type: ignore[attr-defined]
    assert time.time() != 7
    at = "pytest_sentry_harness.reference.no_such_module:x"
    assert injector.arm(ArmedFault(name="g", at=at, do="raise")).state == "waiting"


def test_the_agent_never_meets_what_it_calls(
    injector: Injector, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text of an exception, the sleep of a task: each fault fires once, and nothing recurs."""

    class NosyError(Exception):
        def __str__(self) -> str:
            return f"of {sample.plain(1, c=1)[0]}"

    monkeypatch.setattr(sample, "NosyError", NosyError, raising=False)
    injector.arm(call_fault(f"1*raise({sample.__name__}.NosyError)"))
    injector.arm(ArmedFault(name="nap", at="asyncio:sleep", do="sleep(1ms)", select="call"))
    with pytest.raises(NosyError):
        sample.plain(1, c=1)
    assert recorder.records(Fired)[0].exception_message == "of 1"
    asyncio.run(asyncio.sleep(0))
    assert [fired.fault for fired in recorder.records(Fired)] == ["f", "nap"]
    with agent_working():
        asyncio.run(asyncio.sleep(0))
    assert len(recorder.records(Fired)) == 2


class Fickle(Exception):  # noqa: N818
    def __new__(cls, *_: object) -> Any:
        return 5


def test_a_class_that_makes_no_exception_does_not_fire(injector: Injector, recorder: MemoryRecorder) -> None:
    """The application goes on, and the ledger says why."""
    injector.arm(call_fault(f"raise({__name__}.Fickle)"))
    assert sample.plain(1, c=1)[0] == 1
    injector.settle()
    assert recorder.records(Fired) == recorder.records(Fate) == []
    (note,) = recorder.records(Note)
    assert note.level == "error"
    assert "Fickle() gave no exception but int: its __new__ makes something else" in note.text
