"""The store endpoint, superseded but still spoken. Sentry developer docs, "Store Endpoint".

The body is one JSON event, or base64 of it, plain or zlib-compressed; by GET it is in ``sentry_data``.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus

from ..errors import ProtocolError
from .encodings import decompress
from .envelope import DEFAULT_LIMITS, Envelope, Item, Limits, normalise_event_id, to_json
from .tolerant import json_object

_WHAT = "the store body"
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")


def store_payload(body: bytes, limit: int = DEFAULT_LIMITS.item_bytes["event"]) -> bytes:
    """The JSON of the one event in ``body``, which has at most ``limit`` bytes.

    Raises ``ProtocolError``: 400 when it is neither JSON nor base64 of (compressed) JSON, 413 when larger.
    """
    text = body.strip(b" \t\r\n")
    if not text:
        raise ProtocolError(f"{_WHAT} is empty")
    if text[:1] not in (b"{", b"["):
        text = _decoded(text, limit)
    if len(text) > limit:
        raise ProtocolError(f"the event has {len(text)} bytes; at most {limit}", status=413)
    return text


def _decoded(text: bytes, limit: int) -> bytes:
    # Some clients use the URL-safe alphabet, break lines, or leave the padding away.
    symbols = text.translate(_STANDARD_ALPHABET, b" \t\r\n").rstrip(b"=")
    try:
        packed = base64.b64decode(symbols + b"=" * (-len(symbols) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError(f"{_WHAT} is neither JSON nor base64", causes=[str(error)]) from error
    if packed[:1] == b"{":
        return packed
    try:
        return decompress(packed, "deflate", limit)
    except ProtocolError as error:
        if error.status == 413:
            raise
        raise ProtocolError(
            f"{_WHAT} is base64, but not of zlib-compressed JSON", causes=[error.what]
        ) from error


def store_query(query_string: str, limit: int = DEFAULT_LIMITS.item_bytes["event"]) -> bytes:
    """The JSON of the event in the field ``sentry_data`` of a query string. Raises as ``store_payload``."""
    for part in query_string.split("&"):
        name, _, value = part.partition("=")
        if name == "sentry_data":
            # A plus that was not escaped is meant as one: base64 has no spaces.
            text = unquote_plus(value)
            if not text.lstrip().startswith("{"):
                text = text.replace(" ", "+")
            return store_payload(text.encode("utf-8", "surrogateescape"), limit)
    raise ProtocolError("the query has no sentry_data")


def store_envelope(payload: bytes, fallback_event_id: str, limits: Limits = DEFAULT_LIMITS) -> Envelope:
    """``payload`` (from ``store_payload``) as the envelope it would be today.

    ``fallback_event_id`` is used when the event has none. Raises ``ProtocolError`` when it is not an event.
    """
    document = json_object(payload, "the event")
    event_id = document.get("event_id")
    if event_id is not None and not isinstance(event_id, str):
        raise ProtocolError("the event's event_id must be a string")
    kind = "transaction" if document.get("type") == "transaction" else "event"
    most = limits.item_bytes.get(kind, limits.envelope_bytes)
    if len(payload) > most:
        raise ProtocolError(f"the {kind} has {len(payload)} bytes; at most {most}", status=413)
    headers = {"event_id": normalise_event_id(event_id or fallback_event_id)}
    return Envelope(headers, (Item(kind, {"content_type": "application/json"}, payload),))


def event_item(document: dict[str, object]) -> Item:
    """An event item holding ``document``."""
    return Item("event", {"content_type": "application/json"}, to_json(document))
