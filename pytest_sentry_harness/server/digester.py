"""Digesting beside ingest: when the server has nothing to receive, or when somebody waits for what arrived.

One thread owns the index: it digests and answers questions in turn, so that ingest has at most one other
thread to share the interpreter with, and none at all while requests pour in and nobody asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from .. import clock
from ..errors import ServerError
from ..model.arrival import Arrival
from ..store.query import Filter
from ..store.reader import StoreReader
from ..store.rows import StoredRequest
from ..store.writer import Progress
from .views import ArrivalPage, Count, RequestView, Stats

_TICK = 0.05
_IDLE = 0.05
"""Seconds without a commit after which the server counts as idle."""
_PATIENCE = 10.0
"""Seconds a question waits at most for the digest to catch up, besides what the caller grants."""
_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


class Digester:
    """Keeps the index of one store. ``committed`` is called by the writer, all else from the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-digest")
        self._loop = asyncio.get_running_loop()
        self._asked = asyncio.Event()
        self._moved = asyncio.Event()
        self._waiting = 0
        self._stopped = False
        self._digested = 0
        self._progress = Progress()
        self._reader: StoreReader | None = None
        self._failure: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, progress: Progress) -> None:
        """Begin to keep up with the writer whose ``progress`` this is."""
        self._progress = progress
        self._task = asyncio.create_task(self._keep_up())
        self._task.add_done_callback(self._ended)

    def committed(self, seq: int) -> None:
        """There is more to digest. From the writer's thread; costs nothing unless somebody waits."""
        if self._waiting and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._asked.set)

    def wake_waiters(self, *, for_good: bool = False) -> None:
        """Let waiting questions look again; ``for_good``: they answer with what there is."""
        self._stopped = self._stopped or for_good
        self._moved.set()
        self._moved = asyncio.Event()

    async def arrivals(
        self, wanted: Filter, *, since: int, limit: int, at_least: int, wait: float
    ) -> ArrivalPage:
        """Matching arrivals after ``since``; waits up to ``wait`` seconds until there are ``at_least``."""
        now = clock.monotonic()
        deadline = now + wait
        at_least = min(at_least, limit)
        self._waiting += 1
        try:
            await self._catch_up(max(now + _PATIENCE, deadline))
            found: list[Arrival] = []
            while True:
                moved = self._moved
                more, since = await self._run(self._page, wanted, since, limit - len(found))
                found += more
                if len(found) >= at_least or not await self._until(moved, deadline):
                    break
        finally:
            self._waiting -= 1
        return ArrivalPage(cursor=since, arrivals=tuple(found), behind=self._behind())

    async def request(self, seq: int) -> RequestView | None:
        """One request, None when it is not there."""
        return await self._run(self._request, seq)

    async def stats(self) -> Stats:
        """The whole store in numbers."""
        self._waiting += 1
        try:
            await self._catch_up(clock.monotonic() + _PATIENCE)
        finally:
            self._waiting -= 1
        counts, items = await self._run(self._counts)
        return Stats(
            requests=self._progress.committed,
            items=items,
            duplicates=sum(count.count for count in counts if count.outcome == "duplicate"),
            behind=self._behind(),
            counts=counts,
        )

    def close(self) -> None:
        """Stop digesting and close the index. From any thread, after the event loop has no more use for it."""
        self._stopped = True
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        if self._reader is not None:
            self._thread.submit(self._reader.close).result()
        self._thread.shutdown()

    async def _keep_up(self) -> None:
        """Digest whenever somebody waits or the server is idle."""
        while not self._stopped:
            idle = clock.monotonic() - self._progress.at > _IDLE
            if self._behind() and (self._waiting or idle):
                self._digested = await self._run(self._advance)
                self.wake_waiters()
            elif not await self._until(self._asked, clock.monotonic() + _TICK):
                continue
            self._asked.clear()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            return
        self._failure = task.exception()
        _LOG.error("the digest failed", exc_info=self._failure)
        self.wake_waiters(for_good=True)

    async def _catch_up(self, deadline: float) -> None:
        """Wait until everything acknowledged so far is digested."""
        target = self._progress.committed
        self._asked.set()
        while self._digested < target:
            if not await self._until(self._moved, deadline):
                break
        if self._failure is not None:
            raise ServerError(
                f"what arrived cannot be digested: {self._failure!r}",
                where=str(self._folder),
                hint="the requests themselves are safe in arrivals.sqlite; the server's log has the traceback",
            ) from self._failure

    async def _until(self, event: asyncio.Event, deadline: float) -> bool:
        """Wait for ``event``; False when the time was over first, or the server stops."""
        if self._stopped:
            return False
        try:
            async with asyncio.timeout(max(deadline - clock.monotonic(), 0)):
                await event.wait()
        except TimeoutError:
            return False
        return not self._stopped

    def _behind(self) -> int:
        return max(self._progress.committed - self._digested, 0)

    async def _run(self, function: Callable[..., _T], *arguments: object) -> _T:
        return await self._loop.run_in_executor(self._thread, function, *arguments)

    # What follows runs in the one thread that owns the reader.

    def _open(self) -> StoreReader:
        if self._reader is None:
            self._reader = StoreReader(self._folder)
        return self._reader

    def _advance(self) -> int:
        reader = self._open()
        reader.advance()
        return reader.digested

    def _page(self, wanted: Filter, since: int, limit: int) -> tuple[list[Arrival], int]:
        reader = self._open()
        end = reader.last_cursor
        found = list(reader.matching(wanted, since=since, limit=limit))
        looked_at = found[-1].cursor if len(found) == limit else max(end, since)
        return found, looked_at

    def _request(self, seq: int) -> RequestView | None:
        reader = self._open()
        return _view(reader.request(seq)) if 0 < seq <= reader.last_request else None

    def _counts(self) -> tuple[tuple[Count, ...], int]:
        tallies = self._open().tallies()
        counts = tuple(
            Count(
                project=tally.project,
                outcome=tally.outcome,
                reason=tally.reason,
                item_type=tally.item_type,
                status=tally.status,
                count=tally.count,
            )
            for tally in tallies
        )
        return counts, sum(tally.count for tally in tallies)


def _view(row: StoredRequest) -> RequestView:
    return RequestView(
        seq=row.seq,
        received_at=row.received_at,
        received_mono=row.received_mono,
        project=row.project,
        key=row.key,
        method=row.method,
        path=row.path,
        query=row.query,
        route=row.route,
        headers=msgspec.json.decode(row.headers, type=tuple[tuple[str, str], ...]),
        encoding=row.encoding,
        length=row.length,
        truncated=row.truncated,
        status=row.status,
        outcome=row.outcome,
        reason=row.reason,
        event_id=row.event_id,
        answer_headers=msgspec.json.decode(row.answer_headers, type=dict[str, str]),
        answer=row.answer,
        body=row.body,
    )
