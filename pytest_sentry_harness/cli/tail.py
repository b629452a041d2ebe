"""Follows store and journals while a command runs, and keeps the account."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import clock
from ..doctor.inside.notebook import SUFFIX as NOTES
from ..doctor.observation import Observation
from ..errors import ServerError
from ..ledger.journal import SUFFIX as JOURNAL
from ..ledger.reader import decode_line
from ..model.arrival import Arrival
from ..model.ledger import Goodbye, Hello, Record, SdkDiscarded, SdkDropped, SdkInit, SdkPending
from .news import News, of_arrival, of_note, of_record

_WAIT = 0.3
"""Seconds the server holds a question for arrivals; also how often the journals are looked at."""


@dataclass(slots=True)
class Watched:
    """One process, by its journal."""

    pid: int = 0
    initialised: bool = False
    queued: int = 0
    closed: bool = False


@dataclass(slots=True)
class Account:
    """What came, and what did not."""

    arrived: Counter[str] = field(default_factory=Counter)
    """Accepted items by type."""
    refused: Counter[str] = field(default_factory=Counter)
    """``type: status reason`` of items that were not accepted."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Events by who dropped them."""
    discarded: Counter[str] = field(default_factory=Counter)
    """``category (reason)`` that a transport counted as lost."""
    reported: Counter[str] = field(default_factory=Counter)
    """The same, as told by client reports."""
    processes: dict[Path, Watched] = field(default_factory=dict)

    def see_arrival(self, arrival: Arrival) -> None:
        """Count one arrival."""
        if arrival.outcome == "accepted":
            self.arrived[arrival.item_type] += 1
        else:
            name = arrival.item_type or "request"
            self.refused[f"{name}: {arrival.outcome}, {arrival.status} {arrival.reason}".rstrip()] += 1
        for each in arrival.discarded:
            self.reported[f"{each.category} ({each.reason})"] += each.quantity

    def see_record(self, path: Path, record: Record) -> int:
        """Count one record of the journal ``path``; the pid it is from."""
        process = self.processes.setdefault(path, Watched())
        if isinstance(record, Hello):
            process.pid = record.pid
        elif isinstance(record, SdkInit):
            process.initialised = True
        elif isinstance(record, SdkPending):
            process.queued = record.queued
        elif isinstance(record, Goodbye):
            process.closed = True
        elif isinstance(record, SdkDropped):
            self.dropped[f"{record.culprit or record.stage} ({record.reason})"] += 1
        elif isinstance(record, SdkDiscarded):
            self.discarded[f"{record.category} ({record.reason})"] += record.quantity
        return process.pid


class Tail:
    """A thread that gives each piece of news to ``show`` until the ``with`` block ends."""

    def __init__(self, observation: Observation, show: Callable[[News], None]) -> None:
        self.account = Account()
        self.trouble: str | None = None
        """Why the tail ended early."""
        self._observation = observation
        self._show = show
        self._cursor = 0
        self._read: dict[Path, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="sentry-harness-tail", daemon=True)
        self._wall_offset = clock.wall() - clock.monotonic()

    def __enter__(self) -> Tail:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        try:
            while not self._stop.is_set():
                self._look(_WAIT)
            # What was acknowledged before the command ended is in this answer.
            while self._look(0.0):
                pass
        except (ServerError, OSError) as error:  # the server is gone, or whoever read the stream
            self.trouble = str(error)

    def _look(self, wait: float) -> bool:
        """Show what is new; True when there may be more."""
        page = self._observation.client.arrivals(since=self._cursor, wait=wait, limit=500)
        self._cursor = max(self._cursor, page.cursor)
        news = [of_arrival(arrival) for arrival in page.arrivals]
        for arrival in page.arrivals:
            self.account.see_arrival(arrival)
        news += self._records()
        for each in sorted(news, key=lambda entry: entry.at):
            self._show(each)
        return len(page.arrivals) == 500 or page.behind > 0

    def _records(self) -> Iterator[News]:
        for path, line in self._new_lines(self._observation.ledger, JOURNAL):
            record = decode_line(line)
            pid = self.account.see_record(path, record)
            news = of_record(record, pid)
            if news is not None:
                yield news
        for _, line in self._new_lines(self._observation.notes, NOTES):
            note: dict[str, Any] = json.loads(line)
            shown = of_note(note, self._wall_offset)
            if shown is not None:
                yield shown

    def _new_lines(self, folder: Path, suffix: str) -> Iterator[tuple[Path, bytes]]:
        """Whole lines written since the last look."""
        for path in sorted(folder.glob(f"*{suffix}")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(whole)
            for line in whole.splitlines():
                yield path, line
