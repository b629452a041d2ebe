"""One HTTP POST: no redirects, no proxies, a deadline for all of it, a bounded answer."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from .cut_off import CutOff

MOST_ANSWER = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the receiver said."""

    status: int
    text: str
    """The first 2 KiB of the body."""
    retry_after: float | None
    """Seconds; a date is not looked at."""


def post(url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
    """Send ``body`` to ``url``; ``timeout``: seconds for all of it.

    Raises ``TimeoutError``, another ``OSError``, or ``http.client.HTTPException`` when there is no answer that can be read.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # Kept aside: the connection forgets its socket as soon as the answer begins.
    sockets: list[socket.socket] = []
    try:
        with CutOff(timeout, lambda: sockets[0] if sockets else connection.sock):
            connection.connect()
            sockets.append(connection.sock)
            connection.request("POST", target, body=body, headers={**headers, "Connection": "close"})
            with connection.getresponse() as response:
                text = response.read(MOST_ANSWER).decode("utf-8", "replace")
    finally:
        connection.close()
    asked = response.headers.get("Retry-After", "")
    return Answer(
        status=response.status,
        text=text,
        retry_after=float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else None,
    )
