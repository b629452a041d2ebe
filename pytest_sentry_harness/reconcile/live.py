"""The account of a run while it goes on, kept up record by record. Pure, and of bounded size.

It follows a fault as the judge does, by the event it was put into, but knows neither what comes later nor who is to
blame. Times are those of whoever looks: workers on other hosts have other clocks.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..load.histogram import Histogram
from ..model.arrival import Arrival
from ..model.ledger import Answered, Beat, Fired, Lasted, Record, SdkDiscarded, SdkDropped, SdkSaw
from ..model.live import Live
from ..model.scenario import Expect

USUAL_DELAY = 5.0
"""Seconds within which SDKs have usually sent an event: one request at a time, each at once."""
WATCHED = (Answered, Beat, Fired, Lasted, SdkDiscarded, SdkDropped, SdkSaw)
"""The records that count here."""
OTHERS = "(other reasons)"
_WINDOW = 5.0
"""Seconds over which rates are taken."""
_MOST_OPEN = 100_000
_MOST_REASONS = 100
_MOST_CHARACTERS = 120

V = TypeVar("V")


@dataclass(slots=True)
class _Open:
    """A fault of which it is not known what became."""

    trace_id: str | None
    events: int = 0
    """Events on their way that hold it."""
    old: bool = False


class LiveAccount:
    """Takes in records and arrivals as they come; ``now`` says how it stands.

    What is older than about a hundred thousand open faults, events or arrivals is forgotten: then the faults stay overdue.
    """

    def __init__(self, expectations: Mapping[str, Expect], begun: float) -> None:
        """``begun``: the clock's reading at the beginning, in seconds."""
        self._expectations = expectations
        self._begun = begun
        self._fired = self._expected = self._captured = self._overdue = 0
        self._answered = self._sent = 0
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._young: deque[tuple[float, str]] = deque()
        self._events: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        """Events on their way, and the faults in them."""
        self._traces: dict[str, str] = {}
        """Open faults that nobody injected, by their trace."""
        self._strays: OrderedDict[str, Arrival] = OrderedDict()
        """Arrivals of which the ledger has not spoken yet, by event or trace."""
        self._lost: OrderedDict[str, str] = OrderedDict()
        """Faults that were lost lately, and why: a later event may hold them all the same."""
        self._losses: Counter[str] = Counter()
        self._service, self._faulty = Histogram(), Histogram()
        self._history: deque[tuple[float, int, int]] = deque([(begun, 0, 0)])

    def see(self, record: Record, at: float) -> None:
        """Take in a record, read at ``at``. Others than those of ``WATCHED`` mean nothing here."""
        if isinstance(record, Fired):
            self._see_fired(record, at)
        elif isinstance(record, SdkSaw):
            self._see_event(record)
        elif isinstance(record, SdkDropped):
            self._see_drop(record)
        elif isinstance(record, SdkDiscarded):
            if record.event_id is not None:
                faults = self._events.pop(record.event_id, ())
                self._event_lost(faults, _words(record.reason, record.detail))
        elif isinstance(record, Answered):
            self._answered += 1
            self._faulty.add(record.seconds)
        elif isinstance(record, Beat):
            self._sent += record.sent
        elif isinstance(record, Lasted):
            # In an open load, what users wait counts from when they came.
            slow = record.latency_max if record.latency else record.service_max
            self._service.merge(record.latency or record.service, slow)

    def arrived(self, arrival: Arrival) -> None:
        """Take in an arrival of an event."""
        if arrival.outcome == "duplicate":
            return
        faults: tuple[str, ...] = ()
        if arrival.event_id is not None:
            faults = self._events.pop(arrival.event_id, ())
        if not faults and arrival.trace_id in self._traces:
            faults = (self._traces[arrival.trace_id],)
        if not faults:
            for key in (arrival.event_id, arrival.trace_id):
                if key is not None:
                    _remember(self._strays, key, arrival)
        elif arrival.outcome == "accepted":
            for fault_id in faults:
                self._capture(fault_id)
        else:
            self._event_lost(faults, _words(f"answered {arrival.status}", arrival.reason))

    def now(self, at: float, *, behind: bool = False, unreadable: int = 0) -> Live:
        """How it stands at ``at``."""
        self._age(at)
        requests = self._sent or self._answered
        while len(self._history) > 1 and self._history[1][0] <= at - _WINDOW:
            self._history.popleft()
        then, fired, sent = self._history[0]
        seconds = max(at - then, 1e-3)
        self._history.append((at, self._fired, requests))
        times = self._service if self._service.count else self._faulty
        count = times.count
        return Live(
            seconds=at - self._begun,
            fired=self._fired,
            fired_rate=(self._fired - fired) / seconds,
            expected=self._expected,
            captured=self._captured,
            outstanding=self._expected - self._captured - self._losses.total() - self._overdue,
            overdue=self._overdue,
            losses=tuple((+self._losses).most_common()),
            requests=requests,
            request_rate=max(requests - sent, 0) / seconds,
            latency_p50=times.at_rank(-(-count // 2)) if count else None,
            latency_p95=times.at_rank(-(-count * 19 // 20)) if count else None,
            behind=behind,
            unreadable=unreadable,
        )

    def _see_fired(self, record: Fired, at: float) -> None:
        self._fired += 1
        promised = self._expectations.get(record.fault, Expect()).captured
        if record.fault_id in self._open or not (
            record.effect in ("raise", "provoked") if promised is None else promised
        ):
            return
        self._expected += 1
        self._open[record.fault_id] = _Open(record.trace_id if record.effect == "provoked" else None)
        self._young.append((at, record.fault_id))
        if len(self._open) > _MOST_OPEN:
            self._forget(*self._open.popitem(last=False))
        if record.effect == "provoked" and record.trace_id is not None:
            self._traces[record.trace_id] = record.fault_id
            self._meet(record.trace_id)

    def _see_event(self, record: SdkSaw) -> None:
        if record.event_id is None:
            return
        faults = tuple(each for each in record.fault_ids if each in self._open or each in self._lost)
        if not faults:
            return  # captured by an earlier event
        _remember(self._events, record.event_id, faults)
        for fault_id in faults:
            if fault_id in self._open:
                self._open[fault_id].events += 1
        self._meet(record.event_id)

    def _see_drop(self, record: SdkDropped) -> None:
        reason = _words(record.culprit or record.stage, record.reason)
        if record.event_id is not None and record.event_id in self._events:
            self._event_lost(self._events.pop(record.event_id), reason)
            return
        for fault_id in record.fault_ids:
            # A second report that is dropped says nothing while the first one is on its way.
            if fault_id in self._open and not self._open[fault_id].events:
                self._lose(fault_id, reason)

    def _event_lost(self, faults: tuple[str, ...], reason: str) -> None:
        for fault_id in faults:
            fault = self._open.get(fault_id)
            if fault is None:
                continue
            fault.events -= 1
            if fault.events <= 0:
                self._lose(fault_id, reason)

    def _capture(self, fault_id: str) -> None:
        if fault_id in self._open:
            self._close(fault_id)
        elif fault_id in self._lost:
            self._losses[self._lost.pop(fault_id)] -= 1
        else:
            return
        self._captured += 1

    def _lose(self, fault_id: str, reason: str) -> None:
        self._close(fault_id)
        if reason not in self._losses and len(self._losses) >= _MOST_REASONS:
            reason = OTHERS
        self._losses[reason] += 1
        _remember(self._lost, fault_id, reason)

    def _close(self, fault_id: str) -> None:
        fault = self._open.pop(fault_id)
        self._overdue -= fault.old
        if fault.trace_id is not None:
            self._traces.pop(fault.trace_id, None)

    def _forget(self, fault_id: str, fault: _Open) -> None:
        """Too many to keep: it stays overdue."""
        self._overdue += not fault.old
        if fault.trace_id is not None:
            self._traces.pop(fault.trace_id, None)

    def _meet(self, key: str) -> None:
        """An arrival may have been read before the ledger spoke of it."""
        arrival = self._strays.pop(key, None)
        if arrival is not None:
            self.arrived(arrival)

    def _age(self, at: float) -> None:
        while self._young and self._young[0][0] <= at - USUAL_DELAY:
            fault = self._open.get(self._young.popleft()[1])
            if fault is not None:
                fault.old = True
                self._overdue += 1


def _remember(kept: OrderedDict[str, V], key: str, value: V) -> None:
    kept[key] = value
    if len(kept) > _MOST_OPEN:
        kept.popitem(last=False)


def _words(what: str, more: str) -> str:
    text = f"{what} ({more})" if more and more != what else what
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"
