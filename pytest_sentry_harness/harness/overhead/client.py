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
class Prepared:
    """A request's bytes, but for the trace."""

    line: bytes
    """The request line."""
    rest: bytes
    """What follows the trace's headers."""
    alone: bool
    """It is the last one on its connection, and says so."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    seconds: float
    """From the first byte sent to the last byte received."""
    trace_id: str
    body: bytes


class _UnansweredError(EOFError):
    """The connection ended before a single byte of the answer had come."""


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
        """How often the service had closed the connection, and it had to be opened again."""

    def prepare(
        self, method: str, path: str, body: Any, headers: Mapping[str, str], *, alone: bool = False
    ) -> Prepared:
        """Whatever of a request can be made before the clock starts.

        ``alone``: it asks for its connection to be closed after it. A server may close the connection on which an exception
        has passed through it, and say nothing about it in the answer: the next request would meet the closing.
        """
        payload = b"" if body is None else json.dumps(body).encode()
        given = {name.lower() for name in headers}
        lines = [f"Host: {self._address[0]}:{self._address[1]}"]
        if body is not None and "content-type" not in given:
            lines.append("Content-Type: application/json")
        if payload or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(payload)}")
        if alone and "connection" not in given:
            lines.append("Connection: close")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        rest = "\r\n".join([*lines, "", ""]).encode("latin-1") + payload
        return Prepared(line=f"{method} {path} HTTP/1.1".encode("latin-1"), rest=rest, alone=alone)

    def send(self, prepared: Prepared, sample_rand: float | None = None) -> Reply:
        """Send it and wait for the whole answer. Raises ``LoadError`` when there is none.

        ``sample_rand``: what the SDK compares its ``traces_sample_rate`` with; None leaves it to the SDK.
        """
        trace_id = uuid.uuid4().hex
        trace = f"sentry-trace: {trace_id}-{trace_id[:16]}".encode()
        if sample_rand is not None:
            trace += f"\r\nbaggage: sentry-trace_id={trace_id},sentry-sample_rand={sample_rand:.6f}".encode()
        message = b"\r\n".join((prepared.line, trace, prepared.rest))
        try:
            reply = self._exchange(message, trace_id)
        except (OSError, httptools.HttpParserError, EOFError) as error:
            self.close()
            said = str(error) or type(error).__name__
            raise LoadError(
                f"arm {self._arm!r} does not answer {prepared.line.decode('latin-1').rpartition(' ')[0]}: {said}",
                where=self._url,
                hint=_hint(error),
            ) from error
        if prepared.alone:
            self.close()
        return reply

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, message: bytes, trace_id: str) -> Reply:
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self._lose()  # nothing can have been sent to us: the service closed the connection while it was idle
        if self._socket is not None:
            try:
                return self._ask(self._socket, message, trace_id)
            except _UnansweredError:
                # It was closed while the request was on its way. Any client has to try such a one again (RFC 9112, 9.5);
                # that nobody answers at all is known when a new connection ends in the same way.
                self._lose()
        self._socket = socket.create_connection(self._address, timeout=_TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._ask(self._socket, message, trace_id)

    def _ask(self, connection: socket.socket, message: bytes, trace_id: str) -> Reply:
        """One request and its answer. Raises ``_UnansweredError`` when nothing at all came back."""
        answer = _Answer()
        parser = answer.parser = httptools.HttpResponseParser(answer)
        begun = clock.monotonic()
        got = False
        try:
            connection.sendall(message)
            while not answer.complete:
                data = connection.recv(_CHUNK)
                if not data:
                    raise EOFError("the connection was closed before the answer was complete")
                got = True
                parser.feed_data(data)
        except (ConnectionError, EOFError) as error:
            if got:
                raise
            raise _UnansweredError(f"it closed the connection without answering ({error})") from error
        seconds = clock.monotonic() - begun
        if not answer.kept:
            self._lose()
        return Reply(parser.get_status_code(), seconds, trace_id, b"".join(answer.body))

    def _lose(self) -> None:
        self.close()
        self.reconnected += 1


def _hint(error: Exception) -> str:
    """What to look at, by how it went wrong."""
    log = "see its log in the run folder, under launches"
    if isinstance(error, ConnectionRefusedError):
        return f"does the target listen on {{port}}, and does it stay up? {log}"
    if isinstance(error, TimeoutError):
        return f"it accepted the connection, and said nothing for {_TIMEOUT:.0f} s: does this request hang? {log}"
    if isinstance(error, httptools.HttpParserError):
        return f"what listens on {{port}} does not speak HTTP/1.1: is it the service? {log}"
    return f"it listens, and ended this connection: did the request end or restart a process of it? {log}"


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
