"""Typed views of envelope items. Sentry developer docs, "Envelope Items".

``view`` decodes what a server acts on and leaves the rest as bytes. A payload that is invalid for its
type raises; a single field that is wrong only adds a sentence to the view's ``errors``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .containers import LogsView, MetricsView, SpansView, logs_view, metrics_view, spans_view
from .event import EventView, ExceptionView, FrameView, TransactionView, event_view, transaction_view
from .profiles import ProfileView, profile_chunk_view, profile_view
from .reports import (
    AggregateView,
    CheckInView,
    ClientReportView,
    SessionsView,
    SessionView,
    check_in_view,
    client_report_view,
    session_view,
    sessions_view,
)

__all__ = [
    "AggregateView",
    "CheckInView",
    "ClientReportView",
    "EventView",
    "ExceptionView",
    "FrameView",
    "LogsView",
    "MetricsView",
    "ProfileView",
    "SessionView",
    "SessionsView",
    "SpansView",
    "TransactionView",
    "View",
    "category_of",
    "creates_event",
    "view",
]

View = (
    EventView
    | TransactionView
    | SessionView
    | SessionsView
    | ClientReportView
    | CheckInView
    | LogsView
    | MetricsView
    | SpansView
    | ProfileView
)

_VIEWS: dict[str, Callable[[bytes | memoryview, Mapping[str, Any]], View]] = {
    "event": event_view,
    "feedback": event_view,
    "transaction": transaction_view,
    "session": session_view,
    "sessions": sessions_view,
    "client_report": client_report_view,
    "check_in": check_in_view,
    "log": logs_view,
    "trace_metric": metrics_view,
    "span": spans_view,
    "profile": profile_view,
    "profile_chunk": profile_chunk_view,
}

_CATEGORIES = {
    "event": "error",
    "transaction": "transaction",
    "attachment": "attachment",
    "session": "session",
    "sessions": "session",
    "client_report": "internal",
    "user_report": "user_report",
    "feedback": "feedback",
    "check_in": "monitor",
    "profile": "profile",
    "profile_chunk": "profile_chunk",
    "replay_event": "replay",
    "replay_recording": "replay",
    "replay_video": "replay",
    "log": "log_item",
    "otel_log": "log_item",
    "trace_metric": "trace_metric",
    "span": "span",
    "otel_span": "span",
    "statsd": "metric_bucket",
    "metric_buckets": "metric_bucket",
    "security": "security",
    "raw_security": "security",
    "nel": "error",
    "unreal_report": "error",
    "form_data": "internal",
}

_NEEDS_EVENT = frozenset(
    {
        "event",
        "transaction",
        "attachment",
        "user_report",
        "feedback",
        "profile",
        "replay_event",
        "security",
        "raw_security",
        "nel",
        "form_data",
        "unreal_report",
    }
)


def view(
    item_type: str, payload: bytes | memoryview, headers: Mapping[str, Any] | None = None
) -> View | None:
    """The typed view of a payload, or None for a type without one: its payload is kept as it is.

    ``headers`` are the item's; containers check ``item_count`` and ``content_type`` of them. Raises
    ``ProtocolError`` (400, ``causes`` filled where there is more to say) for an invalid item; the other
    items of its envelope stay valid.
    """
    build = _VIEWS.get(item_type)
    return None if build is None else build(payload, headers or {})


def category_of(item_type: str) -> str:
    """The data category that rate limits and client reports use; ``unknown`` for unknown item types."""
    return _CATEGORIES.get(item_type, "unknown")


def creates_event(item_type: str) -> bool:
    """Whether an item of this type needs the envelope header ``event_id``."""
    return item_type in _NEEDS_EVENT
