"""The index of a store: one row for each envelope item, made from the truth and never more than that.

It is filled from where it stopped (a cursor), by whoever asks first: the server when it is idle, or a reader
after the run. Deleted, damaged, or made by another release from another truth, it is made again and
comes out the same. Unsynchronised, because losing it costs nothing but time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ..errors import EvidenceError
from . import schema
from .digest import DIGEST_VERSION, digest
from .query import COLUMNS, to_row

INDEX_VERSION = f"1.{DIGEST_VERSION}"
"""Changes with the tables and with what the digest makes of a request; an index of another one is made again."""
_CHUNK = 64

_TABLES = (
    "CREATE TABLE state (store_id TEXT, version TEXT, digested INTEGER, cursor INTEGER)",
    "CREATE TABLE item (cursor INTEGER PRIMARY KEY, request INTEGER, position INTEGER, project TEXT,"
    " received_at REAL, received_mono REAL, status INTEGER, outcome TEXT, reason TEXT, item_type TEXT,"
    " category TEXT, event_id TEXT, trace_id TEXT, exceptions TEXT, mechanism TEXT, level TEXT, release TEXT,"
    ' environment TEXT, "transaction" TEXT, discarded TEXT, mentions TEXT, size INTEGER)',
    "CREATE TABLE seen (project TEXT, event_id TEXT, PRIMARY KEY (project, event_id)) WITHOUT ROWID",
)
_DROP = "DROP TABLE IF EXISTS state", "DROP TABLE IF EXISTS item", "DROP TABLE IF EXISTS seen"
_INSERT = f"INSERT INTO item VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_LOOKUPS = (
    "CREATE INDEX IF NOT EXISTS item_event ON item (event_id) WHERE event_id IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS item_trace ON item (trace_id) WHERE trace_id IS NOT NULL",
)


class Index:
    """The index of the store in one folder. One thread at a time; several processes may have it open."""

    def __init__(self, folder: Path) -> None:
        """Open it, making it (again) where needed. Raises ``EvidenceError`` when there is no store.

        In a folder that may not be written to, the index is made in memory.
        """
        self._truth = schema.open_truth(folder)
        self._path = folder / schema.INDEX
        try:
            self._store_id = schema.meta(self._truth, "store_id")
            self.connection = self._open_or_make()
        except BaseException:
            self._truth.close()
            raise

    def advance(self, most: int = _CHUNK) -> int:
        """Digest at most ``most`` more requests; how many it were. 0: nothing was left to digest."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            digested, cursor = self.connection.execute("SELECT digested, cursor FROM state").fetchone()
            requests = schema.read_requests(self._truth, since=digested, most=most)
            rows: list[list[object]] = []
            for request in requests:
                for arrival in digest(
                    request, first_cursor=cursor + 1, first_of_its_id=self._first_of_its_id
                ):
                    rows.append(to_row(arrival))
                    cursor += 1
            if requests:
                self.connection.executemany(_INSERT, rows)
                self.connection.execute(
                    "UPDATE state SET digested = ?, cursor = ?", (requests[-1].seq, cursor)
                )
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        return len(requests)

    def catch_up(self) -> None:
        """Digest everything the truth holds now."""
        end = schema.last_seq(self._truth)
        while self.digested < end and self.advance():
            continue

    @property
    def digested(self) -> int:
        """Number of the last request that was digested."""
        return int(self.connection.execute("SELECT digested FROM state").fetchone()[0])

    @property
    def cursor(self) -> int:
        """Cursor of the last arrival."""
        return int(self.connection.execute("SELECT cursor FROM state").fetchone()[0])

    @property
    def truth(self) -> sqlite3.Connection:
        """The truth, for reading."""
        return self._truth

    def build_lookups(self) -> None:
        """Make event and trace ids quick to find. Done once, after loading: kept up while loading they cost
        ten times as much.
        """
        for statement in _LOOKUPS:
            self.connection.execute(statement)

    def close(self) -> None:
        """Close both files."""
        self.connection.close()
        self._truth.close()

    def _first_of_its_id(self, project: str, event_id: str) -> bool:
        cursor = self.connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (project, event_id))
        return cursor.rowcount == 1

    def _open_or_make(self) -> sqlite3.Connection:
        if not os.access(self._path.parent, os.W_OK):
            return self._open(":memory:")
        # One at a time: two that open it at once would take each other's beginnings for damage, and remove them.
        with _held(self._path.parent):
            try:
                return self._open(str(self._path))
            except sqlite3.DatabaseError as error:
                if is_busy(error):
                    raise
                # Damaged, or not an index at all: there is nothing in it that cannot be made again.
                self._remove()
                return self._open(str(self._path))

    def _open(self, path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA busy_timeout = {schema.BUSY_MS}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -8192")  # kibibytes
            connection.execute("BEGIN IMMEDIATE")
            if not self._fits(connection):
                for statement in (*_DROP, *_TABLES):
                    connection.execute(statement)
                connection.execute("INSERT INTO state VALUES (?, ?, 0, 0)", (self._store_id, INDEX_VERSION))
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _fits(self, connection: sqlite3.Connection) -> bool:
        """Whether what lies there is an index of this truth, made by this release."""
        tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'state'").fetchone()
        if not tables[0]:
            return False
        rows = connection.execute("SELECT * FROM state").fetchall()
        if len(rows) != 1 or len(rows[0]) != 4:
            return False
        store_id, version, digested, _ = rows[0]
        made_here = (store_id, version) == (self._store_id, INDEX_VERSION)
        return made_here and int(digested) <= schema.last_seq(self._truth)

    def _remove(self) -> None:
        try:
            for suffix in ("", "-wal", "-shm", "-journal"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        except OSError as error:
            raise EvidenceError(
                f"the damaged index cannot be removed: {error.strerror}",
                where=str(self._path),
                hint="delete it; it is made again from arrivals.sqlite",
            ) from error


def is_busy(error: sqlite3.DatabaseError) -> bool:
    """Whether somebody else held a lock for too long, and nothing else is wrong."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process alone; the kernel lets go of it with the process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Not by closing alone: where gevent has replaced os.close, as in Locust, that happens some time later.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
