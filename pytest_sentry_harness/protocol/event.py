"""Events and transactions. Sentry developer docs, "Event Payloads" and "Transaction Payloads".

Frames, spans, breadcrumbs and the request stay JSON bytes until asked for: decoding them costs more
than the rest of an event together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import ProtocolError
from .envelope import JSON_ERRORS
from .event_fields import (
    event_id_of,
    fingerprint_of,
    formatted,
    json_text,
    lenient_text,
    level_of,
    seconds_of,
    tags_of,
)
from .tolerant import Decoder

_TRACE_ID = re.compile(r"[0-9a-fA-F]{32}")
_SPAN_ID = re.compile(r"[0-9a-fA-F]{16}")
_NONE = msgspec.Raw(b"")
_ABSENT = (b"", b"null")


class FrameView(msgspec.Struct, frozen=True):
    """One stack frame; the crash is in the last frame of a stack trace."""

    filename: str | None = None
    abs_path: str | None = None
    module: str | None = None
    function: str | None = None
    lineno: int | None = None
    in_app: bool | None = None
    context_line: str | None = None


class _Mechanism(msgspec.Struct, frozen=True):
    type: str | None = None
    handled: bool | None = None
    exception_id: int | None = None
    parent_id: int | None = None
    is_exception_group: bool | None = None


class _Stacktrace(msgspec.Struct, frozen=True):
    frames: msgspec.Raw = _NONE


class ExceptionView(msgspec.Struct, frozen=True):
    """One exception of a chain."""

    type: str | None = None
    value: Any = None
    module: str | None = None
    mechanism: _Mechanism | None = None
    stacktrace: _Stacktrace | None = None

    @property
    def text(self) -> str:
        """``value`` as text: anything but a string as JSON, nothing as ``""``."""
        return "" if self.value is None else json_text(self.value)

    @property
    def handled(self) -> bool | None:
        """Whether the application handled it; None when the SDK does not say."""
        return None if self.mechanism is None else self.mechanism.handled

    @property
    def mechanism_type(self) -> str | None:
        """What caught it, such as ``logging`` or ``starlette``."""
        return None if self.mechanism is None else self.mechanism.type

    def frames(self) -> tuple[FrameView, ...]:
        """The stack trace, oldest frame first; frames that are no objects are left out. Decoded at each call."""
        return () if self.stacktrace is None else _frames(bytes(self.stacktrace.frames))


class _Exceptions(ExceptionView, frozen=True):
    """The usual ``values``, or the one exception itself."""

    values: list[ExceptionView | None] | None = None


class _LogEntry(msgspec.Struct, frozen=True):
    message: str | None = None
    formatted: str | None = None
    params: Any = None


class _Trace(msgspec.Struct, frozen=True):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    op: str | None = None
    status: str | None = None


class _Contexts(msgspec.Struct, frozen=True):
    trace: _Trace | None = None


class _Sdk(msgspec.Struct, frozen=True):
    name: str | None = None
    version: str | None = None


class _Source(msgspec.Struct, frozen=True):
    source: str | None = None


class _Payload(msgspec.Struct, frozen=True):
    """The fields of the payload that views read, as they stand."""

    event_id: str | None = None
    timestamp: str | float | None = None
    start_timestamp: str | float | None = None
    level: str | int | None = None
    platform: str | None = None
    logger: str | None = None
    transaction: str | None = None
    release: str | int | float | bool | None = None
    environment: str | None = None
    dist: str | None = None
    server_name: str | None = None
    message: str | _LogEntry | None = None
    logentry: _LogEntry | str | None = None
    exception: _Exceptions | list[ExceptionView | None] | None = None
    contexts: _Contexts | None = None
    user: dict[str, Any] | None = None
    tags: dict[str, Any] | list[Any] | None = None
    fingerprint: list[Any] | None = None
    sdk: _Sdk | None = None
    transaction_info: _Source | None = None
    spans: msgspec.Raw = _NONE


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """An error event, a message, or feedback."""

    event_id: str | None
    timestamp: float | None
    """Epoch seconds."""
    level: str
    platform: str
    logger: str | None
    transaction: str | None
    release: str | None
    environment: str | None
    dist: str | None
    server_name: str | None
    message: str | None
    """The formatted text, or the template when only that was sent."""
    template: str | None
    """The text before parameters went in, None when it was not sent apart."""
    exceptions: tuple[ExceptionView, ...]
    """Oldest cause first, the raised exception last."""
    trace_id: str | None
    span_id: str | None
    user: dict[str, Any]
    tags: dict[str, str]
    fingerprint: tuple[str, ...]
    sdk_name: str | None
    sdk_version: str | None
    errors: tuple[str, ...]
    """One sentence for each field that was dropped or corrected."""


class TransactionView(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction; ``spans`` are decoded on request."""

    event_id: str | None
    name: str | None
    source: str | None
    start_timestamp: float
    timestamp: float
    trace_id: str
    span_id: str
    parent_span_id: str | None
    op: str | None
    status: str | None
    release: str | None
    environment: str | None
    dist: str | None
    server_name: str | None
    platform: str
    user: dict[str, Any]
    tags: dict[str, str]
    errors: tuple[str, ...]
    raw_spans: msgspec.Raw

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return self.timestamp - self.start_timestamp

    def spans(self) -> list[dict[str, Any]]:
        """The child spans as sent. Decoded at each call; what is no object is left out."""
        return _objects(bytes(self.raw_spans))


_decode = Decoder(_Payload, "the event")
_decode_transaction = Decoder(_Payload, "the transaction")
_decode_frames = msgspec.json.Decoder(list[FrameView | None]).decode


def event_view(payload: bytes | memoryview, headers: Mapping[str, Any]) -> EventView:
    """The view of an ``event`` item. Raises ``ProtocolError`` when it is not a JSON object."""
    wire, noted = _decode(payload)
    errors = list(noted)
    message, template = _message(wire)
    trace = _trace(wire, errors)
    return EventView(
        event_id=event_id_of(wire.event_id, errors),
        timestamp=seconds_of(wire.timestamp, "timestamp", errors),
        level=level_of(wire.level, errors),
        platform=wire.platform or "other",
        logger=wire.logger,
        transaction=wire.transaction,
        release=None if wire.release is None else lenient_text(wire.release),
        environment=wire.environment,
        dist=wire.dist,
        server_name=wire.server_name,
        message=message,
        template=template,
        exceptions=_exceptions(wire.exception),
        trace_id=trace[0],
        span_id=trace[1],
        user=wire.user or {},
        tags=tags_of(wire.tags, errors) if wire.tags else {},
        fingerprint=fingerprint_of(wire.fingerprint, errors) if wire.fingerprint else (),
        sdk_name=wire.sdk.name if wire.sdk else None,
        sdk_version=wire.sdk.version if wire.sdk else None,
        errors=tuple(errors),
    )


def transaction_view(payload: bytes | memoryview, headers: Mapping[str, Any]) -> TransactionView:
    """The view of a ``transaction`` item. Raises ``ProtocolError`` when start, end or trace context are missing."""
    wire, noted = _decode_transaction(payload)
    errors = list(noted)
    causes = []
    start = seconds_of(wire.start_timestamp, "start_timestamp", errors)
    end = seconds_of(wire.timestamp, "timestamp", errors)
    if start is None:
        causes.append("start_timestamp is missing")
    if end is None:
        causes.append("timestamp is missing")
    if start is not None and end is not None and end < start:
        causes.append("timestamp is before start_timestamp")
    trace_id, span_id = _trace(wire, errors)
    if trace_id is None:
        causes.append("contexts.trace.trace_id is missing or not valid")
    if span_id is None:
        causes.append("contexts.trace.span_id is missing or not valid")
    if causes or start is None or end is None or trace_id is None or span_id is None:
        raise ProtocolError("the transaction is not valid", causes=[*causes, *errors])
    trace = (wire.contexts.trace if wire.contexts is not None else None) or _Trace()
    return TransactionView(
        event_id=event_id_of(wire.event_id, errors),
        name=wire.transaction,
        source=wire.transaction_info.source if wire.transaction_info else None,
        start_timestamp=start,
        timestamp=end,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=trace.parent_span_id,
        op=trace.op,
        status=trace.status,
        release=None if wire.release is None else lenient_text(wire.release),
        environment=wire.environment,
        dist=wire.dist,
        server_name=wire.server_name,
        platform=wire.platform or "other",
        user=wire.user or {},
        tags=tags_of(wire.tags, errors) if wire.tags else {},
        errors=tuple(errors),
        raw_spans=wire.spans,
    )


def _message(wire: _Payload) -> tuple[str | None, str | None]:
    """Text and template; ``logentry`` wins over ``message``."""
    entry = wire.logentry if wire.logentry is not None else wire.message
    if entry is None or isinstance(entry, str):
        return entry, None
    if entry.formatted or entry.message is None:
        return entry.formatted, entry.message
    return formatted(entry.message, entry.params), entry.message


def _trace(wire: _Payload, errors: list[str]) -> tuple[str | None, str | None]:
    """Trace and span id; an id that is none is noted and left out."""
    trace = wire.contexts.trace if wire.contexts is not None else None
    if trace is None:
        return None, None
    trace_id, span_id = trace.trace_id, trace.span_id
    if trace_id is not None and not _TRACE_ID.fullmatch(trace_id):
        errors.append(f"contexts.trace.trace_id: {trace_id[:40]!r} is not a trace id")
        trace_id = None
    if span_id is not None and not _SPAN_ID.fullmatch(span_id):
        errors.append(f"contexts.trace.span_id: {span_id[:40]!r} is not a span id")
        span_id = None
    return trace_id and trace_id.lower(), span_id and span_id.lower()


def _exceptions(found: _Exceptions | list[ExceptionView | None] | None) -> tuple[ExceptionView, ...]:
    if isinstance(found, _Exceptions):
        if found.values is None:
            return (found,) if found.type is not None or found.value is not None else ()
        found = found.values
    return tuple(value for value in found or () if value is not None)


def _frames(raw: bytes) -> tuple[FrameView, ...]:
    if raw in _ABSENT:
        return ()
    try:
        return tuple(frame for frame in _decode_frames(raw) if frame is not None)
    except JSON_ERRORS:
        fitted = Decoder(_FrameList, "the frames")(b'{"frames":%s}' % raw)[0].frames
        return tuple(frame for frame in fitted or () if frame is not None)


class _FrameList(msgspec.Struct, frozen=True):
    frames: list[FrameView | None] | None = None


def _objects(raw: bytes) -> list[dict[str, Any]]:
    if raw in _ABSENT:
        return []
    values = Decoder(_SpanList, "the spans")(b'{"spans":%s}' % raw)[0].spans
    return [value for value in values or () if isinstance(value, dict)]


class _SpanList(msgspec.Struct, frozen=True):
    spans: list[Any] | None = None
