"""Counting in windows that slide: how many, and how many different ones."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque

_LEAST_COMPACTED = 64


class TimeLine:
    """Times of events, for counts in any window of the last ``keep`` seconds.

    8 bytes an event; adding is O(1) (amortised), counting O(log n). Times come in order; one that is late is put
    where it belongs, in O(n).
    """

    __slots__ = ("_first", "_times", "keep")

    def __init__(self, keep: float) -> None:
        self.keep = keep
        self._times: array[float] = array("d")
        self._first = 0

    def add(self, at: float) -> None:
        """An event at ``at``; what is older than ``keep`` is forgotten."""
        times = self._times
        if not times or at >= times[-1]:
            times.append(at)
        else:
            times.insert(bisect_right(times, at, self._first), at)
        past = times[-1] - self.keep
        while times[self._first] <= past:
            self._first += 1
        if self._first > _LEAST_COMPACTED and self._first * 2 > len(times):
            del times[: self._first]
            self._first = 0

    def count(self, after: float, until: float) -> int:
        """Events in (after, until]."""
        if not self._times or self._times[-1] <= after:
            return 0
        low = bisect_right(self._times, after, self._first)
        return bisect_right(self._times, until, low) - low

    @property
    def last(self) -> float:
        """The newest time; minus infinity without any."""
        return self._times[-1] if self._times else float("-inf")


class Distinct:
    """Different values in the window (now - back - interval, now - back], for a ``now`` that never goes back.

    Adding and counting are O(1), amortised: each event enters the window once and leaves it once.
    """

    __slots__ = ("_back", "_coming", "_counts", "_inside", "_interval")

    def __init__(self, interval: float, back: float = 0.0) -> None:
        self._interval, self._back = interval, back
        self._coming: deque[tuple[float, str]] = deque()
        self._inside: deque[tuple[float, str]] = deque()
        self._counts: dict[str, int] = {}

    def add(self, at: float, value: str) -> None:
        """``value`` was seen at ``at``, which is not before any ``now`` asked about."""
        self._coming.append((at, value))
        self.count(at)

    def count(self, now: float) -> int:
        """How many different values the window holds."""
        until = now - self._back
        while self._coming and self._coming[0][0] <= until:
            entry = self._coming.popleft()
            self._inside.append(entry)
            self._counts[entry[1]] = self._counts.get(entry[1], 0) + 1
        after = until - self._interval
        while self._inside and self._inside[0][0] <= after:
            value = self._inside.popleft()[1]
            if self._counts[value] == 1:
                del self._counts[value]
            else:
                self._counts[value] -= 1
        return len(self._counts)

    @property
    def empty(self) -> bool:
        """Whether nothing is left that could ever be counted."""
        return not self._coming and not self._inside


class Weights:
    """Numbers at times, such as sessions of a minute, for sums in any window of the last ``keep`` seconds."""

    __slots__ = ("_keep", "_sums", "_times", "_total")

    def __init__(self, keep: float) -> None:
        self._keep, self._total = keep, 0.0
        self._times: array[float] = array("d")
        self._sums: array[float] = array("d")

    def add(self, at: float, weight: float) -> None:
        """``weight`` more at ``at``; what comes late counts as of the newest time."""
        at = max(at, self._times[-1]) if self._times else at
        self._total += weight
        self._times.append(at)
        self._sums.append(self._total)
        old = bisect_right(self._times, at - self._keep)
        if old > _LEAST_COMPACTED and old * 2 > len(self._times):
            # One entry stays: its sum is what came before the window.
            del self._times[: old - 1], self._sums[: old - 1]

    def sum(self, after: float, until: float) -> float:
        """The sum in (after, until]."""
        low, high = bisect_right(self._times, after), bisect_right(self._times, until)
        return (self._sums[high - 1] if high else 0.0) - (self._sums[low - 1] if low else 0.0)
