"""The injected exceptions that are still under way: known by identity, followed until they are settled."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from .. import clock
from ..model.ledger import Fate
from .fate import read_ending
from .recorder import Recorder
from .selection import RequestFaults

_MOST_KEPT = 1000
_MOST_LINKS = 200
# An exception somebody still holds (an unread task, a log queue) may yet be shown to the SDK.
_KEEP_SETTLED_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class _Injected:
    exception: BaseException
    fault_id: str
    request: RequestFaults | None
    born: float
    escaped: bool = False
    settled: bool = False


class InjectedExceptions:
    """Holds each injected exception until it is known what became of it, and soon lets go of it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._known: dict[int, _Injected] = {}
        # Re-entrant: letting go of an exception may run finalisers, and those anything.
        self._lock = threading.RLock()

    def add(self, exception: BaseException, fault_id: str, request: RequestFaults | None) -> None:
        """Follow ``exception`` from now on."""
        with self._lock:
            self._known[id(exception)] = _Injected(exception, fault_id, request, clock.monotonic())
            surplus = len(self._known) - _MOST_KEPT
            oldest = list(self._known.values())[:surplus] if surplus > 0 else []
        for entry in oldest:
            self._settle(entry)
            self._forget(entry)

    def ids_in(self, exception: BaseException | None) -> tuple[str, ...]:
        """Fault ids of the injected exceptions among ``exception``, its causes, contexts and members."""
        if not self._known or exception is None:
            return ()
        found = (self._known.get(id(link)) for link in chain_of(exception))
        return tuple(dict.fromkeys(entry.fault_id for entry in found if entry is not None))

    def escaped(self, exception: BaseException) -> None:
        """``exception`` was seen leaving the application: so were the injected ones in it."""
        for link in _members(exception):
            entry = self._known.get(id(link))
            if entry is not None:
                entry.escaped = True

    def settle(self, request: RequestFaults | None = None, *, older_than: float = 0.0) -> None:
        """Write what became of the exceptions of ``request``; without one, of all ``older_than`` seconds."""
        now = clock.monotonic()
        with self._lock:
            entries = [entry for entry in self._known.values() if request is None or entry.request is request]
        entries.reverse()  # taken off the end, oldest first, so that no reference is left behind
        while entries:
            entry = entries.pop()
            age = now - entry.born
            if request is None and age < older_than:
                continue
            self._settle(entry)
            if _held_by_us_only(entry) or age > _KEEP_SETTLED_SECONDS:
                self._forget(entry)

    def after_fork(self) -> None:
        """Go on in a forked child: what the parent follows is the parent's."""
        self._lock = threading.RLock()
        self._known = {}

    def forget(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._known.clear()

    def _settle(self, entry: _Injected) -> None:
        if entry.settled:
            return
        entry.settled = True
        ending = read_ending(entry.exception, escaped=entry.escaped)
        self._recorder.write(
            Fate, fault_id=entry.fault_id, handling=ending.handling, place=ending.place, chain=ending.chain
        )

    def _forget(self, entry: _Injected) -> None:
        with self._lock:
            self._known.pop(id(entry.exception), None)


def chain_of(exception: BaseException) -> Iterator[BaseException]:
    """``exception``, and all it holds by cause, context or group, each once."""
    waiting, seen = [exception], set[int]()
    while waiting and len(seen) < _MOST_LINKS:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting.extend(other for other in (link.__context__, link.__cause__) if other is not None)
        if isinstance(link, BaseExceptionGroup):
            waiting.extend(link.exceptions)


def _members(exception: BaseException) -> Iterator[BaseException]:
    yield exception
    if isinstance(exception, BaseExceptionGroup):
        for member in exception.exceptions:
            yield from _members(member)


def _held_by_us_only(entry: _Injected) -> bool:
    # One reference is the entry's, one the argument of getrefcount.
    return sys.getrefcount(entry.exception) <= 2
