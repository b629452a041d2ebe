"""The two SQLite files of a store: the truth, and an index that can be made anew from it.

``arrivals.sqlite`` is the truth: every request with its raw body and the answer it got. It is in
write-ahead mode with ``synchronous=FULL``, so a committed row survives a kill and a power cut.
``index.sqlite`` is derived and unsynchronised: whatever happens to it, it is made again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import uuid
from pathlib import Path

import msgspec

from .. import __version__, clock
from ..errors import EvidenceError
from .rows import ProjectRow, StoredRequest

TRUTH = "arrivals.sqlite"
INDEX = "index.sqlite"
TRUTH_VERSION = 1
BUSY_MS = 30_000
"""How long a connection waits for another one's lock."""
_CHUNK_BYTES = 16 << 20

_TRUTH_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS project (
    project_id TEXT PRIMARY KEY, name TEXT NOT NULL, public_key TEXT NOT NULL UNIQUE,
    enabled INTEGER NOT NULL, key_enabled INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS request (
    seq INTEGER PRIMARY KEY,
    received_at REAL NOT NULL, received_mono REAL NOT NULL,
    project TEXT NOT NULL, key TEXT NOT NULL,
    method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL, route TEXT NOT NULL,
    headers TEXT NOT NULL, encoding TEXT NOT NULL, length INTEGER NOT NULL,
    status INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL, event_id TEXT,
    answer_headers TEXT NOT NULL, answer BLOB NOT NULL,
    body BLOB NOT NULL
);
"""

# ``seq`` is last in the struct (it extends the new request) and first in the table.
COLUMNS = msgspec.structs.fields(StoredRequest)
REQUEST_COLUMNS = ", ".join(column.name for column in COLUMNS)
"""Columns of ``request`` in the order of the fields of :class:`StoredRequest`."""
REQUEST_WIDTH = len(COLUMNS)


def create_truth(folder: Path) -> sqlite3.Connection:
    """Open the truth for writing, making it first where there is none. For the one writer of a store."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / TRUTH, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        # Two pages hold a usual envelope; a checkpoint every 4 MB, as with the default of 1000 smaller pages.
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 500")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_TRUTH_TABLES)
        born = (
            ("version", str(TRUTH_VERSION)),
            ("store_id", uuid.uuid4().hex),
            ("harness", __version__),
            ("created_at", repr(clock.wall())),
        )
        connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", born)
        check_version(connection, folder)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _unreadable(folder, error) from error
    except EvidenceError:
        connection.close()
        raise
    return connection


def open_truth(folder: Path) -> sqlite3.Connection:
    """Open the truth for reading. Raises ``EvidenceError`` when there is none or it cannot be read.

    Works while a server writes, after a kill (the write-ahead log is read), and on a read-only copy.
    """
    path = folder / TRUTH
    if not path.is_file():
        raise EvidenceError(
            f"there is no store here: {TRUTH} is missing",
            where=str(folder),
            hint="give the folder a server was started on; a run keeps it in its folder as 'store'",
        )
    writable = os.access(path, os.W_OK) and os.access(folder, os.W_OK)
    log = path.with_name(path.name + "-wal")
    # Without write permission SQLite cannot make its shared-memory file; with no log there is nothing
    # beyond the main file either, and it may be read as it lies there.
    mode = "mode=rw" if writable else ("mode=ro" if log.exists() else "mode=ro&immutable=1")
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?{mode}", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlite3.DatabaseError as error:
        raise _unreadable(folder, error) from error
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA query_only = ON")
        check_version(connection, folder)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _unreadable(folder, error) from error
    return connection


def check_version(connection: sqlite3.Connection, folder: Path) -> None:
    """Raise ``EvidenceError`` when the truth was written in a format this release does not know."""
    found = meta(connection, "version")
    if found != str(TRUTH_VERSION):
        connection.close()
        raise EvidenceError(
            f"the store has format {found or 'unknown'}, this release reads format {TRUTH_VERSION}",
            where=str(folder / TRUTH),
            hint="read it with the release that wrote it, or start the server on an empty folder",
        )


def meta(connection: sqlite3.Connection, name: str) -> str:
    """A value of the ``meta`` table; empty when there is none."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else ""


def last_seq(connection: sqlite3.Connection) -> int:
    """Number of the last request of the truth; 0 when it is empty."""
    row = connection.execute("SELECT max(seq) FROM request").fetchone()
    return int(row[0] or 0)


def read_requests(
    connection: sqlite3.Connection, *, since: int, most: int, most_bytes: int = _CHUNK_BYTES
) -> list[StoredRequest]:
    """The next requests after number ``since``: at most ``most``, and about ``most_bytes`` of bodies.

    Read at once and closed, so that no read transaction stays open and keeps the log from being checkpointed.
    """
    cursor = connection.execute(
        f"SELECT {REQUEST_COLUMNS} FROM request WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
        (since, most),
    )
    found: list[StoredRequest] = []
    size = 0
    with contextlib.closing(cursor):
        for row in cursor:
            request = StoredRequest(*row)
            found.append(request)
            size += len(request.body)
            if size >= most_bytes:
                break
    return found


def read_request(connection: sqlite3.Connection, seq: int) -> StoredRequest | None:
    """One request by its number; None when there is none."""
    found = read_requests(connection, since=seq - 1, most=1)
    return found[0] if found and found[0].seq == seq else None


def read_projects(connection: sqlite3.Connection) -> list[ProjectRow]:
    """All projects, in the order they were made."""
    rows = connection.execute(
        "SELECT project_id, name, public_key, enabled, key_enabled FROM project"
        " ORDER BY CAST(project_id AS INTEGER)"
    ).fetchall()
    return [ProjectRow(row[0], row[1], row[2], bool(row[3]), bool(row[4])) for row in rows]


def _unreadable(folder: Path, error: sqlite3.DatabaseError) -> EvidenceError:
    return EvidenceError(
        f"the store cannot be read: {error}",
        where=str(folder / TRUTH),
        hint="copy arrivals.sqlite together with arrivals.sqlite-wal; if it still fails the file is damaged",
    )
