"""The present request, and which faults it shall meet: a context variable holding a mutable selection."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Iterable
from dataclasses import replace

from ..protocol.fault_header import Selected

_MOST_REMEMBERED = 100_000


class MetFaults:
    """Remembers which selections were met: a header may come twice, as clients follow redirects with it."""

    def __init__(self, most: int = _MOST_REMEMBERED) -> None:
        self._most = most
        self._ids: dict[str, None] = {}
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def first(self, fault_id: str) -> bool:
        """Whether ``fault_id`` is met for the first time; it counts as met from now on."""
        if self._pid != os.getpid():
            self._lock = threading.Lock()  # a thread of the parent may have held the old one at the fork
            self._pid = os.getpid()
        with self._lock:
            if fault_id in self._ids:
                return False
            self._ids[fault_id] = None
            if len(self._ids) > self._most:
                del self._ids[next(iter(self._ids))]
            return True


class RequestFaults:
    """The faults chosen for one request. Each is met once, at the first reach of its point.

    ``met``: the selections that were met already, by whatever request. A child forked during the request meets
    what is left under ids of its own (``<id>+p<pid>``). ``trace_id``: its trace, as the load asked for it.
    """

    __slots__ = ("_lock", "_met", "_pid", "_waiting", "carries", "trace_id")

    def __init__(
        self, faults: Iterable[Selected], trace_id: str | None = None, met: MetFaults | None = None
    ) -> None:
        self.trace_id = trace_id
        self._met = met
        self._pid = os.getpid()
        self._waiting: dict[str, list[Selected]] = {}
        for selected in faults:
            self._waiting.setdefault(selected.fault, []).append(selected)
        self.carries = bool(self._waiting)
        """It came with faults; else only its trace is remembered, for the operations that are measured."""
        self._lock = threading.Lock()

    def take(self, fault: str) -> Selected | None:
        """The next selection of ``fault`` that has not been met; it counts as met from now on."""
        if self._pid != os.getpid():
            self._after_fork()
        with self._lock:
            waiting = self._waiting.get(fault)
            while waiting:
                selected = waiting.pop(0)
                if self._met is None or self._met.first(selected.fault_id):
                    return selected
            return None

    def left(self) -> tuple[Selected, ...]:
        """The selections that have not been met."""
        if self._pid != os.getpid():
            self._after_fork()
        with self._lock:
            return tuple(selected for waiting in self._waiting.values() for selected in waiting)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        for waiting in self._waiting.values():
            waiting[:] = [replace(each, fault_id=f"{each.fault_id}+p{self._pid}") for each in waiting]


PRESENT: contextvars.ContextVar[RequestFaults | None] = contextvars.ContextVar(
    "sentry_harness_request_faults", default=None
)
"""The request at work. None outside of requests, and in requests without faults unless operations are measured."""
