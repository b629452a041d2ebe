"""Speak to a server byte by byte: what SDKs of other languages do, and what broken clients do."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import uuid
from dataclasses import dataclass
from typing import Any

from pytest_sentry_harness.server.client import EmbeddedServer, ServerClient
from pytest_sentry_harness.server.views import Project


@dataclass
class Answered:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Bench:
    """A running server with one project of the test's own."""

    server: EmbeddedServer
    client: ServerClient
    project: Project

    @property
    def auth(self) -> dict[str, str]:
        return {"X-Sentry-Auth": f"Sentry sentry_key={self.project.public_key}, sentry_version=7"}

    @property
    def envelope_path(self) -> str:
        return f"/api/{self.project.project_id}/envelope/"

    def send(
        self,
        body: bytes | list[bytes],
        *,
        path: str | None = None,
        method: str = "POST",
        headers: dict[str, str] | None = None,
        auth: bool = True,
    ) -> Answered:
        """One request on a connection of its own; a list of bytes is sent in chunks."""
        given = {**(self.auth if auth else {}), **(headers or {})}
        return request(
            self.server.port,
            method,
            self.envelope_path if path is None else path.replace("{p}", self.project.project_id),
            body,
            given,
        )

    def gzipped(self, body: bytes) -> Answered:
        """An envelope as most SDKs send it."""
        return self.send(gzip.compress(body), headers={"Content-Encoding": "gzip"})

    def outcomes(self) -> list[tuple[str, str, str, int]]:
        """Outcome, reason, item type and status of all that came for the project."""
        page = self.client.arrivals(project=self.project.project_id)
        assert page.behind == 0
        return [(a.outcome, a.reason, a.item_type, a.status) for a in page.arrivals]


def request(
    port: int, method: str, path: str, body: bytes | list[bytes], headers: dict[str, str]
) -> Answered:
    """One HTTP request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        chunked = isinstance(body, list)
        sent = iter(body) if isinstance(body, list) else body or None
        connection.request(method, path, body=sent, headers=headers, encode_chunked=chunked)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answered(answer.status, found, answer.read())
    finally:
        connection.close()


def event(message: str = "boom", *, event_id: str | None = None, size: int = 0) -> tuple[str, bytes]:
    """An id, and an envelope with one event of that id; ``size`` bytes of padding in the event."""
    event_id = event_id or uuid.uuid4().hex
    payload = json.dumps({"message": message, "extra": {"padding": "x" * size}}).encode()
    return event_id, envelope([({"type": "event"}, payload)], event_id=event_id)


def envelope(items: list[tuple[dict[str, Any], bytes]], *, lengths: bool = True, **headers: object) -> bytes:
    """Bytes of an envelope."""
    lines = [json.dumps(headers).encode()]
    for item, payload in items:
        lines.append(json.dumps({**item, "length": len(payload)} if lengths else item).encode())
        lines.append(payload)
    return b"\n".join(lines) + b"\n"


def raw(port: int, data: bytes, *, most: int = 65536) -> bytes:
    """Send bytes as they are and return what one ``recv`` gives."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(data)
        return sock.recv(most)


def post_bytes(bench: Bench, body: bytes) -> bytes:
    """A whole POST of an envelope as bytes."""
    head = (
        f"POST {bench.envelope_path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        f"X-Sentry-Auth: {bench.auth['X-Sentry-Auth']}\r\n\r\n"
    )
    return head.encode() + body
