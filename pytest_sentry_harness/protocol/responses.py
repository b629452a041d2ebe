"""What an ingest endpoint answers. Sentry developer docs, "Envelopes: Ingestion" and "Store endpoint: Responses"."""

from __future__ import annotations

import base64

import msgspec

from ..errors import ProtocolError

JSON = (b"content-type", b"application/json")
ERROR_HEADER = b"x-sentry-error"
_MOST_ERROR_HEADER = 400

GIF_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-type", b"image/gif"),
    (b"cache-control", b"no-store"),
)
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent GIF of 1x1 pixels: the answer to an event sent by GET."""

ANSWER_CORS: tuple[tuple[bytes, bytes], ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-sentry-error, x-sentry-rate-limits, retry-after"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)
"""Headers on every answer of an ingest route."""

PREFLIGHT_CORS: tuple[tuple[bytes, bytes], ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST"),
    (
        b"access-control-allow-headers",
        b"x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, content-type, "
        b"authentication, authorization, content-encoding, transfer-encoding",
    ),
    (b"access-control-expose-headers", b"x-sentry-error, x-sentry-rate-limits, retry-after"),
    (b"access-control-max-age", b"3600"),
)
"""Headers of the answer to an OPTIONS request on an ingest route."""


def success_body(event_id: str | None) -> bytes:
    """The body of a 200: the event's id, or an empty object when no item belongs to an event."""
    return b"{}" if event_id is None else b'{"id":%s}' % msgspec.json.encode(event_id)


def error_body(error: ProtocolError) -> bytes:
    """The body of a refusal: ``{"detail": …, "causes": […]}``."""
    return msgspec.json.encode({"detail": _clean(error.what), "causes": [_clean(c) for c in error.causes]})


def error_headers(error: ProtocolError) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of a refusal: content type and the reason as ``X-Sentry-Error``, in visible ASCII."""
    text = error.what.encode("ascii", "backslashreplace")[:_MOST_ERROR_HEADER]
    visible = bytes(byte if 0x20 <= byte < 0x7F else 0x20 for byte in text)
    return (JSON, (ERROR_HEADER, visible.strip()))


def _clean(text: str) -> str:
    """``text`` without lone surrogates, which no UTF-8 document can hold."""
    return text.encode("utf-8", "backslashreplace").decode()
