"""The truth clock: every call of a marked operation, as long as it really took."""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pytest_sentry_harness import clock
from pytest_sentry_harness.errors import InjectionError
from pytest_sentry_harness.injection.injector import Injector
from pytest_sentry_harness.injection.recorder import MemoryRecorder, QuietRecorder, agent_working
from pytest_sentry_harness.model.arming import ArmedFault, ArmedOperation
from pytest_sentry_harness.model.ledger import Finished, Fired, Note, Record, Timed
from pytest_sentry_harness.protocol.fault_header import Selected

from . import sample

HERE = sample.__name__


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture
def injector(recorder: MemoryRecorder) -> Iterator[Injector]:
    injector = Injector(recorder, seed=1)
    yield injector
    injector.disarm()


def operation(names: str, name: str = "op") -> ArmedOperation:
    return ArmedOperation(name=name, at=f"{HERE}:{names}")


def test_a_call_is_recorded_with_its_true_duration(injector: Injector, recorder: MemoryRecorder) -> None:
    """When it ended, how long it took, how much of it on the processor, where, and for which request."""
    state = injector.arm_operation(operation("plain"))
    assert (state.state, state.fault, state.how) == ("armed", "op", "code")
    before = clock.monotonic()
    with injector.selecting([], trace_id="abc"):
        assert sample.plain(1, c=2)[0] == 1
    after = clock.monotonic()
    (timed,) = recorder.records(Timed)
    assert before <= timed.mono - timed.seconds <= timed.mono <= after
    assert (timed.operation, timed.trace_id, timed.raised, timed.task) == ("op", "abc", "", None)
    assert timed.thread == threading.current_thread().name
    assert timed.cpu is not None
    assert timed.cpu >= 0
    sample.plain(1, c=2)
    assert recorder.records(Timed)[1].trace_id is None


def generate(values: Any) -> None:
    assert list(values) == [3, 0]


CALLS: dict[str, Any] = {
    "plain": lambda: sample.plain(1, c=1),
    "guarded": lambda: sample.guarded(None),
    "coroutine": lambda: asyncio.run(sample.coroutine(1)),
    "generator": lambda: generate(sample.generator(3)),
    "closure": lambda: sample.closure(1),
    "decorated": lambda: sample.decorated(1),
    "Klass.method": lambda: sample.Klass().method(),
    "Klass.klass": lambda: sample.Klass.klass(),
    "Klass.static": lambda: sample.Klass().static(1),
    "Klass.prop": lambda: sample.Klass().prop,
    "Klass": lambda: sample.Klass(),
    "Klass.inherited": lambda: sample.Base().inherited(),
    "builtin": lambda: sample.builtin([]),
    "instance": lambda: sample.instance(1),
}


@pytest.mark.parametrize("names", CALLS)
def test_functions_of_every_kind(injector: Injector, recorder: MemoryRecorder, names: str) -> None:
    """Each is measured once a call; processor time where the call began and ended in one go."""
    state = injector.arm_operation(operation(names))
    assert state.state == "armed", state
    CALLS[names]()
    (timed,) = recorder.records(Timed)
    assert (timed.cpu is None) == (names in ("coroutine", "generator"))
    assert (timed.task is not None) == (names == "coroutine")
    injector.disarm()
    CALLS[names]()
    assert len(recorder.records(Timed)) == 1


def test_a_generator_lasts_from_its_first_value_to_its_end(
    injector: Injector, recorder: MemoryRecorder
) -> None:
    """Not from its making; what its reader does meanwhile is in it."""
    injector.arm_operation(operation("generator"))
    values = sample.generator(1)
    made = clock.monotonic()
    next(values)
    time.sleep(0.01)
    values.close()
    (timed,) = recorder.records(Timed)
    assert timed.mono - timed.seconds >= made
    assert timed.seconds >= 0.009
    assert timed.raised == "GeneratorExit"


def test_exceptions_are_named_and_go_on(injector: Injector, recorder: MemoryRecorder) -> None:
    """An error, a cancelled task, an end of the process: the same object, with the same frames."""
    injector.arm_operation(operation("decorated"))
    injector.arm_operation(operation("coroutine", "await"))

    async def cancelled() -> None:
        task = asyncio.create_task(sample.coroutine(1))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    fault = ArmedFault(name="f", at=f"{HERE}:decorated", do="1*raise(KeyError('k'))->exit(3)", select="call")
    injector.arm(fault)
    for kind in (KeyError, SystemExit):
        with pytest.raises(kind) as caught:
            sample.decorated(1)
        assert [entry.name for entry in caught.traceback][1:] == ["wrapper", "wrapper", "decorated"]
    assert [timed.raised for timed in recorder.records(Timed)] == ["CancelledError", "KeyError", "SystemExit"]


class _Liar(type):
    def __getattribute__(cls, name: str) -> Any:
        if name == "__qualname__":
            raise ValueError("no name")
        return super().__getattribute__(name)


def test_a_hostile_exception_has_a_name(
    injector: Injector, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its class is not asked."""
    hostile: Any = _Liar("Hostile", (Exception,), {})

    def callback() -> int:
        raise hostile

    monkeypatch.setattr(sample, "closure", sample.passing(callback))
    injector.arm_operation(operation("closure"))
    with pytest.raises(hostile):
        vars(sample)["closure"]()
    assert [timed.raised for timed in recorder.records(Timed)] == ["Hostile"]
    assert recorder.records(Note) == []


@pytest.mark.parametrize("fault_first", [True, False])
@pytest.mark.parametrize("names", ["plain", "coroutine", "builtin"])
def test_an_injected_wait_is_inside(
    injector: Injector, recorder: MemoryRecorder, names: str, fault_first: bool
) -> None:
    """Whichever of the two was armed first; and both are gone after disarming."""
    before = vars(sample)[names], getattr(vars(sample)[names], "__code__", None)
    fault = ArmedFault(name="slow", at=f"{HERE}:{names}", do="sleep(20ms)")
    arm = [lambda: injector.arm(fault), lambda: injector.arm_operation(operation(names))]
    for each in arm if fault_first else reversed(arm):
        assert each().state == "armed"
    with injector.selecting([Selected("slow", "slow-1", 0)], trace_id="abc"):
        CALLS[names]()
    (finished,), (timed,) = recorder.records(Finished), recorder.records(Timed)
    assert timed.seconds >= finished.seconds >= 0.019
    assert timed.mono - timed.seconds <= recorder.records(Fired)[0].mono
    assert timed.trace_id == "abc"
    injector.disarm()
    assert (vars(sample)[names], getattr(vars(sample)[names], "__code__", None)) == before
    assert injector.operation_states()["op"].state == injector.states()["slow"].state == "disarmed"


@pytest.mark.parametrize("names", ["plain", "coroutine"])
def test_a_burn_is_processor_time(injector: Injector, recorder: MemoryRecorder, names: str) -> None:
    """Of the thread that calls; the ledger has what it took, which may be longer."""
    injector.arm_operation(operation(names))
    injector.arm(ArmedFault(name="busy", at=f"{HERE}:{names}", do="burn(30ms)", select="call"))
    before = time.thread_time()
    CALLS[names]()
    assert time.thread_time() - before >= 0.03
    (finished,), (timed,) = recorder.records(Finished), recorder.records(Timed)
    assert recorder.records(Fired)[0].effect == "burn"
    assert timed.seconds >= finished.seconds >= 0.03
    assert timed.cpu is None or timed.cpu >= 0.03


def test_two_operations_at_one_function(injector: Injector, recorder: MemoryRecorder) -> None:
    """Each has its record."""
    injector.arm_operation(operation("plain", "first"))
    injector.arm_operation(operation("plain", "second"))
    sample.plain(1, c=1)
    assert {timed.operation for timed in recorder.records(Timed)} == {"first", "second"}


def test_threads_have_their_names_and_recursion_its_calls(
    injector: Injector, recorder: MemoryRecorder
) -> None:
    """One record for each call, whichever thread makes it."""
    injector.arm_operation(operation("plain"))
    with ThreadPoolExecutor(4, thread_name_prefix="pool") as executor:
        list(executor.map(lambda number: sample.plain(number, c=1), range(40)))
    records = recorder.records(Timed)
    assert len(records) == 40
    assert all(timed.thread.startswith("pool") for timed in records)


def test_asynchronous_generators(
    injector: Injector, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first value to the last, or to their closing."""

    async def counts() -> AsyncIterator[int]:
        for number in range(3):
            yield number
            await asyncio.sleep(0)

    monkeypatch.setattr(sample, "async_generator", counts)
    injector.arm_operation(operation("async_generator"))

    async def read() -> None:
        assert [number async for number in counts()] == [0, 1, 2]
        values: Any = counts()
        await anext(values)
        await values.aclose()

    asyncio.run(read())
    assert [(timed.raised, timed.cpu) for timed in recorder.records(Timed)] == [
        ("", None),
        ("GeneratorExit", None),
    ]


@pytest.mark.parametrize(
    ("at", "state", "note", "nearest"),
    [
        (f"{HERE}:plane", "missing", f"{HERE} has no 'plane'", f"{HERE}:plain"),
        (f"{HERE}:number", "missing", "'number' is not a function but a int", ""),
        ("time:sleep", "refused", "the agent itself depends on it", ""),
        ("no path", "missing", "'no path' is not an import path", ""),
    ],
)
def test_what_cannot_be_measured_says_why(
    injector: Injector, at: str, state: str, note: str, nearest: str
) -> None:
    """As for faults, with the nearest names."""
    got = injector.arm_operation(ArmedOperation(name="op", at=at))
    got = injector.operation_states()["op"]
    assert got.state == state
    assert note in got.note
    assert not nearest or nearest in got.nearest
    assert injector.states() == {}


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (sample.coroutine, "a coroutine"),
        (sample.generator, "a generator"),
        (sample.async_generator, "an asynchronous generator"),
    ],
)
def test_an_object_whose_calls_go_on_later_is_refused(
    injector: Injector, monkeypatch: pytest.MonkeyPatch, function: Any, kind: str
) -> None:
    """Its end cannot be seen from there: a wrong duration would be worse than none."""
    monkeypatch.setattr(sample, "builtin", functools.partial(functools.partial(function), 1))
    injector.arm_operation(operation("builtin"))
    state = injector.operation_states()["op"]
    assert state.state == "refused"
    assert f"it cannot be measured: its calls give {kind}, which runs later" in state.note
    assert "hint: name the function inside" in state.note


def test_code_that_cannot_be_changed_is_refused(
    injector: Injector, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that is armed there stays as it was."""

    def refuse(*_: object) -> Any:
        raise InjectionError("not this one")

    fault = ArmedFault(name="f", at=f"{HERE}:plain", do="return('wrong')", select="call")
    injector.arm(fault)
    monkeypatch.setattr("pytest_sentry_harness.injection.operations.surrounded", refuse)
    state = injector.arm_operation(operation("plain"))
    assert (state.state, injector.operation_states()["op"].note) == (
        "refused",
        "it cannot be measured: not this one",
    )
    injector.arm_operation(operation("guarded", "other"))
    assert sample.plain(1, c=1) == "wrong"  # type: ignore[comparison-overlap]
    assert sample.guarded(1) == "value"
    assert recorder.records(Timed) == []


def test_the_agents_own_calls_are_not_measured(injector: Injector, recorder: MemoryRecorder) -> None:
    """They are none of the application's."""
    injector.arm_operation(operation("plain"))
    with agent_working():
        sample.plain(1, c=1)
    assert recorder.records(Timed) == []


def test_a_call_under_way_when_all_is_disarmed_is_not_recorded(
    injector: Injector, recorder: MemoryRecorder
) -> None:
    """Nothing is written once the harness is gone; the call goes on as ever."""
    injector.arm_operation(operation("generator"))
    values = sample.generator(3)
    next(values)
    injector.disarm("enough")
    assert list(values) == [0]
    assert recorder.records(Timed) == []


class Broken:
    """A recorder that fails as told."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.notes: list[str] = []

    def write(self, kind: Any, /, **fields: Any) -> Any:
        if kind is Note:
            self.notes.append(fields["text"])
        return kind(at=0.0, mono=0.0, **fields)

    def append(self, record: Record) -> None:
        raise self.error


def test_what_cannot_be_written_does_not_reach_the_application(capfd: pytest.CaptureFixture[str]) -> None:
    """It is said on stderr, except at the end of the stack, where nothing can be said."""
    for error in (OSError("disk full of operations"), RecursionError()):
        injector = Injector(Broken(error))
        injector.arm_operation(operation("plain"))
        assert sample.plain(1, c=1)[0] == 1
        injector.disarm()
    assert "the ledger cannot be written: OSError('disk full of operations')" in capfd.readouterr().err


@pytest.mark.parametrize("where", ["task_name", "_switches"])
@pytest.mark.parametrize("error", [ValueError("broken"), RecursionError()])
def test_a_failure_of_the_clock_is_the_agents_own(
    monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    """The application's call goes on; the ledger says that the agent stumbled."""

    def fail() -> Any:
        raise error

    recorder = Broken(AssertionError("nothing is to be recorded"))
    injector = Injector(QuietRecorder(recorder))
    injector.arm_operation(operation("plain"))
    monkeypatch.setattr(f"pytest_sentry_harness.injection.operations.{where}", fail)
    assert sample.plain(1, c=1)[0] == 1
    injector.disarm()
    expected = ["the agent stumbled at operation 'op': ValueError: broken"]
    assert recorder.notes == (expected if isinstance(error, ValueError) else [])


def test_a_deep_recursion_ends_as_before(injector: Injector, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a RecursionError of the application's own."""

    def deep(number: int) -> int:
        return deep(number + 1)

    monkeypatch.setattr(sample, "closure", deep)
    injector.arm_operation(operation("closure"))
    with pytest.raises(RecursionError):
        deep(0)
    assert sys.getrecursionlimit() > 0


def test_greenlets_share_a_thread(
    injector: Injector, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processor time says nothing there; the duration does."""
    greenlet = pytest.importorskip("greenlet")
    monkeypatch.delitem(sys.modules, "gevent.hub", raising=False)
    injector.arm_operation(operation("plain"))
    greenlet.greenlet(lambda: sample.plain(1, c=1)).switch()
    sample.plain(1, c=1)
    first, second = recorder.records(Timed)
    assert first.cpu is None
    assert second.cpu is not None
