"""Fields of transactions. Sentry docs, "Event Properties" and "Performance metrics"; durations are in milliseconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .events import SHARED, texts
from .reading import Getter, Row, at, milliseconds, moment, span_time, tags_from, text_of


def fields_of_transaction(data: Any, *, project: str = "", received_at: float = 0.0) -> Row:
    """The fields of a ``transaction`` payload, from JSON; ``timestamp`` is when it ended."""
    ended = moment(at(data, "timestamp"))
    return Row(
        "transaction",
        data,
        _TRANSACTION,
        tags_from(data),
        at=received_at if ended is None else ended,
        received_at=received_at,
        project=project,
    )


def duration_of(data: Any) -> float | None:
    """Milliseconds from start to end; None without either, or when it would be negative."""
    start, end = moment(at(data, "start_timestamp")), moment(at(data, "timestamp"))
    return milliseconds(start, end) if start is not None and end is not None and end >= start else None


def _status(data: Any) -> Iterable[object]:
    return (text_of(at(data, "contexts", "trace", "status")) or "unknown",)


_TRANSACTION: dict[str, Getter] = SHARED | {
    "event.type": lambda data: ("transaction",),
    "level": lambda data: ("info",),
    "message": texts("transaction"),
    "title": texts("transaction"),
    "transaction.duration": lambda data: (duration_of(data),),
    "transaction.op": texts("contexts", "trace", "op"),
    "transaction.status": _status,
    "transaction.method": texts("request", "method"),
    "transaction.source": texts("transaction_info", "source"),
    "spans.total.time": lambda data: (span_time(data, "total.time"),),
}
