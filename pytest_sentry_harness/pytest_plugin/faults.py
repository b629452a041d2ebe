"""Faults of one test: each is checked before it is armed, and can be stopped on its own."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import TracebackType
from typing import Any

from ..errors import InjectionError, TermError
from ..injection.effects.registry import Effects
from ..injection.injector import Injector
from ..model.arming import ArmedFault
from ..model.ledger import PointState
from ..plan.terms import parse_chain


class TestInjector(Injector):
    """An injector whose faults can be stopped one by one."""

    __test__ = False

    def stop(self, name: str) -> None:
        """The fault ``name`` does not fire any more. Its function is put back with all others, at the end."""
        with self._lock:
            for armed in self._armed.values():
                armed.point.faults[:] = [fault for fault in armed.point.faults if fault.name != name]
            for wanted in self._wanted:
                if wanted.fault.name == name and wanted.state.state == "armed":
                    self._set(wanted, "disarmed", note="stopped by the test")


class InjectedFault:
    """A fault at work in a test. Leaving it as a context manager stops it; otherwise the end of the test does.

    ``name``, ``at`` and ``do`` are as given to ``inject``. Use it in ``assert_captured(fault)``.
    """

    def __init__(self, name: str, at: str, do: str, stop: Callable[[str], None]) -> None:
        self.name = name
        self.at = at
        self.do = do
        self._stop = stop

    @property
    def raises(self) -> bool:
        """Whether it raises, so that an event about it can be expected."""
        return any(term.kind == "raise" for term in parse_chain(self.do))

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


def arm(injector: Injector, fault: ArmedFault, *, where: str) -> PointState:
    """Arm ``fault`` now, importing what it names. ``where`` is the test, for messages.

    Raises ``TermError`` for a term and ``InjectionError`` for a point or an exception that cannot be had.
    """
    __tracebackhide__ = True
    here = f"{where}: fault {fault.name!r} at {fault.at}"
    try:
        _check_exceptions(fault.do)
        state = injector.arm(fault)
        if state.state == "waiting":
            _import(fault.at.partition(":")[0], here)
            injector.missing_modules()
            state = injector.states()[fault.name]
    except (InjectionError, TermError) as error:
        if error.where == here:
            raise
        where = f"{here}: {error.where}" if error.where else here
        raise type(error)(error.what, where=where, hint=error.hint) from error
    if state.state != "armed":
        hint = f"did you mean {' or '.join(state.nearest)}?" if state.nearest else None
        if hint is None and state.state != "refused":
            hint = 'write "package.module:function" or "package.module:Class.method"'
        raise InjectionError(state.note or f"it is {state.state}", where=here, hint=hint)
    return state


def unused_name(at: str, taken: dict[str, Any]) -> str:
    """A name for a fault at ``at`` that is not in ``taken``: the function's own, with a number if need be."""
    base = at.rpartition(":")[2].replace(".", "-") or "fault"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _check_exceptions(do: str) -> None:
    """Build each exception of the term once: at the firing it would be too late to complain."""
    effects = Effects()
    for term in parse_chain(do):
        if term.kind == "raise":
            effects.of(term).action()


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
