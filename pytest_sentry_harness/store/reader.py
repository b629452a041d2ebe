"""Read a store: during a run, after it, from a copy, after a crash. Never needs the server."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ..errors import EvidenceError, ProtocolError
from ..model.arrival import Arrival
from . import query, schema
from .contents import Part, read_contents
from .digest import raw_of
from .index import Index
from .query import Filter
from .rows import ProjectRow, StoredRequest


@dataclass(frozen=True, slots=True)
class Tally:
    """How many items share these properties."""

    project: str
    outcome: str
    reason: str
    item_type: str
    status: int
    count: int


def open_store(folder: Path) -> StoreReader:
    """Open the store in ``folder`` and digest what has not been digested yet.

    Raises ``EvidenceError`` when there is none or it cannot be read.
    """
    reader: StoreReader | None = None
    try:
        reader = StoreReader(folder)
        reader.refresh()
    except sqlite3.DatabaseError as error:
        if reader is not None:
            reader.close()
        raise EvidenceError(
            f"the store cannot be read: {error}",
            where=str(folder),
            hint="delete index.sqlite, which is made again; if it still fails, arrivals.sqlite is damaged",
        ) from error
    return reader


class StoreReader:
    """Answers the questions asked of a store. What arrives meanwhile is seen after ``refresh``."""

    def __init__(self, folder: Path) -> None:
        """Open without digesting; ``open_store`` is what callers want."""
        self.folder = folder
        self._index = Index(folder)
        self._lookups = False

    def refresh(self) -> None:
        """Take in what has arrived since."""
        self._index.catch_up()

    def advance(self, most: int = 64) -> int:
        """Take in the next requests, at most ``most``; how many it were."""
        return self._index.advance(most)

    @property
    def digested(self) -> int:
        """Number of the last request that was taken in."""
        return self._index.digested

    @property
    def last_cursor(self) -> int:
        """Cursor of the last arrival; 0: nothing arrived."""
        return self._index.cursor

    @property
    def last_request(self) -> int:
        """Number of the last request in the store."""
        return schema.last_seq(self._index.truth)

    def arrivals(
        self,
        *,
        since: int = 0,
        project: str | None = None,
        item_type: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Arrival]:
        """Arrivals after cursor ``since`` in order, read piece by piece: memory does not grow with the store."""
        wanted = Filter(project=project, item_type=item_type, outcome=outcome)
        return self.matching(wanted, since=since, limit=limit)

    def matching(self, wanted: Filter, *, since: int = 0, limit: int | None = None) -> Iterator[Arrival]:
        """As ``arrivals``, for any filter."""
        return query.select(self._index.connection, wanted, since=since, limit=limit)

    def count(
        self, *, project: str | None = None, item_type: str | None = None, outcome: str | None = None
    ) -> int:
        """How many arrivals there are."""
        wanted = Filter(project=project, item_type=item_type, outcome=outcome)
        return query.count(self._index.connection, wanted)

    def by_event_id(self, event_id: str) -> list[Arrival]:
        """Arrivals of one event: the event, its attachments, duplicates, refused attempts."""
        return self._look_up(Filter(event_id=event_id))

    def by_trace_id(self, trace_id: str) -> list[Arrival]:
        """Arrivals of one trace."""
        return self._look_up(Filter(trace_id=trace_id))

    def client_reports(self, *, project: str | None = None) -> Iterator[Arrival]:
        """Arrivals of client reports, accepted or not; ``discarded`` has their lines."""
        return self.arrivals(project=project, item_type="client_report")

    def tallies(self) -> list[Tally]:
        """The whole store in numbers, ordered."""
        rows = self._index.connection.execute(
            "SELECT project, outcome, reason, item_type, status, count(*) FROM item"
            " GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"
        ).fetchall()
        return [Tally(*row) for row in rows]

    def projects(self) -> list[ProjectRow]:
        """All projects, oldest first."""
        return schema.read_projects(self._index.truth)

    def request(self, seq: int) -> StoredRequest:
        """One request as received, with the answer it got. Raises ``EvidenceError`` for a number not there."""
        found = schema.read_request(self._index.truth, seq)
        if found is None:
            raise EvidenceError(
                f"there is no request {seq}",
                where=str(self.folder),
                hint=f"requests are numbered from 1 to {self.last_request}",
            )
        return found

    def requests(self, *, since: int = 0) -> Iterator[StoredRequest]:
        """All requests after number ``since``, in order, with their bodies, read piece by piece."""
        while found := schema.read_requests(self._index.truth, since=since, most=256):
            yield from found
            since = found[-1].seq

    def raw(self, seq: int) -> bytes:
        """The body of a request as received, still encoded. Raises as ``request``."""
        return self.request(seq).body

    def payload(self, arrival: Arrival) -> bytes:
        """The payload of one item, decompressed; empty for a request that could not be taken apart."""
        try:
            parts = read_contents(raw_of(self.request(arrival.request))).parts()
        except ProtocolError:
            return b""
        return bytes(parts[arrival.position].payload)

    def payloads(
        self, item_types: Collection[str], *, outcome: str | None = "accepted"
    ) -> Iterator[tuple[Arrival, bytes]]:
        """Arrivals of these types in order, each with its payload, read piece by piece; ``outcome`` None: any.

        The body of a request is decompressed once, however many of its items are asked for.
        """
        seq = 0
        parts: tuple[Part, ...] = ()
        for arrival in self.matching(Filter(item_types=tuple(item_types), outcome=outcome)):
            if arrival.request != seq:
                seq = arrival.request
                try:
                    parts = read_contents(raw_of(self.request(seq))).parts()
                except ProtocolError:
                    parts = ()
            if arrival.position < len(parts):
                yield arrival, bytes(parts[arrival.position].payload)

    def close(self) -> None:
        """Close the files."""
        self._index.close()

    def __enter__(self) -> StoreReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _look_up(self, wanted: Filter) -> list[Arrival]:
        if not self._lookups:
            self._index.build_lookups()
            self._lookups = True
        return list(query.select(self._index.connection, wanted))
