"""What may stand between an application and Sentry, and answer in its place."""

import contextlib
import socket
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class Front(BaseHTTPRequestHandler):
    """Reads a request to its end; what it answers is up to the classes below."""

    protocol_version = "HTTP/1.1"
    upstream = ""

    def do_POST(self) -> None:
        """Take an envelope."""
        self.take(self.rfile.read(int(self.headers["Content-Length"])))

    def take(self, body: bytes) -> None:
        """Answer it."""
        raise NotImplementedError

    def answer(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Swallowing(Front):
    """Says 200 to everything, and passes on nothing."""

    def take(self, body: bytes) -> None:
        """Say 200."""
        self.answer(200, b'{"id": "fc6d8c0c43fc4630ad850ee518f1b9d0"}')


class Passing(Front):
    """Says 200 to everything, and passes on what ``passes`` lets through."""

    events = 0

    def take(self, body: bytes) -> None:
        """Pass it on, or not."""
        type(self).events += 1
        if self.passes():
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            request = urllib.request.Request(self.upstream + self.path, body, headers)
            with urllib.request.urlopen(request, timeout=10) as answer:
                answer.read()
        self.answer(200)

    def passes(self) -> bool:
        """Whether the present event goes on."""
        raise NotImplementedError


class EveryTenth(Passing):
    """Loses every tenth event."""

    def passes(self) -> bool:
        """Not each tenth."""
        return self.events % 10 != 0


class Stuck(Passing):
    """Passes on nothing more after twelve events."""

    def passes(self) -> bool:
        """The first twelve."""
        return self.events <= 12


class Login(Front):
    """Leads everybody to a login page, which answers 200 as pages do."""

    def take(self, body: bytes) -> None:
        """Lead away."""
        self.answer(302 if self.path.startswith("/api/") else 200, b"<html>Log in</html>", Location="/login")


class Gibberish(Front):
    """Answers, but not in HTTP."""

    def take(self, body: bytes) -> None:
        """Answer nonsense."""
        self.wfile.write(b"-ERR unknown command 'POST'\r\n")
        self.close_connection = True


@contextlib.contextmanager
def listening(front: type[Front], upstream: str = "") -> Iterator[str]:
    """``front`` listens; gives its address. ``upstream`` is the DSN of what it stands in front of."""
    parts = urlsplit(upstream)
    front.upstream = f"http://{parts.hostname}:{parts.port}"
    server = ThreadingHTTPServer(("127.0.0.1", 0), front)
    server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def dsn_at(dsn: str, address: str) -> str:
    """``dsn`` with another host and port."""
    parts = urlsplit(dsn)
    return parts._replace(netloc=f"{parts.username}@{address}").geturl()
