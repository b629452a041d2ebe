"""Follows a store that somebody else writes: what was accepted, in the order of its cursor, soon after it came."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from ..model.arrival import Arrival
from ..store.query import Filter
from ..store.reader import StoreReader

ITEM_TYPES = ("event", "transaction", "session", "sessions")
"""What rules look at."""
_PAGE = 256
"""Arrivals held at most; their payloads stay in the store until they are taken."""
_FEW = 16
"""Requests digested in a row: the first of them waits for the last."""
_WANTED = Filter(item_types=ITEM_TYPES, outcome="accepted")


class Follower:
    """Accepted items that rules look at. A look costs one or two short queries when nothing is new.

    It takes part in digesting the store, so that it waits for nobody who does; whoever is first does it.
    """

    def __init__(self, folder: Path) -> None:
        """Raises ``EvidenceError`` when there is no store in ``folder``."""
        self._store = StoreReader(folder)
        self._page: deque[Arrival] = deque()
        self._digested = 0
        self._read = 0
        self.followed = 0
        """Cursor of the last arrival that was taken, or passed over because no rule looks at its kind."""

    def look(self) -> Arrival | None:
        """The next arrival, which stays the next until it is taken; None: there is none yet."""
        if not self._page:
            if self._store.last_request > self._digested:
                self._store.advance(_FEW)
                self._digested = self._store.digested
            end = self._store.last_cursor
            if end > self._read:
                found = list(self._store.matching(_WANTED, since=self._read, limit=_PAGE))
                self._page.extend(found)
                # Less than a page: what comes after the last of them is of other kinds, up to ``end``.
                self._read = found[-1].cursor if len(found) == _PAGE else max(end, self._last(found))
            if not self._page:
                self.followed = self._read
        return self._page[0] if self._page else None

    def take(self) -> tuple[Arrival, bytes]:
        """The arrival that ``look`` told, and its payload."""
        arrival = self._page.popleft()
        self.followed = arrival.cursor if self._page else self._read
        return arrival, self._store.payload(arrival)

    def behind(self) -> int:
        """How many requests, or items of the last ones, are still to be looked at; 0: everything was."""
        waiting = self._store.last_request - self._digested
        return waiting + len(self._page) + (self._store.last_cursor - self._read)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    @staticmethod
    def _last(found: list[Arrival]) -> int:
        return found[-1].cursor if found else 0
