"""The truth clock: how long each call of a marked operation really took, written to the ledger at its end.

A call is measured by a context manager that stands inside the function itself (``surround``), from its first
instruction to its last; an injected wait is part of it. The clocks are those of ``clock``, taken when the agent
started: what the application does to ``time`` changes nothing.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import threading
import types
from collections.abc import Callable
from contextlib import AbstractContextManager

from .. import clock
from ..errors import InjectionError
from ..model.arming import ArmedOperation
from ..model.ledger import Note, Timed
from .located import Located
from .recorder import QuietRecorder, agent_at_work
from .selection import PRESENT
from .surround import pauses, surrounded
from .tasks import task_name

# As they are before anything is armed or patched: these tell real processes and threads apart.
_pid = os.getpid
_thread = threading.get_ident
# Taken from the base class: hostile classes of exceptions give other answers, or raise.
_name_of: Callable[[type], str] = type.__dict__["__qualname__"].__get__


class TimedOperation:
    """A marked operation in this process."""

    def __init__(self, operation: ArmedOperation, recorder: QuietRecorder) -> None:
        self.name = operation.name
        self.at = operation.at
        self.live = True
        self._recorder = recorder

    def put_into(self, code: types.CodeType) -> types.CodeType:
        """``code``, measured. Raises ``InjectionError`` when that cannot be done."""
        call: type[_Call] = _PausingCall if pauses(code) else _Call
        begin: Callable[[], AbstractContextManager[object]] = functools.partial(call, self)
        return surrounded(code, begin)

    def over(self, call: _Call, ended: float, cpu: float | None, raised: str) -> None:
        """Write the record of ``call``."""
        self._recorder.append(
            Timed(
                at=clock.wall(),
                mono=ended,
                operation=self.name,
                trace_id=call.trace_id,
                seconds=ended - call.started,
                cpu=cpu,
                raised=raised,
                thread=call.thread,
                task=call.task,
            )
        )

    def stumbled(self, error: Exception) -> None:
        """The agent itself failed in a call of the application, which goes on without being measured."""
        text = f"the agent stumbled at operation {self.name!r}: {type(error).__name__}: {error}"
        self._recorder.write(Note, level="error", text=text)


def refuse_hidden_ends(located: Located) -> None:
    """Raises ``InjectionError`` for what is no function of Python, and gives something that runs later."""
    if located.function is not None:
        return
    found: object = located.found
    while isinstance(found, functools.partial):
        found = found.func
    called = inspect.getattr_static(type(found), "__call__", None)
    for each in (found, called):
        for kind, is_one in _LATER.items():
            if is_one(each):
                raise InjectionError(
                    f"its calls give {kind}, which runs later: the end cannot be seen from {located.name!r}",
                    hint="name the function inside, or the method __call__ of the class",
                )


_LATER: dict[str, Callable[[object], bool]] = {
    "a coroutine": inspect.iscoroutinefunction,
    "an asynchronous generator": inspect.isasyncgenfunction,
    "a generator": inspect.isgeneratorfunction,
}


class _Call:
    """One call; a context manager that never raises, and lets exceptions go on."""

    __slots__ = ("_cpu", "_ident", "_operation", "_process", "started", "task", "thread", "trace_id")

    def __init__(self, operation: TimedOperation) -> None:
        self._operation: TimedOperation | None = operation

    def __enter__(self) -> None:
        try:
            if agent_at_work():
                self._operation = None
                return
            request = PRESENT.get()
            self.trace_id = None if request is None else request.trace_id
            self._process, self._ident = _pid(), _thread()
            self.thread, self.task = _thread_name(), task_name()
            self._cpu = clock.thread_cpu()
            self.started = clock.monotonic()
        except RecursionError:
            self._operation = (
                None  # the application is at the end of its stack, and about to learn it by itself
            )
        except Exception as error:  # noqa: BLE001 - whatever breaks here must not break the application
            self._stumbled(error)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        operation = self._operation
        if operation is None or not operation.live:
            return
        try:
            ended = clock.monotonic()
            cpu = self._spent()
            if self._process == _pid():  # what began before a fork is the parent's
                operation.over(self, ended, cpu, "" if kind is None else _name_of(kind))
        except RecursionError:
            return  # the application is at the end of its stack, and about to learn it by itself
        except Exception as error:  # noqa: BLE001 - whatever breaks here must not break the application
            self._stumbled(error)

    def _spent(self) -> float | None:
        cpu = clock.thread_cpu()
        return cpu - self._cpu if self._ident == _thread() and not _switches() else None

    def _stumbled(self, error: Exception) -> None:
        operation, self._operation = self._operation, None
        if operation is not None:
            operation.stumbled(error)


class _PausingCall(_Call):
    """A coroutine or a generator: its thread does other work while it pauses."""

    __slots__ = ()

    def _spent(self) -> None:
        return None


def _thread_name() -> str:
    # Not current_thread(): that makes, and keeps, an object for each thread or greenlet it does not know.
    known: dict[int, threading.Thread] = getattr(threading, "_active", {})
    thread = known.get(threading.get_ident())
    return "" if thread is None else str(thread.name)


def _switches() -> bool:
    """Whether the present thread may have done other work meanwhile, in another greenlet."""
    # SDKs import gevent wherever it is installed; a thread that uses it has a hub.
    hubs = sys.modules.get("gevent._hub_local")
    if hubs is not None and hubs.get_hub_if_exists() is not None:
        return True
    greenlet = sys.modules.get("greenlet")
    return greenlet is not None and greenlet.getcurrent().parent is not None
