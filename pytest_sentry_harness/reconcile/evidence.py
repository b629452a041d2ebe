"""Ledger and arrivals in one temporary database, so that a million of each fit and join in seconds."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..model.arrival import Arrival
from ..model.ledger import (
    Answered,
    Fate,
    Fired,
    Handled,
    Hello,
    Intent,
    Logged,
    Record,
    SdkAnswered,
    SdkDiscarded,
    SdkDropped,
    SdkHandedOver,
    SdkSaw,
)
from . import rows
from .kinds import Kinds
from .rows import place_of
from .summary import Process, Summary
from .tables import INDEXES, SCHEMA, VIEWS

__all__ = ["Evidence", "place_of"]

_BATCH = 1000
_ERRORS = ("error", "default")
"""Categories of client reports that count error events."""


class Evidence:
    """The temporary database. Load with ``add_records`` and ``add_arrivals``, then ``complete``, then ask."""

    def __init__(self) -> None:
        # An empty name is a private database that spills to a temporary file when it grows.
        self.database = sqlite3.connect("")
        self.database.executescript(
            "PRAGMA page_size=32768; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;"
            + SCHEMA
            + VIEWS
        )
        self.summary = Summary()
        self.reported: dict[str, int] = {}
        """Client reports: how many errors the SDK says it dropped, by reason."""
        self.arrived = 0
        """Items of any kind that came to the server, refused ones included."""
        self.other_drops: Counter[tuple[int, str, str]] = Counter()
        """What else the SDK counted as dropped: by number of the process, category and reason."""
        self._usual_seconds: dict[int, float] | None = None
        self._fired_kinds = Kinds(self.database, "fired_kind")
        self._saw_kinds = Kinds(self.database, "saw_kind")
        self._arrival_kinds = Kinds(self.database, "arrival_kind")
        self._take: dict[type[Record], Callable[[Any], None]] = {
            Fired: self._fired,
            SdkSaw: lambda batch: self._put("saw", rows.of_saw(batch, self._process, self._saw_kinds)),
            Intent: lambda batch: self._put("intent", rows.of_intent(batch)),
            Answered: lambda batch: self._put("answered", rows.of_answered(batch)),
            Fate: lambda batch: self._put("fate", rows.of_fate(batch)),
            Handled: lambda batch: self._put("handled", rows.beside(batch)),
            Logged: lambda batch: self._put("logged", rows.beside(batch)),
            SdkDropped: lambda batch: self._put("dropped", rows.of_dropped(batch)),
            SdkDiscarded: self._discarded,
            SdkAnswered: lambda batch: self._put("told", rows.of_answers(batch, self._process)),
            SdkHandedOver: lambda batch: self._put("handed", rows.of_handed(batch)),
        }

    def __enter__(self) -> Evidence:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def add_records(self, records: Iterable[Record]) -> None:
        """Load ledger records, journal after journal, each beginning with its ``Hello``."""
        batches: dict[type[Record], list[Record]] = {kind: [] for kind in self._take}
        for record in records:
            batch = batches.get(type(record))
            if batch is None:
                if isinstance(record, Hello):  # what was written so far is of the process before
                    self._take_all(batches)
                self.summary.see(record)
                continue
            batch.append(record)
            if len(batch) >= _BATCH:
                self._take[type(record)](batch)
                batch.clear()
        self._take_all(batches)

    def add_arrivals(self, arrivals: Iterable[Arrival]) -> None:
        """Load arrivals; only events and client reports say anything about faults."""
        batch: list[Arrival] = []
        for arrival in arrivals:
            self.arrived += 1
            item = arrival.item_type
            # A hook may have called an error a transaction.
            if item == "event" or (item == "transaction" and arrival.outcome == "invalid"):
                batch.append(arrival)
                if len(batch) >= _BATCH:
                    self._arrivals(batch)
                    batch.clear()
            for line in arrival.discarded:
                if line.category in _ERRORS:
                    self.reported[line.reason] = self.reported.get(line.reason, 0) + line.quantity
        self._arrivals(batch)

    def complete(self) -> None:
        """Build the indexes."""
        self.database.executescript(INDEXES)

    def ask(self, question: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Run a query."""
        return self.database.execute(question, values)

    def number(self, question: str, *values: object) -> int:
        """The single number a query answers with."""
        return int(self.database.execute(question, values).fetchone()[0] or 0)

    def usual_seconds(self, process: Process) -> float | None:
        """The median time an answer to an event of ``process`` took; None: it was answered nothing.

        Of the whole run, so it is worked out once. To be asked after ``complete``.
        """
        if self._usual_seconds is None:
            told: dict[int, list[float]] = {}
            for number, seconds in self.ask("SELECT process, seconds FROM told ORDER BY seconds"):
                told.setdefault(number, []).append(seconds)
            self._usual_seconds = {
                id(each): told[number][len(told[number]) // 2]
                for number, each in enumerate(self.summary.processes)
                if number in told
            }
        return self._usual_seconds.get(id(process))

    @property
    def _process(self) -> int:
        """The number of the process whose journal is read."""
        return len(self.summary.processes) - 1

    def _take_all(self, batches: dict[type[Record], list[Record]]) -> None:
        for kind, batch in batches.items():
            if batch:
                self._take[kind](batch)
                batch.clear()

    def _fired(self, batch: list[Fired]) -> None:
        for record in batch:
            if record.effect == "exit":
                self.summary.fired(record)
        self._put("fired", rows.of_fired(batch, self._process, self._fired_kinds))

    def _discarded(self, batch: list[SdkDiscarded]) -> None:
        for record in batch:
            if record.category not in _ERRORS:
                self.other_drops[self._process, record.category, record.reason] += record.quantity
        of_errors = [each for each in batch if each.category in _ERRORS and each.event_id is not None]
        self._put("discarded", rows.of_discarded(of_errors))

    def _arrivals(self, batch: list[Arrival]) -> None:
        self._put("arrival", rows.of_arrivals(batch, self._arrival_kinds))
        self._put("mention", rows.of_mentions(batch))

    def _put(self, table: str, made: list[tuple[Any, ...]]) -> None:
        if made:
            marks = ",".join("?" * len(made[0]))
            # The table name is one of the literals above, never input.
            self.database.executemany(f"INSERT INTO {table} VALUES ({marks})", made)  # noqa: S608 - our own name
