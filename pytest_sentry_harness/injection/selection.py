"""Which faults the present request shall meet: a context variable holding a mutable selection."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterable

from ..protocol.fault_header import Selected


class RequestFaults:
    """The faults chosen for one request. Each is met once, at the first reach of its point."""

    __slots__ = ("_lock", "_waiting", "trace_id")

    def __init__(self, faults: Iterable[Selected], trace_id: str | None = None) -> None:
        self.trace_id = trace_id
        self._waiting: dict[str, list[Selected]] = {}
        for selected in faults:
            self._waiting.setdefault(selected.fault, []).append(selected)
        self._lock = threading.Lock()

    def take(self, fault: str) -> Selected | None:
        """The next selection of ``fault`` that has not been met; it counts as met from now on."""
        with self._lock:
            waiting = self._waiting.get(fault)
            return waiting.pop(0) if waiting else None


PRESENT: contextvars.ContextVar[RequestFaults | None] = contextvars.ContextVar(
    "sentry_harness_request_faults", default=None
)
"""The selection of the request at work; None outside requests that carry faults."""
