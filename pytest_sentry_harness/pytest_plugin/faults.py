"""Faults of one test: each is checked before it is armed, and can be stopped on its own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from ..errors import InjectionError, TermError
from ..injection.effects.registry import Effects
from ..injection.injector import Injector
from ..injection.located import FaultPath, locate, module_of
from ..injection.point import PointFault
from ..model.arming import ArmedFault
from ..plan.schedule import Firing, Schedule
from ..plan.terms import parse_chain
from ..report.lines import printable


@dataclass(slots=True)
class Switch:
    """Whether the faults that go by it act. Calls made while it is off are no opportunities."""

    on: bool = True


@dataclass(slots=True)
class _Switched(Schedule):
    switch: Switch = field(default_factory=Switch)

    def next(self) -> Firing | None:
        return Schedule.next(self) if self.switch.on else None


class TestInjector(Injector):
    """An injector whose faults can be stopped one by one, or go by a switch."""

    __test__ = False

    def go_by(self, name: str, switch: Switch) -> None:
        """The fault ``name``, which has not fired yet, acts while ``switch`` is on."""
        with self._lock:
            for wanted in self._wanted:
                fault = wanted.parsed
                if not isinstance(fault, PointFault) or wanted.told.name != name:
                    continue
                before = fault.schedule
                if before is not None:
                    fault.schedule = _Switched(
                        before.fault, before.chain, before.seed, before.lane, switch=switch
                    )

    def stop(self, name: str) -> None:
        """The fault ``name`` does not fire any more. Its function is put back with all others, at the end."""
        with self._lock:
            for armed in self._armed.values():
                armed.point.faults[:] = [fault for fault in armed.point.faults if fault.name != name]
            for wanted in self._wanted:
                if wanted.told.name == name and wanted.state.state == "armed":
                    self._set(wanted, "disarmed", note="stopped by the test")


class InjectedFault:
    """A fault at work in a test. Leaving it as a context manager stops it; otherwise the end of the test does.

    ``name``, ``at`` and ``do`` are as given to ``inject``. Use it in ``assert_captured(fault)``.
    """

    def __init__(self, name: str, at: str, do: str, raises: bool, stop: Callable[[str], None]) -> None:
        self.name = name
        self.at = at
        self.do = do
        self._raises = raises
        self._stop = stop

    @property
    def raises(self) -> bool:
        """Whether it raises, so that an event about it can be expected."""
        return self._raises

    def stop(self) -> None:
        """Let it fire no more. What it did stays on record."""
        self._stop(self.name)

    def __enter__(self) -> InjectedFault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<fault {self.name!r} at {self.at}, {self.do}>"


def arm(
    injector: TestInjector,
    fault: ArmedFault,
    *,
    where: str,
    effects: Effects,
    switch: Switch | None = None,
) -> bool:
    """Arm ``fault`` now, importing what it names, and acting while ``switch`` is on. ``where`` is the test, for messages.

    Gives whether it raises what monitoring must capture. Raises ``TermError`` for a term and ``InjectionError`` for a point or an exception that cannot be had.
    """
    __tracebackhide__ = True
    here = printable(f"{where}: fault {fault.name!r} at {fault.at}")
    _refuse_sdk(fault.at.partition(":")[0], here)
    try:
        raises = _raises(fault.do, effects)
        state = injector.arm(fault)
        if switch is not None:
            injector.go_by(fault.name, switch)
        if state.state == "waiting":
            _import(fault.at.partition(":")[0], here)
            injector.missing_modules()
            state = injector.states()[fault.name]
    except (InjectionError, TermError) as error:
        if error.where == here:
            raise
        where = f"{here}: {error.where}" if error.where else here
        hint = None if error.hint is None else printable(error.hint)
        raise type(error)(printable(error.what), where=printable(where), hint=hint) from error
    if state.state != "armed":
        hint = f"did you mean {' or '.join(state.nearest)}?" if state.nearest else None
        if hint is None and state.state != "refused":
            hint = 'write "package.module:function" or "package.module:Class.method"'
        raise InjectionError(state.note or f"it is {state.state}", where=here, hint=hint)
    path = FaultPath.parse(fault.at)
    try:
        # The name may lead elsewhere: ``from sentry_sdk import capture_exception`` in the application.
        _refuse_sdk(module_of(locate(sys.modules[path.module], path)), here)
    except InjectionError:
        injector.stop(fault.name)
        raise
    return raises


def unused_name(at: str, taken: dict[str, Any]) -> str:
    """A name for a fault at ``at`` that is not in ``taken``: the function's own, with a number if need be."""
    base = at.rpartition(":")[2].replace(".", "-") or "fault"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _refuse_sdk(module: str, where: str) -> None:
    if module.partition(".")[0] == "sentry_sdk":
        raise InjectionError(
            f"{module} belongs to the Sentry SDK, whose work is what the test judges, so no fault acts in it",
            where=where,
            hint="choose a function of the application, or one that the SDK's own hooks (before_send) call",
        )


def _raises(do: str, effects: Effects) -> bool:
    """Whether a term raises. Builds what each does once: at the firing it would be too late to complain."""
    actions = [effects.of(term).action() for term in parse_chain(do, effects.own)]
    return any(action.followed for action in actions)


def _import(module: str, where: str) -> None:
    """Import ``module``, as the test would; a module that does not exist is left to the injector to word."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise InjectionError(f"{module} cannot be imported: {error}", where=where) from error
    except Exception as error:
        raise InjectionError(
            f"{module} cannot be imported: {type(error).__name__}: {error}", where=where
        ) from error
