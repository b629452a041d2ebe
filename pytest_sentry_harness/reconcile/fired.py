"""Every fault that fired to its outcome: the event that holds it, or the cause of its loss."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from ..model.account import Outcome, State
from . import outside
from .absent import not_in_the_event, shown_in_any
from .books import Books
from .contents import has_type, holds, is_copy
from .evidence import Evidence
from .losses import Cause, cause_of_loss, identity_is_lost, may_still_come
from .summary import Process

# For a million faults: numbers alone, which are in the rows of ``fired`` and in the indexes of the others.
# There must be one min() or max() only: of its row is what stands outside of such functions, such as ``a.kind``.
_ALL = """
SELECT f.rowid, f.kind, count(a.event_id), min(a.at) <= f.at + ?, a.kind,
       sum(a.trace_id <> f.trace_id)
FROM fired f
LEFT JOIN saw s ON s.fault_id = f.fault_id AND s.position = 0
LEFT JOIN arrival a ON a.event_id = s.event_id AND a.outcome = 'accepted'
GROUP BY f.rowid
"""
_FIRED = """
SELECT f.fault_id, k.fault, f.trace_id, k.effect, k.exception, f.message, f.at, f.process,
       count(a.event_id), min(a.at), a.event_id, h.level, h.exceptions, a.texts
FROM fired f
LEFT JOIN fired_kind k ON k.kind = f.kind
LEFT JOIN saw s ON s.fault_id = f.fault_id AND s.position = 0
LEFT JOIN arrival a ON a.event_id = s.event_id AND a.outcome = 'accepted'
LEFT JOIN arrival_kind h ON h.kind = a.kind
WHERE f.rowid = ? GROUP BY f.rowid
"""
_KINDS = """
SELECT f.fault, f.effect, f.exception, a.exceptions, a.level FROM fired_kind f, arrival_kind a
WHERE f.kind = ? AND a.kind = ?
"""
_MERGED = """
SELECT a.event_id, a.at, a.exceptions, a.texts FROM saw s
JOIN arrival_in_full a ON a.event_id = s.event_id AND a.outcome = 'accepted'
WHERE s.fault_id = ? AND s.position > 0 ORDER BY a.at LIMIT 20
"""
_BY_TRACE = """
SELECT a.event_id, a.at, a.level, a.exceptions, a.texts FROM arrival_in_full a
WHERE a.trace_id = ? AND a.outcome = 'accepted' AND a.event_id NOT IN (SELECT event_id FROM saw WHERE event_id = a.event_id)
ORDER BY a.at
"""
_MOST_PAIRS = 20_000
"""Pairs of kinds that are remembered."""


class _Fired(NamedTuple):
    """A row of ``_FIRED``: one fault, and the first event that the SDK made of it."""

    fault_id: str
    fault: str
    trace_id: str | None
    effect: str
    exception: str | None
    message: str | None
    at: float
    process: int
    events: int
    first: float
    event_id: str | None
    level: str | None
    names: str
    texts: str


@dataclass(frozen=True, slots=True)
class _Event:
    """The event a fault arrived in."""

    event_id: str | None
    at: float
    level: str | None
    state: State


class _Plainly(NamedTuple):
    """What the books need to know of a fault that arrived once, in time, with its exception."""

    fault: str
    effect: str
    level: str | None


class Settled(NamedTuple):
    """What came out besides the entries in the books."""

    taken: frozenset[str]
    """Ids of the events of faults that were matched by trace id alone."""
    strays: bool
    """There are events with another trace than that of their fault."""


def settle_fired(evidence: Evidence, books: Books, late_after: float) -> Settled:
    """Enter every fired fault into ``books``."""
    settling = _Settling(evidence, books, late_after)
    plain: Counter[_Plainly] = Counter()
    by_type = _ByType(evidence)
    strays = False
    for number, kind, events, in_time, came, stray in evidence.ask(_ALL, late_after):
        strays = strays or bool(stray)
        once = events == 1 and in_time
        plainly = by_type[kind, came] if once else None
        if plainly is not None:
            plain[plainly] += 1
            continue
        row = _Fired._make(next(evidence.ask(_FIRED, number)))
        shown = bool(events) and holds(row.exception, row.message, row.names, row.texts)
        if once and shown:
            plain[_Plainly(row.fault, row.effect, row.level)] += 1
        else:
            settling.enter(row, shown)
    for plainly, count in plain.items():
        books.enter_captured(plainly.fault, plainly.effect, plainly.level, count)
    return Settled(taken=frozenset(settling.taken), strays=strays)


class _ByType(dict[tuple[int, int], _Plainly | None]):
    """For the kinds of a fault and of the event it led: None unless the type of its exception is in such an event."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__()
        self._evidence = evidence

    def __missing__(self, kinds: tuple[int, int]) -> _Plainly | None:
        if len(self) >= _MOST_PAIRS:
            self.clear()
        fault, effect, exception, names, level = next(self._evidence.ask(_KINDS, *kinds))
        plainly = self[kinds] = _Plainly(fault, effect, level) if has_type(exception, names) else None
        return plainly


class _Settling:
    """Settles what did not simply arrive once, in time."""

    def __init__(self, evidence: Evidence, books: Books, late_after: float) -> None:
        self._evidence = evidence
        self._books = books
        self._late_after = late_after
        self._reports = _Reports(evidence)
        self.taken: set[str] = set()
        """Events that were given to a fault by their trace alone."""

    def enter(self, row: _Fired, shown: bool) -> None:
        """Enter the outcome of ``row``. ``shown``: its first event holds the exception."""
        shown = shown or (
            row.events > 1 and shown_in_any(self._evidence, row.fault_id, row.exception, row.message)
        )
        if shown:
            state = State.DUPLICATE if row.events > 1 else State.CAPTURED
            event: _Event | None = _Event(row.event_id, row.first, row.level, state)
            hidden_in = None
        else:
            event, hidden_in = self._elsewhere(row)
        cause = self._in_time(row, event) if event is not None else self._lost(row, hidden_in)
        self._books.enter(
            Outcome(
                fault_id=row.fault_id,
                fault=row.fault,
                state=cause.state,
                reason=cause.reason,
                source=cause.source,
                place=cause.place,
                culprit=cause.culprit,
                could_be=cause.could_be,
                event_id=cause.event_id if event is None else event.event_id,
                trace_id=row.trace_id,
                expected=self._books.expects_capture(row.fault, row.effect),
                arrivals=row.events,
            )
        )

    def _elsewhere(self, row: _Fired) -> tuple[_Event | None, str | None]:
        """The event of another fault or without identity that holds this one; else the one that hides it, if any."""
        hidden_in = row.event_id if row.events else None
        for event_id, at, names, texts in self._evidence.ask(_MERGED, row.fault_id):
            if holds(row.exception, row.message, names, texts):
                return _Event(event_id, at, row.level, State.MERGED), None
            hidden_in = hidden_in or event_id
        alone = None
        if row.effect == outside.EFFECT:
            wanted = self._books.wanted_level(row.fault)
            alone = outside.event_of(self._evidence, row.trace_id, self.taken, wanted)
        elif hidden_in is None and identity_is_lost(self._evidence, row.fault_id, self._writer(row)):
            alone = self._by_trace(row)
        return (None if alone is None else _Event(*alone, State.CAPTURED)), hidden_in

    def _by_trace(self, row: _Fired) -> tuple[str, float, str | None] | None:
        """An event with the same trace, exception type and message that no fault owns: when identity cannot serve."""
        if row.trace_id is None or row.exception is None:
            return None
        for event_id, at, level, names, texts in self._evidence.ask(_BY_TRACE, row.trace_id):
            if event_id not in self.taken and is_copy(row.exception, row.message, names, texts):
                self.taken.add(event_id)
                return event_id, at, level
        return None

    def _in_time(self, row: _Fired, event: _Event) -> Cause:
        self._books.duplicates += max(0, row.events - 1)
        self._books.check_level(row.fault, event.level)
        if event.at > row.at + self._late_after:
            return Cause(State.LATE, f"arrived after {self._late_after:g} s", "server")
        return Cause(event.state)

    def _lost(self, row: _Fired, hidden_in: str | None) -> Cause:
        if not self._books.expects_capture(row.fault, row.effect):
            return Cause(State.EXPLAINED, "no_event_expected", "plan")
        if hidden_in is not None:
            return not_in_the_event(self._evidence, row.fault_id, hidden_in)
        writer = self._writer(row)
        if row.effect == outside.EFFECT:
            cause = outside.cause_outside(self._evidence, row.fault_id, row.trace_id)
        else:
            cause = cause_of_loss(self._evidence, row.fault_id, writer)
        cause = self._reports.explain(cause, writer)
        self._books.open += may_still_come(self._evidence, row.fault_id, cause)
        return cause

    def _writer(self, row: _Fired) -> Process | None:
        """The process that fired it."""
        processes = self._evidence.summary.processes
        return processes[row.process] if 0 <= row.process < len(processes) else None


class _Reports:
    """Client reports, as the last resort where nobody watched the SDK: they give counts, not names."""

    def __init__(self, evidence: Evidence) -> None:
        self._left = dict(evidence.reported)

    def explain(self, cause: Cause, process: Process | None) -> Cause:
        """Charge an unexplained loss to a reported discard, while reports last."""
        watched = process is not None and process.watched
        if cause.state is not State.UNEXPLAINED_LOSS or watched or not any(self._left.values()):
            return cause
        # Which of the reported reasons took this very fault cannot be told: name them all.
        reasons = sorted(reason for reason, left in self._left.items() if left > 0)
        self._left[reasons[0]] -= 1
        return Cause(State.EXPLAINED, " or ".join(reasons), "client_report", "counted by the SDK", None)
