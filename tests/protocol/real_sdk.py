"""Payloads as a real SDK writes them: an SDK with a transport that keeps the envelope instead of sending it."""

from __future__ import annotations

import io
from functools import cache

import sentry_sdk
import sentry_sdk.logger
from sentry_sdk.envelope import Envelope as SdkEnvelope
from sentry_sdk.transport import Transport


class KeepingTransport(Transport):
    """Keeps the bytes of every envelope."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    def capture_envelope(self, envelope: SdkEnvelope) -> None:
        buffer = io.BytesIO()
        envelope.serialize_into(buffer)
        self.bodies.append(buffer.getvalue())


def _fail(depth: int, **extra: object) -> None:
    local_list = [f"value {n}" for n in range(9)]
    local_map = {f"key {n}": {"nested": [n, n * 2, "x" * 40]} for n in range(6)}
    if depth == 0:
        raise TimeoutError(f"database did not answer: {len(local_list)} {len(local_map)}")
    _fail(depth - 1, **{**extra, f"depth_{depth}": "y" * 30})


def _chain() -> None:
    try:
        _fail(24)
    except TimeoutError as cause:
        raise ValueError("order was not saved") from cause


def record(deep: bool) -> list[bytes]:
    """Envelopes of one handled error with a cause (about 50 kB when ``deep``), one transaction, one session, one log."""
    transport = KeepingTransport()
    client = sentry_sdk.Client(
        dsn="http://0123456789abcdef0123456789abcdef@localhost:9/1",
        transport=transport,
        default_integrations=False,
        traces_sample_rate=1.0,
        enable_logs=True,
        release="shop@1.2.3",
        environment="test",
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        scope.set_user({"id": "7", "email": "somebody@example.com"})
        scope.set_tag("team", "orders")
        for number in range(24):
            scope.add_breadcrumb(category="query", message=f"SELECT {number}", data={"rows": number})
        scope.start_session(session_mode="application")
        with sentry_sdk.start_transaction(op="http.server", name="POST /orders"):
            with sentry_sdk.start_span(op="db", name="INSERT"):
                pass
            try:
                _chain() if deep else _fail(1)
            except (ValueError, TimeoutError) as error:
                scope.capture_exception(error)
            sentry_sdk.logger.info("order {number} failed", number=7)
        scope.end_session()
        client.close(timeout=2)
    return transport.bodies


@cache
def deep() -> tuple[bytes, ...]:
    """``record(deep=True)``, made once."""
    return tuple(record(deep=True))


def envelope_with(item_type: str) -> bytes:
    """The recorded envelope whose first item has this type."""
    return next(body for body in deep() if f'"type":"{item_type}"'.encode() in body.split(b"\n")[1])
