"""What one ingest request holds: the items of its body, whichever endpoint it came to.

Used twice on the same bytes: before the answer, to decide about it, and later by the digest. For most
requests both do the same. Inflating a large envelope takes longer than all the rest of receiving it, so
before the answer ``check_contents`` reads only the beginning of a large gzip body and compares the length its
item declares with the one gzip declares; a body broken further on is found by the digest, as ``invalid``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import msgspec

from ..errors import ProtocolError
from ..protocol.encodings import decompress
from ..protocol.envelope import DEFAULT_LIMITS, JSON_ERRORS, Envelope, Limits, split_envelope
from ..protocol.minidump import parse_minidump
from ..protocol.security import parse_nel, parse_security
from ..protocol.store_endpoint import store_envelope, store_payload, store_query

_LARGE = 32 << 10
"""Bytes after inflating from which on an envelope counts as large."""
_HEAD = 512
"""Bytes of a large gzip body that are looked into before the answer; its header lines are in them."""
_HEAD_PLAIN = 4096
"""Bytes these may inflate to."""


class _ItemHead(msgspec.Struct, frozen=True, gc=False):
    type: str
    length: int | None = None


_decode_item = msgspec.json.Decoder(_ItemHead).decode
_NO_TRACE = msgspec.Raw(b"")


class Part(msgspec.Struct, frozen=True, gc=False):
    """One item: its type, the headers that matter, and its payload, decompressed."""

    type: str
    headers: dict[str, Any]
    payload: bytes | memoryview


class Contents(msgspec.Struct, frozen=True):
    """The items of a request, and what its envelope says about all of them."""

    event_id: str | None
    """32 lower-case hex digits."""
    dsn: str | None
    trace: msgspec.Raw
    """The dynamic sampling context of the envelope as JSON; empty when it has none."""
    parts: Callable[[], tuple[Part, ...]]
    """Makes the parts: deciding about a request needs none of them."""


class Raw(msgspec.Struct, frozen=True, gc=False):
    """The raw material: one request's body and the parts of the request that say how to read it."""

    route: str
    method: str
    query: str
    content_type: str
    encoding: str
    body: bytes
    fallback_event_id: str
    """For an event that came without an id and to an endpoint where it needs none."""


def read_contents(raw: Raw, limits: Limits = DEFAULT_LIMITS) -> Contents:
    """Undo the encoding and check the structure; JSON of an envelope's items is not decoded.

    Raises ``ProtocolError`` with the documented status: 400 malformed, 413 too large, 415 media type.
    """
    reader = _READERS.get(raw.route)
    if reader is None:
        raise ProtocolError("this server has no such endpoint", status=404)
    if raw.method == "GET":
        return _store(raw, b"", limits)
    return reader(raw, decompress(raw.body, raw.encoding, limits.envelope_bytes), limits)


def check_contents(raw: Raw, limits: Limits = DEFAULT_LIMITS) -> Contents:
    """As ``read_contents``, but a large gzip envelope is only looked into; ``parts`` is not to be called then."""
    return _head(raw, limits) or read_contents(raw, limits)


def _head(raw: Raw, limits: Limits) -> Contents | None:
    """What the beginning of a large gzip envelope of one item says; None: it must be read whole."""
    if raw.route != "envelope" or raw.encoding != "gzip":
        return None
    size = int.from_bytes(raw.body[-4:], "little")  # RFC 1952, 2.3.1: ISIZE, the size of the input
    if not _LARGE < size <= limits.envelope_bytes:
        return None
    try:
        head = zlib.decompressobj(31).decompress(raw.body[:_HEAD], _HEAD_PLAIN)
    except zlib.error:
        return None
    first = head.find(b"\n")
    second = head.find(b"\n", first + 1)
    if first < 0 or second < 0:
        return None
    try:
        item = _decode_item(head[first + 1 : second])
    except JSON_ERRORS:
        return None
    if item.length is None or item.length > limits.item_bytes.get(item.type, limits.envelope_bytes):
        return None
    end = second + 1 + item.length
    if size not in (end, end + 1):
        return None
    envelope = split_envelope(head[:first], limits)
    return Contents(envelope.event_id, envelope.headers.dsn, envelope.headers.trace, tuple)


def _envelope(raw: Raw, data: bytes, limits: Limits) -> Contents:
    envelope = split_envelope(data, limits)

    def parts() -> tuple[Part, ...]:
        return tuple([Part(item.type, item.headers, envelope.payload(item)) for item in envelope.items])

    return Contents(envelope.event_id, envelope.headers.dsn, envelope.headers.trace, parts)


def _store(raw: Raw, data: bytes, limits: Limits) -> Contents:
    most = limits.item_bytes.get("event", limits.envelope_bytes)
    payload = store_query(raw.query, most) if raw.method == "GET" else store_payload(data, most)
    return _of(store_envelope(payload, raw.fallback_event_id, limits))


def _security(raw: Raw, data: bytes, limits: Limits) -> Contents:
    return _of(Envelope({}, parse_security(data, raw.content_type, raw.query)))


def _nel(raw: Raw, data: bytes, limits: Limits) -> Contents:
    return _of(Envelope({}, parse_nel(data, raw.content_type)))


def _minidump(raw: Raw, data: bytes, limits: Limits) -> Contents:
    items = parse_minidump(data, raw.content_type, limits)
    return _of(Envelope({"event_id": raw.fallback_event_id}, items))


def _of(envelope: Envelope) -> Contents:
    def parts() -> tuple[Part, ...]:
        return tuple([Part(item.type, item.headers, item.payload) for item in envelope.items])

    return Contents(envelope.event_id, None, _NO_TRACE, parts)


_READERS: dict[str, Callable[[Raw, bytes, Limits], Contents]] = {
    "envelope": _envelope,
    "store": _store,
    "security": _security,
    "nel": _nel,
    "minidump": _minidump,
}
