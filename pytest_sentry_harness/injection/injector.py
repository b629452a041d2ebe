"""Arms fault points, and puts everything back."""

from __future__ import annotations

import contextlib
import sys
import threading
import types
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import wrapt

from ..errors import HarnessError
from ..model.arming import ArmedFault, ArmedOperation
from ..model.ledger import Note, PointState
from ..plan.schedule import Schedule
from ..plan.terms import parse_chain
from ..protocol.fault_header import Selected
from .armed import Armed
from .effects.registry import Effects
from .injected import InjectedExceptions
from .located import (
    FaultPath,
    Located,
    MissingPointError,
    NeededPointError,
    locate,
    module_of,
    refuse_needed,
    still_held,
)
from .module_names import unknown_module
from .operations import TimedOperation, refuse_hidden_ends
from .point import PointFault
from .recorder import QuietRecorder, Recorder, agent_working
from .selection import PRESENT, RequestFaults
from .uses import write_uses


@dataclass(slots=True, eq=False)
class _Wanted:
    told: ArmedFault | ArmedOperation
    parsed: PointFault | TimedOperation
    state: PointState
    path: FaultPath | None = None


class Injector:
    """Arms faults in this process. ``recorder`` takes the ledger records; ``seed`` and ``lane`` decide ``call`` faults."""

    def __init__(
        self, recorder: Recorder, *, seed: int = 0, lane: str = "", effects: Effects | None = None
    ) -> None:
        self._recorder = QuietRecorder.around(recorder)
        self._seed = seed
        self._lane = lane
        self._effects = effects or Effects()
        self._lock = threading.RLock()
        self._wanted: list[_Wanted] = []
        self._armed: dict[int, Armed] = {}
        self._live = True
        self.exceptions = InjectedExceptions(self._recorder)

    # -- arming ------------------------------------------------------------------------------------

    def arm(self, fault: ArmedFault) -> PointState:
        """Arm ``fault`` now, or as soon as its module is imported. Gives the state it came to.

        Raises ``TermError`` for a term that is not valid. A path that names nothing is no error here: the
        state is ``missing``, with the nearest names. What the agent itself depends on is ``refused``.
        """
        chain = parse_chain(fault.do, self._effects.own)
        by_call = fault.select == "call"
        schedule = Schedule(fault.name, chain, self._seed, self._lane) if by_call else None
        parsed = PointFault(fault.name, fault.at, chain, [self._effects.of(term) for term in chain], schedule)
        return self._want(fault, parsed)

    def arm_operation(self, operation: ArmedOperation) -> PointState:
        """Measure ``operation`` from now on, or as soon as its module is imported. Gives the state it came to.

        As with faults a path that names nothing is ``missing``; what cannot be measured is ``refused``.
        """
        return self._want(operation, TimedOperation(operation, self._recorder))

    def refuse(self, told: ArmedFault | ArmedOperation, why: str) -> PointState:
        """Record that ``told`` will not be armed."""
        return self._write_state(told, "refused", note=why)

    def module_loaded(self, module: types.ModuleType, name: str, *, partly: bool = False) -> bool:
        """Arm what waits for the module ``name``; ``partly``: it is still being run, so only what is there.

        True when nothing waits for it any more.
        """
        with agent_working(), self._lock:
            for wanted in self._waiting_for(name):
                assert wanted.path is not None
                if not partly or wanted.path.parts[0] in vars(module):
                    self._arm_in(module, wanted)
            return not self._waiting_for(name)

    def failed(self, what: str, error: Exception) -> None:
        """Record that the injector itself broke: the verdict will be *error*."""
        self._recorder.write(Note, level="error", text=f"{what}: {type(error).__name__}: {error}")

    def waits_for(self, module: str) -> list[tuple[str, ...]]:
        """The names wanted in ``module`` that are not armed yet, each as the parts of its path."""
        with self._lock:
            return [wanted.path.parts for wanted in self._waiting_for(module) if wanted.path is not None]

    def missing_modules(self, *, so_far: bool = False) -> None:
        """Say of each point still waiting for its module whether such a module exists at all.

        ``so_far``: the main program may still be at its imports, and define what waits for it later.
        """
        with self._lock:
            for wanted in self._wanted:
                if wanted.state.state != "waiting" or wanted.path is None:
                    continue
                if wanted.path.module == "__main__":
                    self._missing_in_main(wanted, so_far)
                    continue
                near = unknown_module(wanted.path.module)
                if near is None:
                    self._set(wanted, "waiting", note=f"module {wanted.path.module} never imported")
                else:
                    note = f"there is no module {wanted.path.module} in the target"
                    self._set(wanted, "missing", note=note, nearest=near)

    # -- selecting, settling -----------------------------------------------------------------------

    @contextlib.contextmanager
    def selecting(
        self, faults: Iterable[Selected], *, trace_id: str | None = None
    ) -> Iterator[RequestFaults]:
        """Make the code inside meet ``faults``, each once, as a request with their header would."""
        request = RequestFaults(faults, trace_id)
        token = PRESENT.set(request)
        try:
            yield request
        finally:
            PRESENT.reset(token)

    def settle(self, request: RequestFaults | None = None, *, older_than: float = 0.0) -> None:
        """Write what became of the injected exceptions so far (of one request, or of all that old)."""
        with agent_working():
            self.exceptions.settle(request, older_than=older_than)

    def end(self) -> None:
        """Write what became of all injected exceptions: the process ends."""
        with agent_working():
            self.exceptions.end()

    def states(self) -> dict[str, PointState]:
        """The present state of each fault, by its name."""
        return self._states(PointFault)

    def operation_states(self) -> dict[str, PointState]:
        """The present state of each operation, by its name."""
        return self._states(TimedOperation)

    def opportunities(self) -> dict[str, int]:
        """How often the point of each ``call`` fault was reached, by fault name."""
        with self._lock:
            parsed = [wanted.parsed for wanted in self._wanted]
        schedules = [each.schedule for each in parsed if isinstance(each, PointFault)]
        return {schedule.fault: schedule.opportunities for schedule in schedules if schedule is not None}

    # -- ending ------------------------------------------------------------------------------------

    def disarm(self, why: str = "") -> None:
        """Put every function and attribute back as it was. Nothing fires or is armed any more."""
        with self._lock:
            self._live = False
            for armed in self._armed.values():
                armed.put_back()
            self._armed.clear()
            for wanted in self._wanted:
                if isinstance(wanted.parsed, TimedOperation):
                    wanted.parsed.live = False  # for calls that are under way, and for copies of the code
                if wanted.state.state in ("waiting", "armed"):
                    self._set(wanted, "disarmed", note=why)
        self.settle()

    @property
    def live(self) -> bool:
        """Whether faults may fire."""
        return self._live

    def after_fork(self, lane: str) -> None:
        """Go on in a forked child: locks are new, ``call`` faults are decided in a lane of their own."""
        self._lock = threading.RLock()
        self._lane = lane
        self.exceptions.after_fork()
        for wanted in self._wanted:
            parsed = wanted.parsed
            if isinstance(parsed, PointFault):
                parsed.lock = threading.Lock()
                if parsed.schedule is not None:
                    parsed.schedule = Schedule(parsed.name, parsed.chain, self._seed, lane)
            self._set(wanted, wanted.state.state, keep=True)

    # -- inner workings ----------------------------------------------------------------------------

    def _want(self, told: ArmedFault | ArmedOperation, parsed: PointFault | TimedOperation) -> PointState:
        with self._lock:
            wanted = _Wanted(told, parsed, self._write_state(told, "waiting"))
            self._wanted.append(wanted)
            try:
                wanted.path = FaultPath.parse(told.at)
                refuse_needed(told.at, wanted.path.module)
            except MissingPointError as error:
                self._set(wanted, "missing", note=error.what)
                return wanted.state
            except NeededPointError as error:
                self._set(wanted, "refused", note=error.what)
                return wanted.state
            if wanted.path.module == "__main__":
                return wanted.state  # main_module.py says when
        self._when_imported(wanted.path.module)
        return wanted.state

    def _when_imported(self, name: str) -> None:
        # wrapt keeps its hooks for ever: a weak reference lets a disarmed injector go.
        me = weakref.ref(self)

        def hook(module: types.ModuleType) -> None:
            injector = me()
            if injector is not None:
                injector._imported(module, name)

        wrapt.register_post_import_hook(hook, name)

    def _imported(self, module: types.ModuleType, name: str) -> None:
        try:
            self.module_loaded(module, name)
        except Exception as error:  # noqa: BLE001 - whoever imports the module must get it
            self.failed(f"nothing could be armed in {name}", error)

    def _waiting_for(self, module: str) -> list[_Wanted]:
        if not self._live:
            return []
        return [
            wanted
            for wanted in self._wanted
            if wanted.path is not None and wanted.path.module == module and wanted.state.state == "waiting"
        ]

    def _missing_in_main(self, wanted: _Wanted, so_far: bool) -> None:
        near: tuple[str, ...] = ()
        note = "the main program defined it too late to be armed"
        try:
            assert wanted.path is not None
            locate(sys.modules["__main__"], wanted.path)
        except MissingPointError as error:
            note, near = error.what, error.near
        self._set(wanted, "waiting" if so_far else "missing", note=note, nearest=near)

    def _arm_in(self, module: types.ModuleType, wanted: _Wanted) -> None:
        assert wanted.path is not None
        try:
            located = locate(module, wanted.path)
            refuse_needed(wanted.told.at, module_of(located))
            armed = self._arm_located(located, wanted.parsed)
        except MissingPointError as error:
            self._set(wanted, "missing", note=error.what, nearest=error.near)
        except NeededPointError as error:
            self._set(wanted, "refused", note=error.what)
        except (HarnessError, AttributeError, TypeError, ValueError) as error:
            self._set(wanted, _when_it_fails(wanted), note=f"{_failing(wanted)}: {error}")
        except Exception as error:  # noqa: BLE001 - whoever imports the module must get it
            text = f"{_failing(wanted)}: {type(error).__name__}: {error}"
            self._set(wanted, _when_it_fails(wanted), note=text)
            self._recorder.write(Note, level="error", text=f"{wanted.told.at}: {text}")
        else:
            missed = still_held(located.found, besides=located.owner) if armed.how == "attribute" else ()
            self._set(wanted, "armed", how=armed.how, note=located.note, missed_names=missed)

    def _arm_located(self, located: Located, parsed: PointFault | TimedOperation) -> Armed:
        if isinstance(parsed, TimedOperation):
            refuse_hidden_ends(located)
            write_uses(parsed.name, located.function or located.found, self._recorder)
        key = (
            id(located.function) if located.function is not None else hash((id(located.owner), located.name))
        )
        armed = self._armed.get(key) or self._armed.get(id(located.found))
        if armed is None:
            armed = Armed.at(located, self._recorder, self.exceptions)
        armed.add(parsed)
        self._armed[key] = armed
        return armed

    def _states(self, kind: type) -> dict[str, PointState]:
        with self._lock:
            wanted = [each for each in self._wanted if isinstance(each.parsed, kind)]
        return {each.told.name: each.state for each in wanted}

    def _set(self, wanted: _Wanted, state: str, *, keep: bool = False, **fields: Any) -> None:
        if keep:
            old = wanted.state
            fields = {name: getattr(old, name) for name in ("how", "note", "nearest", "missed_names")}
        wanted.state = self._write_state(wanted.told, state, **fields)

    def _write_state(self, told: ArmedFault | ArmedOperation, state: str, **fields: Any) -> PointState:
        return self._recorder.write(PointState, point=told.at, fault=told.name, state=state, **fields)


def _when_it_fails(wanted: _Wanted) -> Literal["missing", "refused"]:
    return "missing" if isinstance(wanted.parsed, PointFault) else "refused"


def _failing(wanted: _Wanted) -> str:
    return f"it cannot be {'armed' if isinstance(wanted.parsed, PointFault) else 'measured'}"
