"""Fields of spans. Sentry docs, "Span Properties"; every span is a row, that of the transaction itself included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...protocol.spans import SpanTold, TransactionTold
from .events import SHARED
from .reading import Getter, Row, milliseconds, text_of


@dataclass(frozen=True, slots=True)
class _Source:
    span: SpanTold
    transaction: str
    transaction_op: str
    transaction_status: str
    transaction_ms: float | None
    event: Any
    """The payload of the transaction it came in: its environment, release and user are those of its spans."""


def span_rows(
    told: TransactionTold, event: Any = None, *, project: str = "", received_at: float = 0.0
) -> Iterator[Row]:
    """One row for the transaction's own span, and one for each span below it. ``event``: its payload, from JSON."""
    own = SpanTold(
        trace_id=told.trace_id,
        span_id=told.span_id,
        parent_span_id=told.parent_span_id,
        is_segment=True,
        op=told.op,
        description=told.name,
        start=told.start,
        end=told.end,
        status=told.status,
        data=told.data,
    )
    for span in (own, *told.spans):
        yield fields_of_span(span, told, event, project=project, received_at=received_at)


def fields_of_span(
    span: SpanTold,
    told: TransactionTold | None = None,
    event: Any = None,
    *,
    project: str = "",
    received_at: float = 0.0,
) -> Row:
    """The fields of one span; its attributes are found by their names, as tags are."""
    source = _Source(
        span,
        told.name if told else "",
        told.op if told else "",
        told.status if told else "",
        milliseconds(told.start, told.end) if told and told.duration >= 0 else None,
        event,
    )
    attributes = {
        name: value for name, value in span.data.items() if isinstance(value, (str, int, float, bool))
    }
    return Row(
        "span", source, _SPAN, attributes, at=span.end, received_at=received_at or span.end, project=project
    )


def _attribute(*names: str) -> Getter:
    def get(source: Any) -> Iterator[object]:
        data = source.span.data
        yield next((text for text in (text_of(data.get(name)) for name in names) if text), None)

    return get


def _inherited(name: str, *attributes: str) -> Getter:
    """An attribute of the span, or what the event it came in says."""
    own, of_event = _attribute(*attributes), SHARED[name]

    def get(source: Any) -> Iterator[object]:
        told = next(iter(own(source)), None)
        yield from (told,) if told is not None or source.event is None else of_event(source.event)

    return get


def _trace_status(source: Any) -> Iterator[object]:
    """That of the transaction, which all its spans have in Sentry; of a span that came alone, its own."""
    told = source.span.data.get("sentry.trace.status")
    yield source.transaction_status or text_of(told) or source.span.status or None


def _self_time(source: Any) -> Iterator[object]:
    told = source.span.data.get("sentry.exclusive_time")
    yield told if isinstance(told, (int, float)) else None


def _duration(source: Any) -> Iterator[object]:
    yield milliseconds(source.span.start, source.span.end) if source.span.duration >= 0 else None


_SPAN: dict[str, Getter] = {
    "id": lambda source: (source.span.span_id,),
    "trace": lambda source: (source.span.trace_id,),
    "span.op": lambda source: (source.span.op or None,),
    "span.description": lambda source: (source.span.description or None,),
    "span.name": lambda source: (source.span.description or None,),
    "span.status": lambda source: (source.span.status or None,),
    "trace.status": _trace_status,
    "span.origin": lambda source: (source.span.origin or None,),
    "span.duration": _duration,
    "span.self_time": _self_time,
    "is_transaction": lambda source: (source.span.is_segment,),
    "transaction": lambda source: (source.transaction or None,),
    "transaction.op": lambda source: (source.transaction_op or None,),
    "transaction.duration": lambda source: (source.transaction_ms if source.span.is_segment else None,),
    "release": _inherited("release", "sentry.release", "release"),
    "environment": _inherited("environment", "sentry.environment", "environment"),
    "user": _inherited("user", "user.id", "user.email"),
}
