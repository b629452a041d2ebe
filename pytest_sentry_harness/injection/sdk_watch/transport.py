"""Watches a transport: what it discards and why, how much waits; and keeps it off hosts it may not reach."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from ...model.ledger import SdkDiscarded, SdkHandedOver, SdkPending
from ..recorder import Recorder
from . import pipeline
from .patches import Patches
from .sending import Sender, event_in, event_of


class TransportWatch:
    """Changes single transport objects, so that transports of the application's own are covered too."""

    def __init__(self, recorder: Recorder, quietly: Callable[..., Any]) -> None:
        self._recorder = recorder
        self._quietly = quietly
        self._said = threading.local()

    def watch(self, transport: Any, patches: Patches) -> None:
        """Record what ``transport`` sends, is answered and discards from now on."""
        inner = _inner(transport)
        sender = Sender(transport, inner, self._recorder, self._quietly)
        patches.wrap(inner, "record_lost_event", lambda original: self._record_lost_event(original, sender))
        if hasattr(inner, "on_dropped_event"):
            patches.wrap(inner, "on_dropped_event", self._on_dropped_event)
        sender.install(patches)
        if hasattr(getattr(inner, "_worker", None), "start"):
            patches.wrap(inner._worker, "start", lambda original: self._start(original, inner))

    def cut_off(self, transport: Any, patches: Patches, host: str) -> None:
        """Let nothing leave through ``transport`` any more: it was to send to ``host``."""

        def swallow(envelope: Any, *_args: Any, **_kwargs: Any) -> None:
            event_id = self._quietly(event_of, envelope)
            if event_id is not None:
                to = f"the run may not send to {host!r}"
                self._recorder.write(SdkHandedOver, event_id=event_id, why="cut_off", to=to)

        for each in {id(transport): transport, id(_inner(transport)): _inner(transport)}.values():
            patches.wrap(each, "capture_envelope", lambda _original: swallow)
            for name in ("_send_envelope", "_send_request"):
                if hasattr(each, name):
                    patches.wrap(each, name, lambda _original: _nothing)

    def _start(self, original: Any, transport: Any) -> Any:
        missing = False

        def start() -> None:
            __tracebackhide__ = True
            nonlocal missing
            original()
            # The SDK tells nobody when there is no memory for a thread, or the interpreter starts none any more.
            alive = bool(getattr(transport._worker, "is_alive", True))
            if alive == missing:
                missing = not alive
                self._quietly(self._sender, transport, "missing" if missing else "back")

        return start

    def _sender(self, transport: Any, sender: str) -> None:
        self._recorder.write(SdkPending, queued=queued(transport) or 0, sender=sender)

    def _record_lost_event(self, original: Any, sender: Sender) -> Any:
        def record_lost_event(reason: Any, data_category: Any = None, item: Any = None, **more: Any) -> Any:
            __tracebackhide__ = True
            quantity = more.get("quantity", 1)
            self._quietly(self._discarded, sender, reason, data_category, item, quantity)
            return original(reason, data_category, item, **more)

        return record_lost_event

    def _on_dropped_event(self, original: Any) -> Any:
        def on_dropped_event(reason: Any) -> Any:
            __tracebackhide__ = True
            self._said.why = reason
            return original(reason)

        return on_dropped_event

    def _discarded(self, sender: Sender, reason: Any, category: Any, item: Any, quantity: int) -> None:
        capture = pipeline.PRESENT.get()
        event_id = None
        if item is not None:
            category, event_id = item.data_category, event_in(item)
            if event_id is not None:
                sender.counted_lost(str(reason))
        elif capture is not None:
            capture.reason = str(reason)
            event_id = capture.event_id
        self._recorder.write(
            SdkDiscarded,
            event_id=event_id,
            reason=str(reason),
            category=str(category),
            quantity=quantity,
            detail=self._detail(sender, str(reason), str(category)),
        )

    def _detail(self, sender: Sender, reason: str, category: str) -> str:
        if reason == "ratelimit_backoff":
            return sender.limit_of(category)
        if reason not in ("network_error", "send_error"):
            return ""
        why = str(getattr(self._said, "why", ""))
        if why.startswith("status_"):
            return f"HTTP {why.removeprefix('status_')}"
        error = sys.exception()
        return f"{type(error).__name__}: {error}"[:300] if error is not None else why


def queued(transport: Any) -> int | None:
    """How many envelopes ``transport`` has taken and not yet dealt with; None when it does not tell."""
    worker = getattr(_inner(transport), "_worker", None)
    queue = getattr(worker, "_queue", None)
    # A worker that is told to end finds a mark in its queue, which is no envelope.
    mark = getattr(sys.modules.get(type(worker).__module__), "_TERMINATOR", None)
    marks = sum(entry is mark for entry in tuple(getattr(queue, "queue", ())))
    for name in ("unfinished_tasks", "_unfinished_tasks"):
        count = getattr(queue, name, None)
        if isinstance(count, int):
            return count - marks
    return None


def _inner(transport: Any) -> Any:
    """The transport that ``transport`` is put around, if it is: what the SDK does to print envelopes."""
    for name in ("_inner", "_transport"):
        inner = vars(transport).get(name)
        if hasattr(inner, "record_lost_event") and hasattr(inner, "capture_envelope"):
            return inner
    return transport


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    return None
