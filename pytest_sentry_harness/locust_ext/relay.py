"""Sends a worker's journal to the master, line by line, until the master has all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from .. import clock
from ..errors import LoadError
from .messages import MOST_BATCH

_AGAIN = 2.0
"""Seconds without an answer after which a batch is sent again."""
_SIGN_OF_LIFE = 1.0


class Send(Protocol):
    """Sends one report to the master."""

    def __call__(self, report: dict[str, Any], /) -> None:
        """May lose it."""


class Relay:
    """Follows one journal. One batch is on its way at a time; ``tick`` sends what is due."""

    def __init__(self, send: Send) -> None:
        """Nothing but signs of life is sent before there is a journal to ``follow``."""
        self._send = send
        self._path: Path | None = None
        self._offset = 0
        self._seq = 0
        self._batch = b""
        self._sent_at = self._last_at = -_AGAIN
        self._ending = False
        self.heard_at = clock.monotonic()
        """When the master was last heard of."""
        self.finished = False
        """The master has everything, the end included."""
        self.refused = ""
        """Why the master takes no more."""

    def follow(self, path: Path) -> None:
        """Send what is and will be in ``path``."""
        self._path = path

    def end(self) -> None:
        """Nothing more will be written: send the rest, and say so."""
        self._ending = True

    @property
    def done(self) -> bool:
        """There is nothing more to send."""
        return self.finished or bool(self.refused)

    def tick(self) -> None:
        """Send what is due: the next batch, the last one again, or a sign of life."""
        now = clock.monotonic()
        if self.done:
            return
        last = False
        if self._batch:
            due = now >= self._sent_at + _AGAIN
        elif batch := self._next_batch():
            self._batch, due = batch, True
            self._seq += 1
        elif self._ending:
            last, due = True, now >= self._last_at + _AGAIN
            self._last_at = now if due else self._last_at
        else:
            due = now >= self._sent_at + _SIGN_OF_LIFE
        if due:
            self._sent_at = now
            self._send({"seq": self._seq, "lines": self._batch, "last": last})

    def taken(self, answer: dict[str, Any]) -> None:
        """The master has taken, or refused, what was sent."""
        self.heard_at = clock.monotonic()
        self.refused = str(answer.get("refused", ""))
        if self._batch and answer.get("seq") == self._seq:
            self._offset += len(self._batch)
            self._batch = b""
            self.tick()
        elif answer.get("last"):
            self.finished = True

    def _next_batch(self) -> bytes:
        """The next whole lines, as many as fit."""
        if self._path is None:
            return b""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(MOST_BATCH)
        whole = data[: data.rfind(b"\n") + 1]
        if not whole and len(data) == MOST_BATCH:
            raise LoadError(
                f"a line of more than {MOST_BATCH} bytes cannot be sent to the master",
                where=f"{self._path} at byte {self._offset}",
                hint="give the request a shorter name",
            )
        return whole
