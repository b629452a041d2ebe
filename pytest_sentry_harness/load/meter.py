"""Counts how long requests take, and keeps no more than counts. May be used by several threads."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from .histogram import Histogram

_MOST_NAMES = 500
OTHERS = "(others)"
"""Counts for the requests of all further names, when there are too many: an id in each path, say."""


@dataclass(slots=True)
class Timer:
    """Requests of one name."""

    failed: int = 0
    plain: int = 0
    plain_failed: int = 0
    service: Histogram = field(default_factory=Histogram)
    latency: Histogram = field(default_factory=Histogram)


class Meter:
    """What was sent by this process, and how long it took."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timers: dict[str, Timer] = {}
        self._names: set[str] = set()
        self._sent = 0
        self._under_way = self._most = 0

    def begun(self) -> None:
        """A request is sent."""
        with self._lock:
            self._sent += 1
            self._under_way += 1
            self._most = max(self._most, self._under_way)

    def ended(
        self,
        request: str,
        service: float,
        latency: float | None,
        *,
        failed: bool,
        plain_failed: bool | None = None,
    ) -> None:
        """It is over, after ``service`` seconds; ``latency``: since it was due, in an open load.

        ``plain_failed``: whether the target failed a request that carried no fault; None for one that says nothing of it.
        """
        with self._lock:
            self._under_way -= 1
            timer = self._timers.get(request) or self._new(request)
            timer.failed += failed
            timer.plain += plain_failed is not None
            timer.plain_failed += bool(plain_failed)
            timer.service.add(service)
            if latency is not None:
                timer.latency.add(latency)

    def sent_since(self) -> tuple[int, int]:
        """Since the last call: how many were sent, and how many were under way at once at most."""
        with self._lock:
            sent, self._sent = self._sent, 0
            most, self._most = self._most, self._under_way
        return sent, most

    def taken(self) -> dict[str, Timer]:
        """What ended since the last call, by name."""
        with self._lock:
            timers, self._timers = self._timers, {}
        return timers

    def _new(self, request: str) -> Timer:
        if request not in self._names and len(self._names) >= _MOST_NAMES:
            request = OTHERS
        self._names.add(request)
        return self._timers.setdefault(request, Timer())
