"""What monitoring tells about time: transactions with their spans, in one shape for both ways they are sent.

Static: a ``transaction`` item holds its spans (Sentry developer docs, "Transaction Payloads"). Stream: ``span``
items hold finished spans of any segment, and a segment may come in several (Sentry developer docs, "Span
Protocol"); a segment's first span stands for the transaction. Times are epoch seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from sys import intern
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from ..errors import ProtocolError
from .event_fields import event_id_of, seconds_of
from .tolerant import Decoder

MOST_SPANS = 10_000
"""Spans read of one item; SDKs send 1000 at most unless told otherwise."""
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_SEGMENT_NAME = "sentry.segment.name"
_Mode = Literal["static", "stream"]


class SpanTold(msgspec.Struct, frozen=True, kw_only=True):
    """One finished span."""

    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    segment_id: str | None = None
    """Id of the first span of its transaction; None when it is not said."""
    is_segment: bool = False
    """It is that first span: only in stream mode is it told like any other."""
    op: str = ""
    description: str = ""
    """``description`` in static mode, ``name`` in stream mode."""
    start: float
    """Epoch seconds."""
    end: float
    """Epoch seconds; before ``start`` when the SDK said so."""
    status: str = ""
    origin: str = ""
    data: dict[str, Any] = {}
    """Attributes by name, such as ``db.system``, ``code.lineno``, ``thread.id``; without the types of stream mode."""

    @property
    def duration(self) -> float:
        """Seconds from start to end, with their sign."""
        return self.end - self.start

    @property
    def profiler_id(self) -> str | None:
        """The continuous profile that ran meanwhile; None without one."""
        found = self.data.get("profiler_id") or self.data.get("sentry.profiler_id")
        return found if isinstance(found, str) else None


class TransactionTold(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction, or one segment of spans."""

    mode: _Mode
    event_id: str | None
    """None in stream mode: segments have no such id."""
    trace_id: str
    span_id: str
    """Of the transaction itself."""
    parent_span_id: str | None = None
    name: str = ""
    op: str = ""
    status: str = ""
    start: float
    end: float
    data: dict[str, Any] = {}
    """Of ``contexts.trace.data``, or the attributes of the segment's first span."""
    spans: tuple[SpanTold, ...] = ()
    """Without the transaction itself; in the order they were sent."""
    profile_id: str | None = None
    """The ``profile`` item that came with it; None without."""
    profiler_id: str | None = None
    """The continuous profile that ran meanwhile; None without."""
    whole: bool = True
    """False: the segment's first span never came; name and times are those of its other spans."""
    notes: tuple[str, ...] = ()
    """One sentence for each thing that is not as documented, and was left out."""

    @property
    def duration(self) -> float:
        """Seconds from start to end, with their sign."""
        return self.end - self.start


class _Span(msgspec.Struct, frozen=True):
    """A span of either protocol: names of the fields differ."""

    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    segment_id: str | None = None
    is_segment: bool | None = None
    op: str | None = None
    name: str | None = None
    description: str | None = None
    start_timestamp: str | float | None = None
    timestamp: str | float | None = None
    end_timestamp: str | float | None = None
    status: str | None = None
    origin: str | None = None
    data: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None


class _Spans(msgspec.Struct, frozen=True):
    items: list[_Span | None] | None = None


class _Profile(msgspec.Struct, frozen=True):
    profile_id: str | None = None
    profiler_id: str | None = None


class _Contexts(msgspec.Struct, frozen=True):
    trace: _Span | None = None
    profile: _Profile | None = None


class _Transaction(msgspec.Struct, frozen=True):
    event_id: str | None = None
    transaction: str | None = None
    start_timestamp: str | float | None = None
    timestamp: str | float | None = None
    contexts: _Contexts | None = None
    spans: list[_Span | None] | None = None


_decode_transaction = Decoder(_Transaction, "the transaction")
_decode_container = Decoder(_Spans, "the span container")
_decode_span = Decoder(_Span, "the span")


def transaction_told(payload: bytes | memoryview) -> TransactionTold:
    """Read a ``transaction`` item. Raises ``ProtocolError`` without ids and times; a bad span is left out and noted."""
    wire, noted = _decode_transaction(payload)
    notes = list(noted)
    trace = (wire.contexts.trace if wire.contexts else None) or _Span()
    start = seconds_of(wire.start_timestamp, "start_timestamp", notes)
    end = seconds_of(wire.timestamp, "timestamp", notes)
    trace_id, span_id = _id(trace.trace_id, _TRACE_ID), _id(trace.span_id, _SPAN_ID)
    if start is None or end is None or trace_id is None or span_id is None:
        missing = {
            "start_timestamp": start,
            "timestamp": end,
            "contexts.trace.trace_id": trace_id,
            "contexts.trace.span_id": span_id,
        }
        causes = [f"{name} is missing or not valid" for name, value in missing.items() if value is None]
        raise ProtocolError("the transaction cannot be timed", causes=[*causes, *notes])
    profile = (wire.contexts.profile if wire.contexts else None) or _Profile()
    return TransactionTold(
        mode="static",
        event_id=event_id_of(wire.event_id, notes),
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=_id(trace.parent_span_id, _SPAN_ID),
        name=wire.transaction or "",
        op=trace.op or "",
        status=trace.status or "",
        start=start,
        end=end,
        data=trace.data or {},
        spans=tuple(_spans(wire.spans, "spans", notes, trace_id, span_id)),
        profile_id=profile.profile_id,
        profiler_id=profile.profiler_id,
        notes=tuple(notes),
    )


def spans_told(payload: bytes | memoryview) -> tuple[tuple[SpanTold, ...], tuple[str, ...]]:
    """The spans of a ``span`` item, a container or one span by itself, and a sentence for each that was left out.

    Raises ``ProtocolError`` when it is neither.
    """
    container, noted = _decode_container(payload)
    notes = list(noted)
    if container.items is not None:
        return tuple(_spans(container.items, "items", notes, None, None)), tuple(notes)
    wire, noted = _decode_span(payload)
    notes += noted
    alone = tuple(_spans([wire], "the span", notes, None, None))
    if not alone:
        raise ProtocolError("the span cannot be timed", causes=notes)
    return alone, tuple(notes)


def told(
    items: Iterable[tuple[str, bytes]], notes: list[str] | None = None, *, attributes: bool = True
) -> Iterator[TransactionTold]:
    """Transactions of ``(item type, payload)`` pairs, other types left out.

    Those of static mode come one by one as they are read; segments of streamed spans are put together and come at
    the end. What cannot be read is left out, with a sentence added to ``notes``. ``attributes`` False: streamed
    spans come without ``data`` and the like, which is most of the memory of a run's spans.
    """
    trouble = [] if notes is None else notes
    segments: dict[tuple[str, str], list[SpanTold]] = {}
    for item_type, payload in items:
        try:
            if item_type == "transaction":
                yield transaction_told(payload)
            elif item_type == "span":
                spans, noted = spans_told(payload)
                trouble += noted
                for span in spans:
                    key = span.trace_id, span.span_id if span.is_segment else span.segment_id or ""
                    segments.setdefault(key, []).append(span if attributes else _lean(span))
        except ProtocolError as error:
            trouble.append("; ".join([error.what, *error.causes[:3]]))
    for spans_of in segments.values():
        yield _segment(spans_of)


def _lean(span: SpanTold) -> SpanTold:
    """``span`` with its times and names; that of the segment is asked for when its first span never comes."""
    data = {name: span.data[name] for name in (_SEGMENT_NAME,) if name in span.data and not span.is_segment}
    op, description = intern(span.op), intern(span.description)
    return replace(span, parent_span_id=None, op=op, description=description, status="", origin="", data=data)


def _segment(spans: list[SpanTold]) -> TransactionTold:
    """One segment of streamed spans as a transaction."""
    first = next((span for span in spans if span.is_segment), None)
    head = first or min(spans, key=lambda span: span.start)
    name = head.description if first else head.data.get(_SEGMENT_NAME)
    return TransactionTold(
        mode="stream",
        event_id=None,
        trace_id=head.trace_id,
        span_id=head.span_id if first else head.segment_id or "",
        parent_span_id=head.parent_span_id if first else None,
        name=name if isinstance(name, str) else "",
        op=head.op if first else "",
        status=head.status if first else "",
        start=head.start,
        end=head.end if first else max(span.end for span in spans),
        data=head.data if first else {},
        spans=tuple(span for span in spans if span is not first),
        profiler_id=head.profiler_id,
        whole=first is not None,
        notes=() if first else ("the first span of the segment never came",),
    )


def _spans(
    wires: list[_Span | None] | None, where: str, notes: list[str], trace_id: str | None, segment: str | None
) -> Iterator[SpanTold]:
    """The spans that have ids and times; the others are noted."""
    found = wires or []
    if len(found) > MOST_SPANS:
        notes.append(f"{where}: {len(found)} entries, of which the first {MOST_SPANS} are read")
    for index, wire in enumerate(found[:MOST_SPANS]):
        if wire is None:
            continue
        span = _span(wire, f"{where}[{index}]", notes, trace_id, segment)
        if span is not None:
            yield span


def _span(
    wire: _Span, where: str, notes: list[str], trace_id: str | None, segment: str | None
) -> SpanTold | None:
    start = seconds_of(wire.start_timestamp, f"{where}.start_timestamp", notes)
    told_end = wire.end_timestamp if wire.end_timestamp is not None else wire.timestamp
    end = seconds_of(told_end, f"{where}: its end", notes)
    own_trace, span_id = _id(wire.trace_id, _TRACE_ID) or trace_id, _id(wire.span_id, _SPAN_ID)
    if start is None or end is None or own_trace is None or span_id is None:
        notes.append(f"{where}: ids, start and end are needed")
        return None
    data = dict(wire.data or {}) | {name: _value(each) for name, each in (wire.attributes or {}).items()}
    return SpanTold(
        trace_id=own_trace,
        span_id=span_id,
        parent_span_id=_id(wire.parent_span_id, _SPAN_ID),
        segment_id=segment
        or _id(wire.segment_id, _SPAN_ID)
        or _id(_text(data.get("sentry.segment.id")), _SPAN_ID),
        is_segment=bool(wire.is_segment),
        op=wire.op or _text(data.get("sentry.op")),
        description=wire.description or wire.name or "",
        start=start,
        end=end,
        status=wire.status or "",
        origin=wire.origin or _text(data.get("sentry.origin")),
        data=data,
    )


def _value(attribute: Any) -> Any:
    """The value of ``{"value": …, "type": …}``; anything else as it is."""
    return attribute["value"] if isinstance(attribute, dict) and "value" in attribute else attribute


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _id(value: str | None, shape: re.Pattern[str]) -> str | None:
    """``value`` in lower case when it is an id, else None."""
    plain = (value or "").lower()
    return plain if shape.fullmatch(plain) else None
