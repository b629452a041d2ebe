"""Ledger and arrivals in one temporary database, so that a million of each fit and join in seconds.

Rows go in without indexes; the indexes are built once, at the end (an index kept while loading costs
ten times as much).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from ..model.arrival import Arrival
from ..model.ledger import (
    Answered,
    Fate,
    Fired,
    Handled,
    Intent,
    Logged,
    Place,
    Record,
    SdkAnswered,
    SdkDiscarded,
    SdkDropped,
    SdkHandedOver,
    SdkSaw,
)
from .contents import texts_of
from .integrations import marks_of
from .summary import Process, Summary

_SCHEMA = """
CREATE TABLE intent (fault_id TEXT, fault TEXT, trace_id TEXT);
CREATE TABLE answered (fault_id TEXT, status INTEGER, error TEXT);
CREATE TABLE fired (
    fault_id TEXT, fault TEXT, trace_id TEXT, effect TEXT, exception TEXT, at REAL, process INTEGER,
    point TEXT, is_error INTEGER, main INTEGER, task INTEGER, message TEXT);
CREATE TABLE fate (fault_id TEXT, handling TEXT, place TEXT, alive INTEGER, marks TEXT);
CREATE TABLE mention (event_id TEXT, part TEXT, trace_id TEXT);
CREATE TABLE handled (fault_id TEXT, record TEXT);
CREATE TABLE logged (fault_id TEXT, record TEXT);
CREATE TABLE saw (
    fault_id TEXT, event_id TEXT, position INTEGER, mechanism TEXT, logger TEXT, exception TEXT,
    mono REAL, process INTEGER, changed TEXT, changed_by TEXT, changed_at TEXT);
CREATE TABLE same_id (fault_id TEXT, event_id TEXT, culprit TEXT, place TEXT);
CREATE TABLE dropped (
    fault_id TEXT, event_id TEXT, stage TEXT, reason TEXT, culprit TEXT, place TEXT, error TEXT);
CREATE TABLE discarded (event_id TEXT, reason TEXT, detail TEXT, mono REAL);
CREATE TABLE told (
    event_id TEXT, mono REAL, process INTEGER, status INTEGER, host TEXT, via TEXT, limits TEXT, error TEXT,
    trouble TEXT, reused INTEGER, seconds REAL);
CREATE TABLE handed (event_id TEXT, mono REAL, why TEXT, taker TEXT, place TEXT, error TEXT);
CREATE TABLE arrival (
    event_id TEXT, trace_id TEXT, outcome TEXT, reason TEXT, at REAL, level TEXT, exceptions TEXT,
    mono REAL, status INTEGER, mechanism TEXT, texts TEXT, item TEXT);
"""
_INDEXES = """
CREATE INDEX intent_fault ON intent (fault_id);
CREATE INDEX intent_trace ON intent (trace_id);
CREATE INDEX mention_event ON mention (event_id);
CREATE INDEX answered_fault ON answered (fault_id);
CREATE INDEX fired_fault ON fired (fault_id);
CREATE INDEX fate_fault ON fate (fault_id);
CREATE INDEX handled_fault ON handled (fault_id);
CREATE INDEX logged_fault ON logged (fault_id);
CREATE INDEX saw_fault ON saw (fault_id, position, event_id);
CREATE INDEX saw_event ON saw (event_id, fault_id);
CREATE INDEX dropped_fault ON dropped (fault_id);
CREATE INDEX discarded_event ON discarded (event_id);
CREATE INDEX told_event ON told (event_id);
CREATE INDEX handed_event ON handed (event_id);
CREATE INDEX arrival_event ON arrival (event_id, outcome, at, level, trace_id);
CREATE INDEX arrival_trace ON arrival (trace_id);
"""
_BATCH = 4000


class Evidence:
    """The temporary database. Load with ``add_records`` and ``add_arrivals``, then ``complete``, then ask."""

    def __init__(self) -> None:
        # An empty name is a private database that spills to a temporary file when it grows.
        self.database = sqlite3.connect("")
        self.database.executescript(
            "PRAGMA page_size=32768; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;"
            + _SCHEMA
        )
        self.summary = Summary()
        self.reported: dict[str, int] = {}
        """Client reports: how many errors the SDK says it dropped, by reason."""
        self.arrived = 0
        """Items of any kind that came to the server, refused ones included."""
        self.other_drops: Counter[tuple[int, str, str]] = Counter()
        """What else the SDK counted as dropped: by number of the process, category and reason."""
        self._usual_seconds: dict[int, float] | None = None
        self._pending: dict[str, list[tuple[Any, ...]]] = {}
        self._take: dict[type[Record], Callable[[Any], None]] = {
            Fired: self._fired,
            SdkSaw: self._saw,
            Intent: self._intent,
            Answered: self._answered,
            Fate: self._fate,
            Handled: lambda record: self._beside("handled", record),
            Logged: lambda record: self._beside("logged", record),
            SdkDropped: self._dropped,
            SdkDiscarded: self._discarded,
            SdkAnswered: self._told,
            SdkHandedOver: self._handed,
        }

    def __enter__(self) -> Evidence:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def add_records(self, records: Iterable[Record]) -> None:
        """Load ledger records, journal after journal, each beginning with its ``Hello``."""
        take, see = self._take.get, self.summary.see
        for record in records:
            take(type(record), see)(record)

    def add_arrivals(self, arrivals: Iterable[Arrival]) -> None:
        """Load arrivals; only events and client reports say anything about faults."""
        for arrival in arrivals:
            self.arrived += 1
            spoilt = arrival.item_type == "transaction" and arrival.outcome == "invalid"
            if arrival.item_type == "event" or spoilt:  # a hook may have called an error a transaction
                names = [name for name, _ in arrival.exceptions]
                self._put(
                    "arrival",
                    (
                        arrival.event_id,
                        arrival.trace_id,
                        arrival.outcome,
                        arrival.reason,
                        arrival.received_at,
                        arrival.level,
                        "\n".join(names),
                        arrival.received_mono,
                        arrival.status,
                        arrival.mechanism or "",
                        texts_of(value for _, value in arrival.exceptions),
                        arrival.item_type,
                    ),
                )
                for part, trace_id in arrival.mentions:
                    self._put("mention", (arrival.event_id, part, trace_id))
            for line in arrival.discarded:
                if line.category in ("error", "default"):
                    self.reported[line.reason] = self.reported.get(line.reason, 0) + line.quantity

    def complete(self) -> None:
        """Write what is buffered and build the indexes."""
        for table in list(self._pending):
            self._flush(table)
        self.database.executescript(_INDEXES)

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

    def _intent(self, record: Intent) -> None:
        self._put("intent", (record.fault_id, record.fault, record.trace_id))

    def _answered(self, record: Answered) -> None:
        for fault_id in record.fault_ids:
            self._put("answered", (fault_id, record.status, record.error))

    def _fired(self, record: Fired) -> None:
        self.summary.fired(record)
        self._put(
            "fired",
            (
                record.fault_id,
                record.fault,
                record.trace_id,
                record.effect,
                record.exception_type,
                record.at,
                len(self.summary.processes) - 1,
                record.point,
                record.is_error,
                record.thread == "MainThread",
                record.task is not None,
                record.exception_message,
            ),
        )

    def _fate(self, record: Fate) -> None:
        marks = marks_of(place.file for place in record.chain)
        self._put("fate", (record.fault_id, record.handling, _place(record.place), record.alive, marks))

    def _beside(self, table: str, record: Handled | Logged) -> None:
        text = msgspec.json.encode(record).decode()
        for fault_id in record.fault_ids:
            self._put(table, (fault_id, text))

    def _saw(self, record: SdkSaw) -> None:
        for position, fault_id in enumerate(record.fault_ids):
            self._put(
                "saw",
                (
                    fault_id,
                    record.event_id,
                    position,
                    record.mechanism,
                    record.logger,
                    record.exception,
                    record.mono,
                    len(self.summary.processes) - 1,
                    " ".join(record.changed),
                    record.changed_by,
                    _place(record.changed_at),
                ),
            )

    def _dropped(self, record: SdkDropped) -> None:
        for fault_id in record.fault_ids:
            self._put(
                "dropped",
                (
                    fault_id,
                    record.event_id,
                    record.stage,
                    record.reason,
                    record.culprit,
                    _place(record.place),
                    record.error,
                ),
            )

    def _discarded(self, record: SdkDiscarded) -> None:
        if record.category not in ("error", "default"):
            place = (len(self.summary.processes) - 1, record.category, record.reason)
            self.other_drops[place] += record.quantity
        elif record.event_id is not None:
            self._put("discarded", (record.event_id, record.reason, record.detail, record.mono))

    def _told(self, record: SdkAnswered) -> None:
        self._put(
            "told",
            (
                record.event_id,
                record.mono,
                len(self.summary.processes) - 1,
                record.status,
                record.host,
                record.via,
                record.limits,
                record.error,
                record.trouble,
                record.reused,
                record.seconds,
            ),
        )

    def _handed(self, record: SdkHandedOver) -> None:
        self._put(
            "handed",
            (record.event_id, record.mono, record.why, record.to, _place(record.place), record.error),
        )

    def _put(self, table: str, row: tuple[Any, ...]) -> None:
        rows = self._pending.setdefault(table, [])
        rows.append(row)
        if len(rows) >= _BATCH:
            self._flush(table)

    def _flush(self, table: str) -> None:
        rows = self._pending.pop(table, [])
        if rows:
            marks = ",".join("?" * len(rows[0]))
            # The table name is one of the literals above, never input.
            self.database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608


def place_of(text: str | None) -> Place | None:
    """The place stored as ``text``."""
    return None if text is None else msgspec.json.decode(text, type=Place)


def _place(place: Place | None) -> str | None:
    return None if place is None else msgspec.json.encode(place).decode()
