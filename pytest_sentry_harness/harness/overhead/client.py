"""One kept connection to one arm, one request in flight."""

from __future__ import annotations

import json
import select
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httptools

from ... import clock
from ...errors import LoadError

_CHUNK = 1 << 16
_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    seconds: float
    """From the first byte sent to the last byte received."""
    trace_id: str
    body: bytes


class ArmClient:
    """Sends requests to the arm at ``base_url`` over one connection, each after the answer to the one before.

    Every request starts a trace of its own. A connection that the service closes is opened again before the
    next request, and opening it is not timed.
    """

    def __init__(self, arm: str, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._arm, self._url = arm, base_url
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._socket: socket.socket | None = None
        self.reconnected = 0
        """How often the connection had to be opened again."""

    def prepare(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> bytes:
        """A request's bytes, but for the trace: whatever can be made before the clock starts."""
        payload = b"" if body is None else json.dumps(body).encode()
        given = {name.lower() for name in headers}
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._address[0]}:{self._address[1]}"]
        if body is not None and "content-type" not in given:
            lines.append("Content-Type: application/json")
        if payload or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(payload)}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + payload

    def send(self, prepared: bytes, sample_rand: float | None = None) -> Reply:
        """Send it and wait for the whole answer. Raises ``LoadError`` when there is none.

        ``sample_rand``: what the SDK compares its ``traces_sample_rate`` with; None leaves it to the SDK.
        """
        trace_id = uuid.uuid4().hex
        first, _, rest = prepared.partition(b"\r\n")
        trace = f"sentry-trace: {trace_id}-{trace_id[:16]}".encode()
        if sample_rand is not None:
            trace += f"\r\nbaggage: sentry-trace_id={trace_id},sentry-sample_rand={sample_rand:.6f}".encode()
        message = b"\r\n".join((first, trace, rest))
        try:
            return self._exchange(message, trace_id)
        except (OSError, httptools.HttpParserError, EOFError) as error:
            self.close()
            said = str(error) or type(error).__name__
            raise LoadError(
                f"arm {self._arm!r} does not answer {first.decode('latin-1').rpartition(' ')[0]}: {said}",
                where=self._url,
                hint="does the target listen on {port}, and does it stay up? see its log in the run folder",
            ) from error

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, message: bytes, trace_id: str) -> Reply:
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self.close()  # nothing can have been sent to us: the service closed the connection while it was idle
            self.reconnected += 1
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=_TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer = _Answer()
        parser = answer.parser = httptools.HttpResponseParser(answer)
        begun = clock.monotonic()
        self._socket.sendall(message)
        while not answer.complete:
            data = self._socket.recv(_CHUNK)
            if not data:
                raise EOFError("the connection was closed before the answer was complete")
            parser.feed_data(data)
        seconds = clock.monotonic() - begun
        if not answer.kept:
            self.close()
            self.reconnected += 1
        return Reply(parser.get_status_code(), seconds, trace_id, b"".join(answer.body))


class _Answer:
    """What the parser calls."""

    def __init__(self) -> None:
        self.parser: httptools.HttpResponseParser | None = None
        self.complete = self.kept = False
        self.body: list[bytes] = []

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.complete = True
        # To be asked now: after the last byte the parser is on to the next message, and says no.
        self.kept = self.parser is not None and self.parser.should_keep_alive()
