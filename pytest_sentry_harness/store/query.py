"""Which arrivals a question is about, and the SQL that finds them in the index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields

import msgspec

from ..model.arrival import Arrival, Discarded
from ..protocol.event_fields import json_text

COLUMNS = tuple(field.name for field in fields(Arrival))
_SELECT = "SELECT " + ", ".join(f'"{name}"' for name in COLUMNS) + " FROM item"  # noqa: S608 - our own names
_EXCEPTIONS = COLUMNS.index("exceptions")
_DISCARDED = COLUMNS.index("discarded")
_MENTIONS = COLUMNS.index("mentions")
_PAGE = 2000
_pairs = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode
_reports = msgspec.json.Decoder(tuple[Discarded, ...]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Arrivals that have all of the given properties; None: any. Ids may be dashed and in any case."""

    project: str | None = None
    item_type: str | None = None
    outcome: str | None = None
    event_id: str | None = None
    trace_id: str | None = None
    item_types: tuple[str, ...] | None = None
    """Any of these, instead of the one ``item_type``."""

    def where(self) -> tuple[str, list[str]]:
        """An SQL condition beginning with `` AND``, and its values."""
        given = {
            "project": self.project,
            "item_type": self.item_type,
            "outcome": self.outcome,
            "event_id": _plain_id(self.event_id),
            "trace_id": _plain_id(self.trace_id),
        }
        used = {name: value for name, value in given.items() if value is not None}
        condition, values = "".join(f" AND {name} = ?" for name in used), list(used.values())
        if self.item_types is not None:
            condition += f" AND item_type IN ({', '.join('?' * len(self.item_types))})"
            values += self.item_types
        return condition, values


ANY = Filter()


def select(
    connection: sqlite3.Connection, wanted: Filter = ANY, *, since: int = 0, limit: int | None = None
) -> Iterator[Arrival]:
    """Matching arrivals after cursor ``since``, in order, at most ``limit``; read page by page."""
    condition, values = wanted.where()
    left = limit
    while left is None or left > 0:
        size = _PAGE if left is None else min(left, _PAGE)
        rows = connection.execute(
            f"{_SELECT} WHERE cursor > ?{condition} ORDER BY cursor LIMIT ?", (since, *values, size)
        ).fetchall()
        for row in rows:
            yield from_row(row)
        if len(rows) < size:
            return
        since = rows[-1][0]
        left = None if left is None else left - len(rows)


def count(connection: sqlite3.Connection, wanted: Filter = ANY) -> int:
    """How many arrivals match."""
    condition, values = wanted.where()
    row = connection.execute(f"SELECT count(*) FROM item WHERE cursor > 0{condition}", values).fetchone()  # noqa: S608
    return int(row[0])


def to_row(arrival: Arrival) -> list[object]:
    """The values of ``arrival`` in the order of the columns."""
    row: list[object] = [getattr(arrival, name) for name in COLUMNS]
    row[_EXCEPTIONS] = msgspec.json.encode(arrival.exceptions).decode() if arrival.exceptions else ""
    row[_DISCARDED] = msgspec.json.encode(arrival.discarded).decode() if arrival.discarded else ""
    row[_MENTIONS] = msgspec.json.encode(arrival.mentions).decode() if arrival.mentions else ""
    return row


def from_row(row: tuple[object, ...]) -> Arrival:
    """The arrival in a row of ``item``."""
    values = dict(zip(COLUMNS, row, strict=True))
    exceptions, discarded, mentions = row[_EXCEPTIONS], row[_DISCARDED], row[_MENTIONS]
    values["exceptions"] = _texts(str(exceptions)) if exceptions else ()
    values["discarded"] = _reports(str(discarded)) if discarded else ()
    values["mentions"] = _texts(str(mentions)) if mentions else ()
    # Nearly twice as fast as calling the frozen dataclass with twenty keyword arguments.
    return msgspec.convert(values, Arrival)


def _texts(written: str) -> tuple[tuple[str, str], ...]:
    """Pairs of texts. What was written as another kind of value is text now: one odd row must not hide all others."""
    try:
        return _pairs(written)
    except msgspec.ValidationError:
        return tuple((json_text(one), json_text(other)) for one, other in msgspec.json.decode(written))


def _plain_id(value: str | None) -> str | None:
    return None if value is None else value.replace("-", "").lower()
