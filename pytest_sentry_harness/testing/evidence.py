"""What ledger and store say of one plan, read as it comes: what earlier plans left behind is not read again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .. import clock
from ..ledger.journal import SUFFIX
from ..ledger.reader import decode_line
from ..model.ledger import (
    Goodbye,
    Hello,
    PointState,
    Record,
    SdkInit,
    SdkPending,
)
from ..server.client import ServerClient
from .window import Window

_PAGE = 1000
_STANDING = (Hello, SdkInit)
"""What is said once of a process and holds for all plans; the last of each kind."""


@dataclass(slots=True)
class JournalTail:
    """One journal: what is new in it, and what is known of its process."""

    path: Path
    file: IO[bytes]
    standing: dict[type[Record], Record] = field(default_factory=dict)
    window: list[Record] = field(default_factory=list)
    """Its records since the plan began."""
    rest: bytes = b""
    closed: bool = False

    @property
    def role(self) -> str:
        """Who writes it."""
        hello = self.standing.get(Hello)
        return hello.role if isinstance(hello, Hello) else ""

    @property
    def pid(self) -> int:
        """Process id of the writer; 0 when it has not said hello yet."""
        hello = self.standing.get(Hello)
        return hello.pid if isinstance(hello, Hello) else 0

    def read(self) -> list[Record]:
        """The records that are new. Half a line is left for the next time."""
        lines = (self.rest + self.file.read()).split(b"\n")
        self.rest = lines.pop()
        records = [decode_line(line) for line in lines]
        for record in records:
            self.closed = self.closed or isinstance(record, Goodbye)
            if isinstance(record, _STANDING):
                self.standing[type(record)] = record
        self.window += records
        return records

    def told(self, *, alive: bool) -> Iterator[Record]:
        """The process' part of the plan's ledger."""
        for kind in _STANDING:
            if kind in self.standing:
                yield self.standing[kind]
        yield from (record for record in self.window if not isinstance(record, _STANDING))
        if alive and not self.closed:
            # A process without goodbye counts as killed, and what it had queued as lost with it. This one lives.
            at, mono = clock.wall(), clock.monotonic()
            yield SdkPending(at=at, mono=mono, queued=0)
            yield Goodbye(at=at, mono=mono, reason="it lives on")


class Tails:
    """The journals of a run and the server's arrivals, read on from where they were left."""

    def __init__(self, ledger: Path, client: ServerClient) -> None:
        self._ledger = ledger
        self._client = client
        self._tails: dict[str, JournalTail] = {}
        self._known: set[str] = set()
        self._cursor = 0
        self.window = Window()
        self.points: dict[str, PointState] = {}
        """The last word on each fault's point, by fault name."""

    def begin(self) -> Window:
        """A new plan begins: what came in since the last one belongs to no plan. Gives what that was."""
        self.read()
        left = self.end()
        for name, tail in list(self._tails.items()):
            if tail.closed or (tail.role == "target" and not process_lives(tail.pid)):
                tail.file.close()
                del self._tails[name]
        return left

    def end(self) -> Window:
        """The plan is over: what comes from now on is not its own. Gives what was."""
        left, self.window = self.window, Window()
        for tail in self._tails.values():
            tail.window.clear()
        return left

    def read(self, wait: float = 0.0) -> bool:
        """Take in what is new; wait so many seconds for something to arrive. True when there was anything about the plan."""
        seen = self._read_arrivals(wait)
        # The journals last: what was written before an arrival is then known with it.
        self._find_journals()
        # And the load's before the target's: what was asked for is then known when it fires.
        for _, tail in sorted(self._tails.items(), key=lambda named: not named[0].startswith("load-")):
            for record in tail.read():
                self.window.see(record)
                seen = seen or self.window.concerned_by(record)
                if isinstance(record, PointState):
                    self._see_point(record)
        return seen

    def records(self, *, alive: bool) -> Iterator[Record]:
        """The plan's ledger, process by process. ``alive``: the target still runs."""
        for tail in self._tails.values():
            if tail.window or tail.role == "target":
                lives = tail.role != "target" or (alive and process_lives(tail.pid))
                yield from (record for record in tail.told(alive=lives) if self.window.belongs(record))

    def close(self) -> None:
        """Close the files."""
        for tail in self._tails.values():
            tail.file.close()
        self._tails.clear()

    def _see_point(self, state: PointState) -> None:
        # A point that is armed in one process need not be known in the others.
        known = self.points.get(state.fault)
        if known is None or known.state != "armed":
            self.points[state.fault] = state

    def _read_arrivals(self, wait: float) -> bool:
        seen = False
        while True:
            page = self._client.arrivals(since=self._cursor, wait=wait, limit=_PAGE)
            self._cursor = page.cursor
            for arrival in page.arrivals:
                seen = True
                self.window.arrivals.append(arrival)
                if arrival.item_type == "event" and arrival.event_id is not None:
                    self.window.gone.add(arrival.event_id)
            if len(page.arrivals) < _PAGE:
                return seen

    def _find_journals(self) -> None:
        for name in os.listdir(self._ledger):
            if name.endswith(SUFFIX) and name not in self._known:
                self._known.add(name)
                path = self._ledger / name
                self._tails[name] = JournalTail(path, path.open("rb"))


def process_lives(pid: int) -> bool:
    """Whether there is a process ``pid``; one that has ended and was not waited for still counts."""
    if pid <= 0:
        return True  # its journal is just being opened
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
