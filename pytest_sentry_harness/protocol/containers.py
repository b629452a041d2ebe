"""Item containers: many entries in one item. Sentry developer docs, "Envelope Items: Logs, Trace Metrics, Spans".

``{"items": […]}`` with the item headers ``content_type`` and ``item_count``; a count that is not the
number of entries invalidates the item, not its envelope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from ..errors import ProtocolError
from .envelope import kind_of
from .tolerant import Decoder, json_object

LOG_TYPE = "application/vnd.sentry.items.log+json"
METRIC_TYPE = "application/vnd.sentry.items.trace-metric+json"
SPAN_TYPE = "application/vnd.sentry.items.span.v2+json"
_MOST_SPANS = 1000
_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
_METRICS = ("counter", "gauge", "distribution")

E = TypeVar("E", bound=msgspec.Struct)


class LogEntry(msgspec.Struct, frozen=True):
    """One log record; ``attributes`` are ``{"value": …, "type": …}`` objects by name."""

    timestamp: float | str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    level: str | None = None
    body: str | None = None
    severity_number: int | None = None
    attributes: dict[str, Any] | None = None


class MetricEntry(msgspec.Struct, frozen=True):
    """One measurement."""

    timestamp: float | str | None = None
    type: str | None = None
    name: str | None = None
    value: float | None = None
    unit: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    attributes: dict[str, Any] | None = None


class SpanEntry(msgspec.Struct, frozen=True):
    """One span, version 2; times are epoch seconds."""

    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    status: str | None = None
    is_segment: bool | None = None
    start_timestamp: float | None = None
    end_timestamp: float | None = None
    attributes: dict[str, Any] | None = None


class _Logs(msgspec.Struct, frozen=True):
    items: list[LogEntry | None] | None = None


class _Metrics(msgspec.Struct, frozen=True):
    items: list[MetricEntry | None] | None = None


class _Spans(msgspec.Struct, frozen=True):
    items: list[SpanEntry | None] | None = None


class LogsView(msgspec.Struct, frozen=True):
    """The records of a ``log`` item; ``notes`` name fields and entries that are not as documented."""

    entries: tuple[LogEntry, ...]
    notes: tuple[str, ...]


class MetricsView(msgspec.Struct, frozen=True):
    """The measurements of a ``trace_metric`` item."""

    entries: tuple[MetricEntry, ...]
    notes: tuple[str, ...]


class SpansView(msgspec.Struct, frozen=True):
    """The spans of a ``span`` item, or the one legacy span it is (``legacy``, as sent)."""

    entries: tuple[SpanEntry, ...]
    notes: tuple[str, ...]
    legacy: dict[str, Any] | None = None


_decode_logs = Decoder(_Logs, "the log container")
_decode_metrics = Decoder(_Metrics, "the trace metric container")
_decode_spans = Decoder(_Spans, "the span container")


def logs_view(payload: bytes | memoryview, headers: Mapping[str, Any]) -> LogsView:
    """The view of a ``log`` item. Raises ``ProtocolError`` when container and headers disagree."""
    wire, noted = _decode_logs(payload)
    entries = _entries(wire.items, headers, LOG_TYPE, "log")
    notes = [
        f"items[{index}]: level must be one of {', '.join(_LEVELS)}"
        for index, entry in enumerate(entries)
        if entry.level not in _LEVELS
    ]
    return LogsView(entries, (*noted, *notes))


def metrics_view(payload: bytes | memoryview, headers: Mapping[str, Any]) -> MetricsView:
    """The view of a ``trace_metric`` item. Raises ``ProtocolError`` when container and headers disagree."""
    wire, noted = _decode_metrics(payload)
    entries = _entries(wire.items, headers, METRIC_TYPE, "trace metric")
    notes = [
        f"items[{index}]: name, value and a type of {', '.join(_METRICS)} are needed"
        for index, entry in enumerate(entries)
        if entry.type not in _METRICS or not entry.name or entry.value is None
    ]
    return MetricsView(entries, (*noted, *notes))


def spans_view(payload: bytes | memoryview, headers: Mapping[str, Any]) -> SpansView:
    """The view of a ``span`` item: a container by its content type, else one legacy span.

    Raises ``ProtocolError`` when container and headers disagree, or with more than 1000 spans.
    """
    if headers.get("content_type") != SPAN_TYPE:
        return SpansView((), (), json_object(payload, "the span"))
    wire, noted = _decode_spans(payload)
    entries = _entries(wire.items, headers, SPAN_TYPE, "span")
    if len(entries) > _MOST_SPANS:
        raise ProtocolError(f"the span container has {len(entries)} entries; at most {_MOST_SPANS}")
    return SpansView(entries, noted)


def _entries(
    items: list[E | None] | None, headers: Mapping[str, Any], content_type: str, what: str
) -> tuple[E, ...]:
    given = headers.get("content_type")
    if given != content_type:
        raise ProtocolError(
            f"the {what} container is not valid",
            causes=[f"content_type must be {content_type}, got {given!r}"],
        )
    if items is None:
        raise ProtocolError(f"the {what} container is not valid", causes=["items must be an array"])
    count = headers.get("item_count")
    if type(count) is not int:
        raise ProtocolError(
            f"the {what} container is not valid",
            causes=[f"the header item_count must be a whole number, got {kind_of(count)}"],
        )
    if count != len(items):
        raise ProtocolError(
            f"the {what} container is not valid",
            causes=[f"the header item_count says {count}, but there are {len(items)} entries"],
        )
    return tuple(entry for entry in items if entry is not None)
