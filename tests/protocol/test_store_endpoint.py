"""The store endpoint's bodies."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import quote

import pytest

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol.envelope import Item
from pytest_sentry_harness.protocol.store_endpoint import store_envelope, store_payload, store_query

from .test_encodings import bombs

EVENT = b'{"event_id":"%s","message":"hello??>>"}' % (b"ab" * 16)
ID, FALLBACK = "ab" * 16, "cd" * 16
PACKED = base64.b64encode(zlib.compress(EVENT))


@pytest.mark.parametrize(
    "body",
    [
        EVENT,
        b"  \n" + EVENT + b"\n",
        base64.b64encode(EVENT),
        PACKED,
        PACKED.rstrip(b"="),
        base64.urlsafe_b64encode(zlib.compress(EVENT)),
        b"\r\n".join(PACKED[i : i + 20] for i in range(0, len(PACKED), 20)),
    ],
)
def test_forms(body: bytes) -> None:
    """JSON; base64 of it, plain or compressed, in every variant of base64 clients use."""
    assert store_payload(body) == EVENT


@pytest.mark.parametrize(
    "query",
    [
        "sentry_data=" + quote(EVENT.decode()),
        "sentry_version=7&sentry_data=" + quote(PACKED.decode()) + "&x=y",
        "sentry_data=" + PACKED.decode(),
    ],
)
def test_query(query: str) -> None:
    """The event in a GET query, also with a plus that was not escaped."""
    assert store_query(query) == EVENT


def test_envelope() -> None:
    """The event's own id is used, else the one handed in; transactions are told apart."""
    envelope = store_envelope(EVENT, FALLBACK)
    assert envelope.event_id == ID
    assert envelope.items == (Item("event", {"content_type": "application/json"}, EVENT),)
    assert store_envelope(b"{}", FALLBACK).event_id == FALLBACK
    assert store_envelope(b'{"type":"transaction"}', FALLBACK).items[0].type == "transaction"


def test_bomb() -> None:
    """A bomb in base64 is a 413."""
    with pytest.raises(ProtocolError) as caught:
        store_payload(base64.b64encode(bombs("deflate", 32 << 20)))
    assert caught.value.status == 413


def test_limits() -> None:
    """Plain JSON is bounded as well."""
    with pytest.raises(ProtocolError, match="the event has 11 bytes; at most 10") as caught:
        store_payload(b'{"a":"123"}', 10)
    assert caught.value.status == 413
    with pytest.raises(ProtocolError, match=f"the event has {(1 << 20) + 8} bytes; at most {1 << 20}"):
        store_envelope(b'{"a":"%s"}' % (b" " * (1 << 20)), FALLBACK)
