"""Watches a transport: what it discards and why, how much waits; and keeps it off hosts it may not reach."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from ...model.ledger import SdkDiscarded
from ..recorder import Recorder
from . import pipeline
from .patches import Patches


class TransportWatch:
    """Changes single transport objects, so that transports of the application's own are covered too."""

    def __init__(self, recorder: Recorder, quietly: Callable[..., Any]) -> None:
        self._recorder = recorder
        self._quietly = quietly
        self._said = threading.local()

    def watch(self, transport: Any, patches: Patches) -> None:
        """Record what ``transport`` discards from now on."""
        inner = _inner(transport)
        patches.wrap(inner, "record_lost_event", self._record_lost_event)
        if hasattr(inner, "on_dropped_event"):
            patches.wrap(inner, "on_dropped_event", self._on_dropped_event)

    def cut_off(self, transport: Any, patches: Patches) -> None:
        """Let nothing leave through ``transport`` any more."""
        for each in {id(transport): transport, id(_inner(transport)): _inner(transport)}.values():
            for name in ("capture_envelope", "_send_envelope", "_send_request"):
                if hasattr(each, name):
                    patches.wrap(each, name, lambda _original: _nothing)

    def _record_lost_event(self, original: Any) -> Any:
        def record_lost_event(reason: Any, data_category: Any = None, item: Any = None, **more: Any) -> Any:
            __tracebackhide__ = True
            self._quietly(self._discarded, reason, data_category, item, more.get("quantity", 1))
            return original(reason, data_category, item, **more)

        return record_lost_event

    def _on_dropped_event(self, original: Any) -> Any:
        def on_dropped_event(reason: Any) -> Any:
            __tracebackhide__ = True
            self._said.why = reason
            return original(reason)

        return on_dropped_event

    def _discarded(self, reason: Any, category: Any, item: Any, quantity: int) -> None:
        capture = pipeline.PRESENT.get()
        event_id = None
        if item is not None:
            category, event_id = item.data_category, _event_id(item)
        elif capture is not None:
            capture.reason = str(reason)
            event_id = capture.event_id
        self._recorder.write(
            SdkDiscarded,
            event_id=event_id,
            reason=str(reason),
            category=str(category),
            quantity=quantity,
            detail=self._detail(str(reason)),
        )

    def _detail(self, reason: str) -> str:
        if reason not in ("network_error", "send_error"):
            return ""
        why = str(getattr(self._said, "why", ""))
        if why.startswith("status_"):
            return f"HTTP {why.removeprefix('status_')}"
        error = sys.exception()
        return f"{type(error).__name__}: {error}"[:300] if error is not None else why


def queued(transport: Any) -> int | None:
    """How many envelopes ``transport`` has taken and not yet dealt with; None when it does not tell."""
    queue = getattr(getattr(_inner(transport), "_worker", None), "_queue", None)
    for name in ("unfinished_tasks", "_unfinished_tasks"):
        count = getattr(queue, name, None)
        if isinstance(count, int):
            return count
    return None


def _inner(transport: Any) -> Any:
    return vars(transport).get("_transport") or transport


def _event_id(item: Any) -> str | None:
    payload = getattr(getattr(item, "payload", None), "json", None)
    event_id = payload.get("event_id") if isinstance(payload, dict) else None
    return event_id if isinstance(event_id, str) else None


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    return None
