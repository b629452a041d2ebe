"""Watch a run while it goes on: from what ledger and store have gained since the last look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from .. import clock
from ..errors import EvidenceError, ServerError
from ..ledger.follow import Follower
from ..ledger.reader import decode_line
from ..model.arrival import Arrival
from ..model.live import Live
from ..model.scenario import Expect
from ..reconcile.live import WATCHED, LiveAccount
from ..server.client import ServerClient
from ..store.reader import open_store

_PAGE = 1000
_PAGES = 5
"""What comes in faster than so many pages a look is shown later."""
_FRESH = 1.0
"""Seconds for which a look is good enough."""
_BREATH = 200
"""Lines after which others have their turn: in Locust's process, users share this very thread."""
_HEADS = tuple(f'["{kind.KIND}",'.encode() for kind in WATCHED)

Look = Callable[[], Live]


class Source(Protocol):
    """Where arrivals come from."""

    def __call__(self, since: int, limit: int, /) -> tuple[int, tuple[Arrival, ...]]:
        """At most ``limit`` events after cursor ``since``, and the cursor to read on from."""


def of_server(client: ServerClient) -> Source:
    """The arrivals of a run whose server can be asked."""

    def arrivals(since: int, limit: int) -> tuple[int, tuple[Arrival, ...]]:
        page = client.arrivals(since=since, item_type="event", limit=limit)
        return page.cursor, page.arrivals

    return arrivals


def of_store(folder: Path) -> Source:
    """The arrivals of a run that somebody else leads, from its store in ``folder``."""

    def arrivals(since: int, limit: int) -> tuple[int, tuple[Arrival, ...]]:
        with open_store(folder) as store:
            found = tuple(store.arrivals(since=since, item_type="event", limit=limit))
            return (found[-1].cursor if len(found) == limit else max(store.last_cursor, since)), found

    return arrivals


class LiveView:
    """One run, as it stands. ``look`` may be called from any thread, and as often as one likes."""

    def __init__(self, ledger: Path, source: Source, expectations: Mapping[str, Expect]) -> None:
        self._journals = Follower(ledger)
        self._source = source
        self._account = LiveAccount(expectations, clock.monotonic())
        self._cursor = 0
        self._unreadable = 0
        self._lock = threading.Lock()
        self._looked_at = -_FRESH
        self._latest = Live(seconds=0.0)

    def look(self) -> Live:
        """The run as it stands now, or did within the last second."""
        with self._lock:
            if clock.monotonic() >= self._looked_at + _FRESH:
                self._latest = self._take_in()
                self._looked_at = clock.monotonic()
            return self._latest

    def _take_in(self) -> Live:
        # Journals last: the ledger then has spoken of every event that arrived.
        behind = self._read_arrivals()
        now = clock.monotonic()
        records = []
        for number, line in enumerate(self._journals.lines()):
            if number % _BREATH == 0:
                time.sleep(0)
            if line.startswith(_HEADS):
                try:
                    records.append(decode_line(line))
                except msgspec.DecodeError:
                    self._unreadable += 1
        for number, record in enumerate(sorted(records, key=lambda each: each.mono)):
            if number % _BREATH == 0:
                time.sleep(0)
            self._account.see(record, now)
        return self._account.now(now, behind=behind or self._journals.behind, unreadable=self._unreadable)

    def _read_arrivals(self) -> bool:
        """Whether some were left for the next time."""
        try:
            for _ in range(_PAGES):
                self._cursor, arrivals = self._source(self._cursor, _PAGE)
                for arrival in arrivals:
                    self._account.arrived(arrival)
                if len(arrivals) < _PAGE:
                    return False
        except (ServerError, EvidenceError):
            # Whoever leads the run notices as well, and says what it means.
            self._unreadable += 1
        return True
