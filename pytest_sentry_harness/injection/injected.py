"""The injected exceptions: known by their marks, and followed until it is known what became of them."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .. import clock
from ..model.ledger import Fate
from .fate import Ending, in_hand, read_ending
from .mark import Mark, marked_id, put_mark
from .recorder import Recorder
from .selection import RequestFaults

# An exception is held here only to read its traceback: soon let go, so that cycles with it can be collected.
_MOST_HELD = 1000
_HOLD_SECONDS = 5.0
_MOST_LINKS = 1000

# Taken from the base classes: hostile ones give other answers, or raise.
_cause_of: Callable[[BaseException], BaseException | None] = BaseException.__dict__["__cause__"].__get__
_context_of: Callable[[BaseException], BaseException | None] = BaseException.__dict__["__context__"].__get__
_members_of: Callable[[BaseException], tuple[BaseException, ...]] = BaseExceptionGroup.__dict__[
    "exceptions"
].__get__


@dataclass(slots=True, eq=False)
class _Followed:
    """Held by us until it is settled, or for a few seconds if others hold it too."""

    exception: BaseException
    fault_id: str
    request: RequestFaults | None
    born: float
    mark: weakref.ref[Mark]
    escaped: bool = False
    told: Ending | None = None


@dataclass(slots=True, eq=False)
class _LetGo:
    """Held by others only; the end of its mark tells when they are done with it."""

    mark: weakref.ref[Mark]
    ending: Ending


class InjectedExceptions:
    """Knows each injected exception as long as it lives, and writes what becomes of it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        # Re-entrant: letting go of an exception may run finalisers, and those anything.
        self._lock = threading.RLock()
        self._begin()

    def _begin(self) -> None:
        self._owner = object()
        self._followed: dict[int, _Followed] = {}
        self._let_go: dict[str, _LetGo] = {}
        self._gone: deque[str] = deque()
        self._last_added = 0.0
        self._collected = False

    def add(self, exception: BaseException, fault_id: str, request: RequestFaults | None) -> None:
        """Follow ``exception`` from now on."""
        mark = put_mark(exception, fault_id, self._owner, _reporter(fault_id, self._gone))
        with self._lock:
            self._last_added = clock.monotonic()
            self._collected = False
            self._followed[id(exception)] = _Followed(exception, fault_id, request, clock.monotonic(), mark)
            surplus = len(self._followed) - _MOST_HELD
            oldest = list(self._followed.values())[:surplus] if surplus > 0 else []
        for entry in oldest:
            self._release(entry, early=True)

    def ids_in(self, exception: BaseException | None) -> tuple[str, ...]:
        """Fault ids of the injected exceptions among ``exception``, its causes, contexts and members."""
        if exception is None:
            return ()
        found = (self._id_of(link) for link in chain_of(exception))
        return tuple(dict.fromkeys(fault_id for fault_id in found if fault_id is not None))

    def escaped(self, exception: BaseException) -> None:
        """``exception`` was seen leaving the application: so were the injected ones in it."""
        for link in _members(exception):
            entry = self._followed.get(id(link))
            if entry is not None:
                entry.escaped = True
                continue
            let_go = self._let_go.get(self._id_of(link) or "")
            if let_go is not None:
                let_go.ending = read_ending(link, escaped=True)

    def look_at(self, exception: BaseException) -> None:
        """Write what became of ``exception`` so far: somebody is about to take its traceback away."""
        for link in chain_of(exception):
            entry = self._followed.get(id(link))
            if entry is not None and entry.told is None:
                entry.told = _ending(entry)
                self._write(entry.fault_id, entry.told, alive=True)

    def settle(self, request: RequestFaults | None = None, *, older_than: float = 0.0) -> None:
        """Write what became of the exceptions of ``request``; without one, of all ``older_than`` seconds."""
        now = clock.monotonic()
        with self._lock:
            entries = [e for e in self._followed.values() if request is None or e.request is request]
        entries.reverse()  # taken off the end, oldest first, so that no reference is left behind
        while entries:
            entry = entries.pop()
            age = now - entry.born
            if request is not None or age >= older_than:
                self._settle(entry, age)
            del entry
        if request is None:
            self._write_gone()

    def collect(self, *, idle: float) -> None:
        """When nothing was added for ``idle`` seconds, but exceptions still live: see whether anybody holds them.

        Frameworks tie exceptions into cycles, which an idle program leaves lying until it ends: nobody would know
        that they can be reported no more. Collects garbage once after each time of faults.
        """
        with self._lock:
            due = not self._collected and clock.monotonic() - self._last_added >= idle
            entries = list(self._followed.values()) if due else []
            if not due or not (entries or self._let_go):
                return
            self._collected = True
        while entries:
            self._release(entries.pop())
        gc.collect()
        self._write_gone()

    def end(self) -> None:
        """The process ends: write what became of all. Only a daemon thread may still have something in hand."""
        with self._lock:
            entries = list(self._followed.values())
            self._followed.clear()
            let_go = dict(self._let_go)
            self._let_go.clear()
        for entry in entries:
            alive = not _held_by_us_only(entry) and in_hand(entry.exception)
            self._write(entry.fault_id, _ending(entry), alive=alive)
        for fault_id, held in let_go.items():
            self._write(fault_id, held.ending, alive=False)

    def after_fork(self) -> None:
        """Go on in a forked child: what the parent follows is the parent's, though known here too."""
        owner = self._owner
        self._lock = threading.RLock()
        self._begin()
        self._owner = owner

    def forget(self) -> None:
        """Let go of everything, and know none of it any more."""
        with self._lock:
            self._begin()

    def _id_of(self, exception: BaseException) -> str | None:
        fault_id = marked_id(exception, self._owner)
        if fault_id is None:  # somebody may have emptied its __dict__
            entry = self._followed.get(id(exception))
            fault_id = entry.fault_id if entry is not None else None
        return fault_id

    def _settle(self, entry: _Followed, age: float) -> None:
        if _held_by_us_only(entry) or age > _HOLD_SECONDS:
            self._release(entry)
        elif entry.told is None:
            entry.told = _ending(entry)
            self._write(entry.fault_id, entry.told, alive=True)

    def _release(self, entry: _Followed, *, early: bool = False) -> None:
        """Hold ``entry`` no longer. ``early``: it may still be flying, and then its traceback says nothing."""
        with self._lock:
            if self._followed.get(id(entry.exception)) is not entry:
                return  # another thread was quicker
            del self._followed[id(entry.exception)]
        alive = not _held_by_us_only(entry)
        ending = entry.told or Ending("unknown") if early and alive else _ending(entry)
        if not alive or ending != entry.told:
            self._write(entry.fault_id, ending, alive=alive)
        if alive:
            with self._lock:
                self._let_go[entry.fault_id] = _LetGo(entry.mark, ending)

    def _write_gone(self) -> None:
        while self._gone:
            fault_id = self._gone.popleft()
            with self._lock:
                held = self._let_go.pop(fault_id, None)
            if held is not None:
                self._write(fault_id, held.ending, alive=False)

    def _write(self, fault_id: str, ending: Ending, *, alive: bool) -> None:
        self._recorder.write(
            Fate,
            fault_id=fault_id,
            handling=ending.handling,
            place=ending.place,
            chain=ending.chain,
            alive=alive,
        )


def chain_of(exception: BaseException) -> Iterator[BaseException]:
    """``exception``, and all it holds by cause, context or group, each once."""
    waiting, seen = [exception], set[int]()
    while waiting and len(seen) < _MOST_LINKS:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting.extend(other for other in (_context_of(link), _cause_of(link)) if other is not None)
        if issubclass(type(link), BaseExceptionGroup):
            waiting.extend(_members_of(link))


def _members(exception: BaseException) -> Iterator[BaseException]:
    yield exception
    if issubclass(type(exception), BaseExceptionGroup):
        for member in _members_of(exception):
            yield from _members(member)


def _reporter(fault_id: str, gone: deque[str]) -> Callable[[object], None]:
    # Called wherever the last reference goes, perhaps in a garbage collection: it writes nothing itself.
    return lambda _mark: gone.append(fault_id)


def _ending(entry: _Followed) -> Ending:
    if entry.told is not None and entry.exception.__traceback__ is None and not entry.escaped:
        return entry.told  # cleared since
    return read_ending(entry.exception, escaped=entry.escaped)


def _held_by_us_only(entry: _Followed) -> bool:
    # One reference is the entry's, one the argument of getrefcount.
    return sys.getrefcount(entry.exception) <= 2
