"""Traces and the times in them, in columns: there may be millions, and an object for each takes ten times the memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from math import nan

_NONE = -1


# What was seen of a trace.
SENT = 1
"""The load asked for it."""
WANTED = 2
"""It reached a measured operation."""
ARRIVED = 4
"""A transaction of it was accepted."""
FULL = 8
"""One of them holds as many spans as the SDK keeps."""


class Traces:
    """Every trace of the ledger, by number: its id, its ``sample_rand`` and what was seen of it."""

    def __init__(self) -> None:
        self.ids: list[str | None] = []
        self.rands = array("d")
        """NaN where it is not known: no comparison with a rate holds."""
        self.seen = bytearray()
        """Of each the sum of ``SENT`` and so on."""
        self._numbers: dict[str | None, int] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def number(self, trace_id: str | None) -> int:
        """The number of ``trace_id``, from now on; None stands for what ran outside of requests."""
        number = self._numbers.setdefault(trace_id, len(self.ids))
        if number == len(self.ids):
            self.ids.append(trace_id)
            self.rands.append(nan)
            self.seen.append(0)
        return number

    def find(self, trace_id: str | None) -> int | None:
        """The number of ``trace_id``; None when the ledger knows no such trace."""
        return self._numbers.get(trace_id)


class Times:
    """Spans of time, each of one trace: ``label`` tells what it is of, ``start`` and ``seconds`` are its times.

    The rows of one trace are linked with each other, in the order they were added.
    """

    def __init__(self) -> None:
        self.traces = array("i")
        """The number of the trace of each row."""
        self.labels = array("i")
        self.starts = array("d")
        self.seconds = array("d")
        self._next = array("i")
        self._first = array("i")
        self._last = array("i")

    def __len__(self) -> int:
        return len(self.traces)

    def add(self, trace: int, label: int, start: float, seconds: float) -> None:
        """Add a row."""
        row = len(self.traces)
        self.traces.append(trace)
        self.labels.append(label)
        self.starts.append(start)
        self.seconds.append(seconds)
        self._next.append(_NONE)
        if trace >= len(self._first):
            more = array("i", [_NONE]) * (trace + 1 - len(self._first))
            self._first += more
            self._last += more
        if self._first[trace] == _NONE:
            self._first[trace] = row
        else:
            self._next[self._last[trace]] = row
        self._last[trace] = row

    def of(self, trace: int) -> Iterator[int]:
        """The rows of ``trace``."""
        return self.since(self._first[trace] if trace < len(self._first) else _NONE)

    def since(self, row: int) -> Iterator[int]:
        """``row``, and those of the same trace that were added after it."""
        while row != _NONE:
            yield row
            row = self._next[row]
