"""Reads from a store what objectives and analysis look at: transactions, sessions, traces of errors, events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..criteria.analysis_account import MOST_COMPARED
from ..criteria.objectives_joined import Reported
from ..errors import ProtocolError
from ..model.arrival import Arrival
from ..model.monitored import Event
from ..monitor.fields import fields_of_transaction, session_rows
from ..monitor.patterns import Facet, facets_of
from ..monitor.requests import Request, request_of
from ..monitor.search.search import Search
from ..protocol.event_fields import level_of
from ..protocol.spans import SpanTold, spans_told
from ..protocol.tolerant import json_object
from ..store.reader import StoreReader, open_store

_LATE = 3600.0
"""A transaction whose own end is further from its arrival than that is counted at its arrival: some clock is wrong."""
_CRASHED = ("crashed", "abnormal")
_OWN = ("sentry.", "thread.", "process.", "code.", "release", "environment", "user.")
"""How the names of attributes begin that are no tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What was accepted, but for the events themselves."""

    reported: tuple[Reported, ...]
    """In the order of arrival."""
    sessions: tuple[int, int]
    """All, and those that crashed."""
    with_error: frozenset[str]
    """Trace ids of error events."""
    dropped: dict[str, int]
    """Transactions that SDKs say in client reports they dropped, by reason."""
    unread: int


def arrived_in(folder: Path, searches: Mapping[str, Search] | None = None) -> Arrived:
    """What the store in ``folder`` holds. ``searches``: by name of the objective. Raises ``EvidenceError``."""
    with open_store(folder) as store:
        reading = _Reading(store, searches or {})
        reported = tuple(reading.reported())
        return Arrived(
            reported=reported,
            sessions=reading.sessions(),
            with_error=frozenset(_with_error(store)),
            dropped=_dropped(store),
            unread=reading.unread,
        )


@dataclass(slots=True)
class Events:
    """The events that a store accepted, in the order of their arrival."""

    store: StoreReader
    unread: int = 0

    def __iter__(self) -> Iterator[Event]:
        for arrival, payload in self.store.payloads(("event",)):
            try:
                data = json_object(payload, "the event")
            except ProtocolError:
                self.unread += 1
                continue
            yield Event(
                cursor=arrival.cursor,
                received_at=arrival.received_at,
                project=arrival.project,
                event_id=arrival.event_id or "",
                data=data,
            )


class _Reading:
    """One pass over the transactions, and one over the sessions."""

    def __init__(self, store: StoreReader, searches: Mapping[str, Search]) -> None:
        self._store = store
        self._searches = searches
        # The same few values come again and again: each is kept once.
        self._facets: dict[Facet, Facet] = {}
        self._sets: dict[frozenset[Facet], frozenset[Facet]] = {}
        self.unread = 0

    def reported(self) -> Iterator[Reported]:
        known: set[str] = set()
        for arrival, payload in self._store.payloads(("transaction", "span")):
            for name, data in self._transactions(arrival, payload):
                request = request_of(data)
                if request is None:
                    self.unread += 1
                elif not name or name not in known:
                    known.add(name)
                    yield Reported(
                        request=_in_time(request, arrival.received_at),
                        facets=self._kept(facets_of(data)) if len(known) <= MOST_COMPARED else frozenset(),
                        found_by=self._found_by(data, arrival.project, arrival.received_at),
                    )

    def _transactions(self, arrival: Arrival, payload: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
        """Those of one item, each with an id; spans that are sent by themselves hold one where a segment begins."""
        try:
            if arrival.item_type == "transaction":
                yield arrival.event_id or "", json_object(payload, "the transaction")
                return
            for span in spans_told(payload)[0]:
                if span.is_segment:
                    yield f"{span.trace_id}-{span.span_id}", as_transaction(span)
        except ProtocolError:
            self.unread += 1

    def sessions(self) -> tuple[int, int]:
        every = crashed = 0
        for row in session_rows(self._payloads(), project=""):
            count = next((value for value in row("sessions") if isinstance(value, int)), 0)
            every += count
            crashed += count if any(status in _CRASHED for status in row("session.status")) else 0
        return every, crashed

    def _payloads(self) -> Iterator[tuple[Any, float]]:
        for arrival, payload in self._store.payloads(("session", "sessions")):
            try:
                yield json_object(payload, "the session"), arrival.received_at
            except ProtocolError:
                self.unread += 1

    def _found_by(self, data: Any, project: str, received_at: float) -> frozenset[str]:
        if not self._searches:
            return frozenset()
        fields = fields_of_transaction(data, project=project, received_at=received_at)
        return frozenset(
            name for name, search in self._searches.items() if search.matches(fields, now=received_at)
        )

    def _kept(self, facets: frozenset[Facet]) -> frozenset[Facet]:
        kept = self._sets.get(facets)
        if kept is None:
            kept = frozenset(self._facets.setdefault(each, each) for each in facets)
            self._sets[kept] = kept
        return kept


def as_transaction(span: SpanTold) -> dict[str, Any]:
    """The first span of a segment as a transaction would tell it (Sentry developer docs, "Span Protocol").

    Attributes that are text stand for tags; those that the SDK adds itself are left out.
    """
    texts = {name: value for name, value in span.data.items() if isinstance(value, str)}
    return {
        "type": "transaction",
        "transaction": texts.get("sentry.segment.name") or span.description,
        "start_timestamp": span.start,
        "timestamp": span.end,
        "release": texts.get("sentry.release") or texts.get("release"),
        "environment": texts.get("sentry.environment") or texts.get("environment"),
        "contexts": {"trace": {"trace_id": span.trace_id, "op": span.op, "status": span.status or "unknown"}},
        "tags": {name: value for name, value in texts.items() if not name.startswith(_OWN)},
        "user": {"id": texts.get("user.id")},
    }


def _in_time(request: Request, received_at: float) -> Request:
    return request if abs(request.at - received_at) <= _LATE else replace(request, at=received_at)


def _with_error(store: StoreReader) -> Iterator[str]:
    for arrival in store.arrivals(item_type="event", outcome="accepted"):
        if arrival.trace_id and level_of(arrival.level or "error", []) in ("error", "fatal"):
            yield arrival.trace_id


def _dropped(store: StoreReader) -> dict[str, int]:
    found: Counter[str] = Counter()
    for arrival in store.client_reports():
        for line in arrival.discarded:
            if line.category == "transaction":
                found[line.reason] += line.quantity
    return dict(found)
