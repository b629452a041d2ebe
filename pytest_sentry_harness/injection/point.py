"""A fault point that is armed: what its function does first, each time it is called."""

from __future__ import annotations

import threading
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import clock
from ..errors import HarnessError
from ..model.ledger import Finished, Fired, Note, Place
from ..plan.schedule import Schedule
from ..plan.terms import Term
from .effects.effect import Action, Effect
from .injected import InjectedExceptions
from .prologue import Hooks
from .recorder import QuietRecorder, agent_at_work, agent_working
from .selection import PRESENT, RequestFaults
from .tasks import task_name

_MOST_MESSAGE = 1000


@dataclass(slots=True, eq=False)
class PointFault:
    """One fault at a point: its term chain, and for ``call`` faults the schedule that decides."""

    name: str
    at: str
    chain: Sequence[Term]
    effects: Sequence[Effect]
    schedule: Schedule | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def choose(self, request: RequestFaults | None) -> tuple[str, int] | None:
        """Fault id and term of the firing that is due now, if one is."""
        if self.schedule is None:
            selected = request.take(self.name) if request is not None else None
            if selected is None or not 0 <= selected.term < len(self.chain):
                return None
            return selected.fault_id, selected.term
        with self.lock:
            firing = self.schedule.next()
        return None if firing is None else (firing.fault_id, firing.term)


@dataclass(slots=True, eq=False)
class _Due:
    fault: PointFault
    fault_id: str
    term: int
    action: Action


class Point:
    """All faults at one function. ``hooks`` is what the function calls (``prologue.Hooks``)."""

    def __init__(self, recorder: QuietRecorder, exceptions: InjectedExceptions, place: Place | None) -> None:
        self._recorder = recorder
        self._exceptions = exceptions
        self.place = place
        self.faults: list[PointFault] = []
        # Hands over from one hook to the next. They run back to back in one thread, and what a finaliser
        # or signal handler calls in between is over before the next: a stack per thread is enough.
        self._handed = threading.local()

    def hooks(self) -> Hooks:
        """The hooks for the faults this point has now."""
        by_call = any(fault.schedule is not None for fault in self.faults)
        return Hooks(
            gate=tuple if by_call else PRESENT.get,
            waits=self._waits,
            wait=self._wait,
            enter=self._enter,
            raises=self._raises,
            take=self._take,
        )

    # All the hooks do is the agent's own work: what they call may be armed itself (``str`` of an exception,
    # ``asyncio.sleep``), and must not come back here.

    def _enter(self) -> bool:
        try:
            if agent_at_work():
                return False
            due = self._handed_due()
        except RecursionError:
            return False  # the application is at the end of its stack, and about to learn it by itself
        for firing in due:
            if not self._met(firing):
                continue
            if firing.action.run is not None:
                firing.action.run()  # signals: their handlers are the application's work
            if firing.action.exception is not None or firing.action.returns:
                self._stack().append(firing)
                return True
        return False

    def _handed_due(self) -> list[_Due]:
        """What fires now: as ``_waits`` has found out in a coroutine, else asked for here."""
        try:
            with agent_working():
                stack = self._stack()
                return stack.pop() if stack and isinstance(stack[-1], list) else self._due()
        except RecursionError:
            return []
        except Exception as error:  # noqa: BLE001 - whatever breaks here must not break the application
            self._stumbled(error)
            return []

    def _waits(self) -> bool:
        try:
            if agent_at_work():
                return False
            with agent_working():
                due = self._due()
                self._stack().append(due)
                return any(firing.action.seconds for firing in due) and task_name() is not None
        except RecursionError:
            return False
        except Exception as error:  # noqa: BLE001 - whatever breaks here must not break the application
            self._stumbled(error)
            return False

    def _wait(self) -> Coroutine[None, None, None]:
        due: list[_Due] = self._stack().pop()
        return self._wait_for(due)

    async def _wait_for(self, due: list[_Due]) -> None:
        import asyncio  # it is loaded already; the agent itself does not need it

        left: list[_Due] = []
        with agent_working():
            for firing in due:
                if not firing.action.seconds:
                    left.append(firing)
                elif self._recorded(firing):
                    started = clock.perf()
                    try:
                        await asyncio.sleep(firing.action.seconds)
                    finally:
                        self._finished(firing, started)
        self._stack().append(left)

    def _raises(self) -> bool:
        action: Action = self._stack()[-1].action
        return action.exception is not None

    def _take(self) -> Any:
        action: Action = self._stack().pop().action
        return action.value if action.exception is None else action.exception

    def _stack(self) -> list[Any]:
        try:
            stack: list[Any] = self._handed.stack
        except AttributeError:
            stack = self._handed.stack = []
        return stack

    def _due(self) -> list[_Due]:
        """What fires now, up to the first that ends the function."""
        request = PRESENT.get()
        due: list[_Due] = []
        for fault in tuple(self.faults):
            try:
                chosen = fault.choose(request)
                if chosen is None:
                    continue
                action = fault.effects[chosen[1]].action()
            except RecursionError:
                break
            except HarnessError as error:
                self._note(fault, str(error))
                continue
            except Exception as error:  # noqa: BLE001 - whatever breaks here must not break the application
                self._note(fault, f"{type(error).__name__}: {error}")
                continue
            due.append(_Due(fault, *chosen, action))
            if action.exception is not None or action.returns:
                break
        return due

    def _met(self, firing: _Due) -> bool:
        """Record that the fault fires now, wait, follow its exception; False when it must not fire."""
        action = firing.action
        with agent_working():
            if not self._recorded(firing):
                return False
            if action.seconds or action.busy:
                # What it raises is the application's: a signal handler's exception, a killed greenlet's.
                started = clock.perf()
                try:
                    if action.seconds:
                        time.sleep(action.seconds)
                    _compute(action.busy)
                finally:
                    self._finished(firing, started)
            if action.exception is not None and action.followed:
                try:
                    self._exceptions.add(action.exception, firing.fault_id, PRESENT.get())
                except Exception as error:  # noqa: BLE001 - whatever breaks here must not break the application
                    self._stumbled(error)
            return True

    def _recorded(self, firing: _Due) -> bool:
        try:
            return self._record(firing)
        except RecursionError:
            return False
        except Exception as error:  # noqa: BLE001 - whatever breaks here must not break the application
            self._stumbled(error)
            return False

    def _record(self, firing: _Due) -> bool:
        """Write that the fault fires now; False when that is impossible, and then it must not fire."""
        exception = firing.action.exception if firing.action.followed else None
        request = PRESENT.get()
        return self._recorder.written(
            Fired,
            fault_id=firing.fault_id,
            fault=firing.fault.name,
            point=firing.fault.at,
            # Whatever its kind, a firing whose exception is followed is one to be captured.
            effect="raise" if firing.action.followed else firing.fault.effects[firing.term].KIND,
            term=str(firing.fault.chain[firing.term]),
            trace_id=request.trace_id if request is not None else None,
            exception_type=None if exception is None else type(exception).__qualname__,
            exception_message=None if exception is None else _text(exception),
            is_error=exception is None or issubclass(type(exception), Exception),
            place=self.place,
            thread=threading.current_thread().name,
            task=task_name(),
        )

    def _finished(self, firing: _Due, started: float) -> None:
        self._recorder.write(Finished, fault_id=firing.fault_id, seconds=clock.perf() - started)

    def _note(self, fault: PointFault, why: str) -> None:
        text = f"fault {fault.name!r} at {fault.at} did not fire: {why}"
        self._recorder.write(Note, level="error", text=text, place=self.place)

    def _stumbled(self, error: Exception) -> None:
        """The agent itself failed in a call of the application, which goes on without a fault."""
        text = f"the agent stumbled at a fault point: {type(error).__name__}: {error}"
        self._recorder.write(Note, level="error", text=text, place=self.place)


def _compute(seconds: float) -> None:
    """Keep the processor busy for ``seconds`` of this thread's time."""
    until = clock.thread_cpu() + seconds
    while clock.thread_cpu() < until:
        sum(range(1000))  # most of the time in Python's own code, as an application's computation has it


def _text(exception: BaseException) -> str:
    """The message of ``exception``; hostile ones have none that can be had."""
    try:
        return str(exception)[:_MOST_MESSAGE]
    except Exception as error:  # noqa: BLE001 - str() of a hostile exception raises whatever it likes
        return f"<str() raised {type(error).__name__}>"
