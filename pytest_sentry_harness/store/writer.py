"""The one writer of a store: group commit, whenever the disk is free.

The event loop hands in requests and gets a future for each; a thread writes whatever has gathered
while the previous commit was under way, commits, and only then resolves the futures. So an answer
is given when, and only when, what it speaks of is durable.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from .. import clock
from ..errors import ServerError
from .rows import NewRequest, ProjectRow
from .schema import REQUEST_COLUMNS, REQUEST_WIDTH, create_truth, last_seq

_MOST_PER_COMMIT = 64
"""Requests in one commit, which is one statement: each statement passes the interpreter lock to and fro once,
and on a busy core every passing is a switch of threads.
"""

_Job = tuple["NewRequest | ProjectRow", "asyncio.Future[int]"]


@dataclass(slots=True)
class Progress:
    """How far the writer is. Written by its thread, read by anybody."""

    committed: int = 0
    """Number of the last durable request."""
    at: float = 0.0
    """Monotonic clock at the last commit."""


class Writer:
    """Writes to the truth of one store. Make it, ``submit`` from one event loop, ``close``."""

    def __init__(self, folder: Path, *, on_commit: Callable[[int], None] | None = None) -> None:
        """Open (or make) the store in ``folder``; ``on_commit`` is called in the writer's thread after
        each commit with the number of the last durable request.

        Raises ``EvidenceError`` when the folder holds a store that cannot be continued.
        """
        self.folder = folder
        self._connection = create_truth(folder)
        self.progress = Progress(committed=last_seq(self._connection))
        self._on_commit = on_commit
        self._gathered: list[_Job] = []
        self._batches: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, row: NewRequest | ProjectRow) -> asyncio.Future[int]:
        """Hand in a request (or a project, new or changed) from the running event loop.

        The future resolves once the commit holding the row is durable, to the number of the request (0
        for a project); with ``ServerError`` when it could not be written.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        if self._closed:
            future.set_exception(_closed(self.folder))
            return future
        if not self._gathered:
            # Handed over when the event loop has gone round once: what arrived together is committed
            # together, and a writer woken by the first request of many would commit that one alone.
            loop.call_soon(self._hand_over)
        self._gathered.append((row, future))
        return future

    def close(self) -> None:
        """Write what is waiting, commit, and close the file. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._hand_over()
        self._batches.put(None)
        self._thread.join()
        self._connection.close()

    def _hand_over(self) -> None:
        if self._gathered:
            self._batches.put(self._gathered)
            self._gathered = []

    def _run(self) -> None:
        jobs: list[_Job] = []
        open_ = True
        while open_:
            batch = self._batches.get()
            while batch is not None:
                jobs += batch
                if self._batches.empty():
                    break
                batch = self._batches.get()
            open_ = batch is not None
            while jobs:
                self._write(jobs[:_MOST_PER_COMMIT])
                del jobs[:_MOST_PER_COMMIT]

    def _write(self, batch: list[_Job]) -> None:
        first = self.progress.committed + 1
        requests = [row for row, _ in batch if isinstance(row, NewRequest)]
        try:
            for row, _ in batch:
                if isinstance(row, ProjectRow):
                    self._connection.execute(_PROJECT, msgspec.structs.astuple(row))
            if requests:
                self._connection.execute(_STATEMENTS[len(requests)], _values(first, requests))
        except sqlite3.Error as error:
            failure = ServerError(
                f"the store could not be written: {error}",
                where=str(self.folder),
                hint="see that the disk has room and that nothing else writes to this folder",
            )
            _settle(batch, [failure] * len(batch))
            return
        self.progress.committed = first + len(requests) - 1
        self.progress.at = clock.monotonic()
        _settle(batch, _numbers(first, batch))
        if self._on_commit is not None:
            self._on_commit(self.progress.committed)


def _values(first: int, rows: list[NewRequest]) -> list[Any]:
    """The values of all rows, one after the other, each with its number."""
    values: list[Any] = []
    for seq, row in enumerate(rows, first):
        values += msgspec.structs.astuple(row)
        values.append(seq)
    return values


def _numbers(first: int, batch: list[_Job]) -> list[int]:
    numbers = []
    for row, _ in batch:
        if isinstance(row, NewRequest):
            numbers.append(first)
            first += 1
        else:
            numbers.append(0)
    return numbers


def _settle(batch: list[_Job], results: Iterable[int | ServerError]) -> None:
    """Hand the results to the event loop the futures belong to, in one call."""
    loop = batch[0][1].get_loop()
    try:
        loop.call_soon_threadsafe(_resolve, [future for _, future in batch], list(results))
    except RuntimeError:
        # The loop was closed while this commit was under way: nobody waits for an answer any more,
        # and what was committed stays committed.
        if not loop.is_closed():
            raise


def _resolve(futures: list[asyncio.Future[int]], results: list[int | ServerError]) -> None:
    for future, result in zip(futures, results, strict=True):
        if future.done():  # the request was cancelled while it waited
            continue
        if isinstance(result, ServerError):
            future.set_exception(result)
        else:
            future.set_result(result)


def _closed(folder: Path) -> ServerError:
    return ServerError(
        "the store is closed: the server is stopping", where=str(folder), hint="send it again after a restart"
    )


def _statement(rows: int) -> str:
    places = f"({', '.join('?' * REQUEST_WIDTH)})"
    return f"INSERT INTO request ({REQUEST_COLUMNS}) VALUES {', '.join([places] * rows)}"  # noqa: S608


_PROJECT = "INSERT OR REPLACE INTO project VALUES (?, ?, ?, ?, ?)"
# In autocommit mode every statement is a transaction of its own, durable when it returns.
_STATEMENTS = {rows: _statement(rows) for rows in range(1, _MOST_PER_COMMIT + 1)}
