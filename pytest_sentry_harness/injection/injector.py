"""Arms fault points, and puts everything back."""

from __future__ import annotations

import contextlib
import pkgutil
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import wrapt

from ..errors import HarnessError, nearest
from ..model.arming import ArmedFault
from ..model.ledger import Note, Place, PointState
from ..plan.schedule import Schedule
from ..plan.terms import parse_chain
from ..protocol.fault_header import Selected
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
from .point import Point, PointFault
from .prologue import def_line, with_prologue
from .recorder import QuietRecorder, Recorder, agent_working
from .selection import PRESENT, RequestFaults
from .substitute import substitute


@dataclass(slots=True, eq=False)
class _Armed:
    """A function or attribute that is armed, and how to put it back."""

    point: Point
    located: Located
    how: Literal["code", "attribute"]
    original: Any
    patched: Any


@dataclass(slots=True, eq=False)
class _Wanted:
    fault: ArmedFault
    parsed: PointFault
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
        self._armed: dict[int, _Armed] = {}
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
        with self._lock:
            wanted = _Wanted(fault, parsed, self._write_state(fault, "waiting"))
            self._wanted.append(wanted)
            try:
                wanted.path = FaultPath.parse(fault.at)
                refuse_needed(fault.at, wanted.path.module)
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

    def refuse(self, fault: ArmedFault, why: str) -> PointState:
        """Record that ``fault`` will not be armed."""
        return self._write_state(fault, "refused", note=why)

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
                near = _unknown_module(wanted.path.module)
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
        with self._lock:
            return {wanted.fault.name: wanted.state for wanted in self._wanted}

    def opportunities(self) -> dict[str, int]:
        """How often the point of each ``call`` fault was reached, by fault name."""
        with self._lock:
            schedules = [w.parsed.schedule for w in self._wanted if w.parsed.schedule is not None]
        return {schedule.fault: schedule.opportunities for schedule in schedules}

    # -- ending ------------------------------------------------------------------------------------

    def disarm(self, why: str = "") -> None:
        """Put every function and attribute back as it was. Nothing fires or is armed any more."""
        with self._lock:
            self._live = False
            for armed in self._armed.values():
                _put_back(armed)
            self._armed.clear()
            for wanted in self._wanted:
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
            parsed.lock = threading.Lock()
            if parsed.schedule is not None:
                parsed.schedule = Schedule(parsed.name, parsed.chain, self._seed, lane)
            self._set(wanted, wanted.state.state, keep=True)

    # -- inner workings ----------------------------------------------------------------------------

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
            refuse_needed(wanted.fault.at, module_of(located))
            armed = self._arm_located(located, wanted)
        except MissingPointError as error:
            self._set(wanted, "missing", note=error.what, nearest=error.near)
        except NeededPointError as error:
            self._set(wanted, "refused", note=error.what)
        except (HarnessError, AttributeError, TypeError, ValueError) as error:
            self._set(wanted, "missing", note=f"it cannot be armed: {error}")
        except Exception as error:  # noqa: BLE001 - whoever imports the module must get it
            text = f"it cannot be armed: {type(error).__name__}: {error}"
            self._set(wanted, "missing", note=text)
            self._recorder.write(Note, level="error", text=f"{wanted.fault.at}: {text}")
        else:
            missed = still_held(located.found, besides=located.owner) if armed.how == "attribute" else ()
            self._set(wanted, "armed", how=armed.how, note=located.note, missed_names=missed)

    def _arm_located(self, located: Located, wanted: _Wanted) -> _Armed:
        key = (
            id(located.function) if located.function is not None else hash((id(located.owner), located.name))
        )
        armed = self._armed.get(key) or self._armed.get(id(located.found))
        if armed is None:
            point = Point(self._recorder, self.exceptions, _place_of(located))
            how: Literal["code", "attribute"] = "attribute" if located.function is None else "code"
            original = located.found if located.function is None else located.function.__code__
            armed = _Armed(point, located, how, original, None)
        else:
            _put_back(armed)
        armed.point.faults.append(wanted.parsed)
        _put_in(armed)
        self._armed[key] = armed
        return armed

    def _set(self, wanted: _Wanted, state: str, *, keep: bool = False, **fields: Any) -> None:
        if keep:
            old = wanted.state
            fields = {name: getattr(old, name) for name in ("how", "note", "nearest", "missed_names")}
        wanted.state = self._write_state(wanted.fault, state, **fields)

    def _write_state(self, fault: ArmedFault, state: str, **fields: Any) -> PointState:
        return self._recorder.write(PointState, point=fault.at, fault=fault.name, state=state, **fields)


def _put_in(armed: _Armed) -> None:
    hooks = armed.point.hooks()
    function = armed.located.function
    if function is None:
        armed.patched = substitute(armed.located, hooks)
    else:
        function.__code__ = armed.patched = with_prologue(armed.original, hooks)


def _put_back(armed: _Armed) -> None:
    """Undo, unless somebody else has replaced it since: then it is theirs."""
    located = armed.located
    if located.function is not None:
        if located.function.__code__ is armed.patched:
            located.function.__code__ = armed.original
    elif getattr(located.owner, located.name, None) is armed.patched:
        setattr(located.owner, located.name, armed.original)


def _place_of(located: Located) -> Place | None:
    if located.function is None:
        return None
    code = located.function.__code__
    return Place(file=code.co_filename, line=def_line(code), function=code.co_qualname)


def _unknown_module(name: str) -> tuple[str, ...] | None:
    """None when a module ``name`` exists, found without importing anything; else similar names."""
    path: Any = None
    parts = name.split(".")
    for depth in range(len(parts)):
        prefix = ".".join(parts[: depth + 1])
        spec = _find_spec(prefix, path)
        if spec is None:
            known = {info.name for info in pkgutil.iter_modules(path)} | (
                {module for module in sys.modules if "." not in module} if path is None else set()
            )
            base = ".".join((*parts[:depth], ""))
            return tuple(base + near for near in nearest(parts[depth], sorted(known)))
        path = spec.submodule_search_locations
        if path is None and depth + 1 < len(parts):
            return ()
    return None


def _find_spec(name: str, path: Any) -> Any:
    for finder in sys.meta_path:
        find: Callable[..., Any] | None = getattr(finder, "find_spec", None)
        spec = find(name, path) if find is not None else None
        if spec is not None:
            return spec
    return None
