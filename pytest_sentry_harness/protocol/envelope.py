"""Envelopes: one line of headers, then items. Sentry developer docs, "Envelopes: Serialization Format".

Only byte 0x0A ends a line. With ``length`` a payload has exactly that many bytes, then a newline or the
end of input; without, it runs to the next newline or the end. Unknown item types and headers are kept.
``split_envelope`` checks all of that without touching the items' JSON; ``parse_envelope`` builds on it.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import msgspec

from ..errors import ProtocolError
from .limits import DEFAULT_LIMITS, Limits

__all__ = [
    "DEFAULT_LIMITS",
    "Envelope",
    "Item",
    "Limits",
    "SplitEnvelope",
    "SplitItem",
    "normalise_event_id",
    "parse_envelope",
    "split_envelope",
    "write_envelope",
]

JSON_ERRORS: tuple[type[Exception], ...] = (msgspec.MsgspecError, ValueError, RecursionError)
"""What decoding hostile JSON can raise: bad syntax, bad UTF-8, and nesting beyond the stack."""

_EVENT_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


class Item(msgspec.Struct, frozen=True):
    """One envelope item. ``headers`` holds every header but ``type`` and ``length``, which the fields say."""

    type: str
    headers: dict[str, Any]
    payload: bytes


class Envelope(msgspec.Struct, frozen=True):
    """Headers and items as sent; ``event_id`` among the headers is normalised."""

    headers: dict[str, Any]
    items: tuple[Item, ...] = ()

    @property
    def event_id(self) -> str | None:
        """The id of the event its items belong to: 32 lower-case hexadecimal digits."""
        value = self.headers.get("event_id")
        return normalise_event_id(value) if isinstance(value, str) else None

    @property
    def dsn(self) -> str | None:
        """The DSN in the headers: a credential of its own (browser tunnels, sentry-ruby)."""
        value = self.headers.get("dsn")
        return value if isinstance(value, str) else None


class EnvelopeHeaders(msgspec.Struct, frozen=True):
    """The envelope headers a server acts on."""

    event_id: str | None = None
    dsn: str | None = None
    sent_at: str | None = None
    trace: msgspec.Raw = msgspec.Raw(b"")
    """The dynamic sampling context as JSON, empty when absent."""


class ItemHeaders(msgspec.Struct, frozen=True):
    """The item headers a server acts on."""

    type: str
    length: int | None = None
    item_count: Any = None
    content_type: Any = None


class SplitItem(msgspec.Struct, frozen=True):
    """Where an item lies: payload is ``data[start:stop]``, its header line ``data[header_start:start - 1]``."""

    type: str
    start: int
    stop: int
    header_start: int
    item_count: Any = None
    content_type: Any = None

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return self.stop - self.start

    @property
    def headers(self) -> dict[str, Any]:
        """The headers ``items.view`` looks at, without decoding the line again."""
        return {"item_count": self.item_count, "content_type": self.content_type}


class SplitEnvelope(msgspec.Struct, frozen=True):
    """A checked envelope whose item payloads are still bytes of ``data``."""

    data: bytes
    headers: EnvelopeHeaders
    event_id: str | None
    items: tuple[SplitItem, ...]

    def payload(self, item: SplitItem) -> memoryview:
        """The payload of ``item``, without a copy."""
        return memoryview(self.data)[item.start : item.stop]


_decode_envelope_headers = msgspec.json.Decoder(EnvelopeHeaders).decode
_decode_item_headers = msgspec.json.Decoder(ItemHeaders).decode
_decode_any = msgspec.json.Decoder().decode


def split_envelope(data: bytes, limits: Limits = DEFAULT_LIMITS) -> SplitEnvelope:
    """Check the structure of an envelope and find its items; JSON of the items is not decoded.

    Raises ``ProtocolError``: 400 when malformed, 413 when something is larger than ``limits`` allow.
    """
    size = len(data)
    if size > limits.envelope_bytes:
        raise ProtocolError(f"the envelope has {size} bytes; at most {limits.envelope_bytes}", status=413)
    end = data.find(b"\n")
    stop = size if end < 0 else end
    line = data[:stop]
    try:
        if stop > limits.header_bytes:
            raise ValueError
        if not line.isascii():
            line.decode()  # the typed decoder skips unknown headers without looking at their bytes
        headers = _decode_envelope_headers(line)
    except JSON_ERRORS:
        _explain_envelope_headers(line, limits)
    event_id = None if headers.event_id is None else normalise_event_id(headers.event_id)
    items: list[SplitItem] = []
    offset = stop + 1
    while offset < size:
        if len(items) == limits.items:
            raise ProtocolError(f"the envelope has more than {limits.items} items", status=413)
        item = _next_item(data, offset, len(items) + 1, limits)
        items.append(item)
        offset = item.stop + 1
    _check_items(items, limits)
    return SplitEnvelope(data, headers, event_id, tuple(items))


def _next_item(data: bytes, offset: int, number: int, limits: Limits) -> SplitItem:
    """The item whose headers begin at ``offset``; ``number`` counts from 1 and is for messages."""
    end = data.find(b"\n", offset)
    start = len(data) if end < 0 else end
    line = data[offset:start]
    try:
        if len(line) > limits.header_bytes:
            raise ValueError
        if not line.isascii():
            line.decode()
        headers = _decode_item_headers(line)
    except JSON_ERRORS:
        _explain_item_headers(line, number, limits, last=end < 0 or start + 1 == len(data))
    kind = headers.type
    if not kind:
        raise ProtocolError(f"item {number}: the header type is empty")
    start = min(start + 1, len(data))
    if headers.length is None:
        end = data.find(b"\n", start)
        stop = len(data) if end < 0 else end
    else:
        stop = _checked_stop(data, start, headers.length, f"item {number} ({kind[:40]})")
    most = limits.item_bytes.get(kind)
    if most is not None and stop - start > most:
        raise ProtocolError(
            f"item {number} ({kind}): the payload has {stop - start} bytes; at most {most}", status=413
        )
    return SplitItem(kind, start, stop, offset, headers.item_count, headers.content_type)


def _checked_stop(data: bytes, start: int, length: int, name: str) -> int:
    if length < 0:
        raise ProtocolError(f"{name}: the header length is negative: {length}")
    left = len(data) - start
    if length > left:
        raise ProtocolError(f"{name}: the header length says {length} bytes, but only {left} are left")
    stop = start + length
    if length < left and data[stop] != 0x0A:
        raise ProtocolError(
            f"{name}: a newline must follow the {length} bytes of the payload, got {data[stop : stop + 1]!r}"
        )
    return stop


def _check_items(items: list[SplitItem], limits: Limits) -> None:
    """Rules about several items: one event or transaction, not too many sessions."""
    if len(items) < 2:
        return
    kinds = [item.type for item in items]
    events, transactions = kinds.count("event"), kinds.count("transaction")
    if events > 1 or transactions > 1:
        kind, count = ("event", events) if events > 1 else ("transaction", transactions)
        raise ProtocolError(f"the envelope has {count} items of type {kind}; at most one is allowed")
    if events and transactions:
        raise ProtocolError("the envelope has an event and a transaction; only one of the two is allowed")
    sessions = kinds.count("session") + kinds.count("sessions")
    if sessions > limits.sessions:
        raise ProtocolError(
            f"the envelope has {sessions} session items; at most {limits.sessions}", status=413
        )


def parse_envelope(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Envelope:
    """Read an envelope with all its headers. Errors as ``split_envelope``."""
    split = split_envelope(data, limits)
    end = data.find(b"\n")
    headers = _object(data if end < 0 else data[:end], "the envelope headers", limits)
    if split.event_id is not None:
        headers["event_id"] = split.event_id
    items = []
    for number, found in enumerate(split.items, start=1):
        extra = _object(data[found.header_start : found.start], f"item {number}: the headers", limits)
        del extra["type"]
        extra.pop("length", None)
        items.append(Item(found.type, extra, data[found.start : found.stop]))
    return Envelope(headers, tuple(items))


def write_envelope(envelope: Envelope) -> bytes:
    """The bytes of ``envelope``, every item with its ``length``; ``parse_envelope`` gives it back."""
    parts = [_dump(envelope.headers), b"\n"]
    for item in envelope.items:
        headers = {"type": item.type, **item.headers, "length": len(item.payload)}
        headers["type"] = item.type
        parts += [_dump(headers), b"\n", item.payload, b"\n"]
    return b"".join(parts)


def to_json(value: Any) -> bytes:
    """JSON of a decoded document. Raises ``ProtocolError`` when it is nested too deeply."""
    try:
        return msgspec.json.encode(value)
    except RecursionError as error:
        raise ProtocolError("the JSON is nested too deeply") from error


def _dump(headers: dict[str, Any]) -> bytes:
    return json.dumps(headers, separators=(",", ":"), allow_nan=False).encode()


def normalise_event_id(value: str) -> str:
    """32 lower-case hexadecimal digits. Raises ``ProtocolError`` unless ``value`` is 32 digits or a dashed 36."""
    if not _EVENT_ID.fullmatch(value):
        raise ProtocolError(f"event_id must be 32 hexadecimal digits or a dashed UUID, got {value[:50]!r}")
    return value.replace("-", "").lower()


def _explain_envelope_headers(line: bytes, limits: Limits) -> NoReturn:
    """Say what is wrong with an envelope header line the fast decoder did not take."""
    if not line:
        raise ProtocolError("the envelope is empty, or its header line is")
    document = _object(line, "the envelope headers", limits)
    for name in ("event_id", "dsn", "sent_at"):
        value = document.get(name)
        if value is not None and not isinstance(value, str):
            raise ProtocolError(f"the envelope header {name} must be a string, got {kind_of(value)}")
    raise ProtocolError("the envelope headers cannot be read")


def _explain_item_headers(line: bytes, number: int, limits: Limits, *, last: bool) -> NoReturn:
    """Say what is wrong with an item header line the fast decoder did not take."""
    where = f"item {number}"
    if not line.strip():
        if last:
            raise ProtocolError(
                f"{where}: only one newline may follow the last item, and no other white space"
            )
        raise ProtocolError(f"{where}: the header line is empty")
    document = _object(line, f"{where}: the headers", limits)
    if "type" not in document:
        raise ProtocolError(f"{where}: the header type is missing")
    if not isinstance(document["type"], str):
        raise ProtocolError(f"{where}: the header type must be a string, got {kind_of(document['type'])}")
    raise ProtocolError(
        f"{where}: the header length must be a whole number of bytes, got {kind_of(document.get('length'))}"
    )


def _object(line: bytes, what: str, limits: Limits) -> dict[str, Any]:
    if len(line) > limits.header_bytes:
        raise ProtocolError(f"{what} have {len(line)} bytes; at most {limits.header_bytes}", status=413)
    try:
        document = _decode_any(line)
    except JSON_ERRORS as error:
        raise ProtocolError(f"{what} are not valid JSON", causes=[reason(error, line)]) from error
    if not isinstance(document, dict):
        raise ProtocolError(f"{what} must be a JSON object, got {kind_of(document)}")
    return document


def kind_of(value: object) -> str:
    """What a JSON value is, for messages."""
    return _KINDS.get(type(value), "a number")


def reason(error: BaseException, data: bytes | memoryview) -> str:
    """Why ``data`` is not JSON, in one short sentence."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if b"\\u" in bytes(data) and _is_json_with_lone_surrogates(data):
        return "an escape stands for half a character (a lone surrogate), which no UTF-8 text can hold"
    return str(error)[:200]


def _is_json_with_lone_surrogates(data: bytes | memoryview) -> bool:
    """The standard library takes lone surrogates, Sentry and msgspec do not: what only it reads has some."""
    try:
        json.loads(bytes(data), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
