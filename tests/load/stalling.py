"""A service that stalls once, for a known time: from its n-th request on, everybody waits until the stall is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Stalling(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, at_request: int, seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.at_request, self.seconds = at_request, seconds
        self.lock = threading.Lock()
        self.requests = 0
        self.until = 0.0
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stall(self) -> None:
        """Wait for the end of the stall, should it be on; the ``at_request``-th request begins it."""
        with self.lock:
            self.requests += 1
            if self.requests == self.at_request:
                self.until = time.monotonic() + self.seconds
            left = self.until - time.monotonic()
        if left > 0:
            time.sleep(left)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may go away."""


class _Handler(BaseHTTPRequestHandler):
    server: Stalling
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.stall()
        self.send_response(500 if self.path.startswith("/boom") else 200)
        self.send_header("content-length", "2")
        if self.path.startswith("/close"):
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def stalling_server(at_request: int = 0, seconds: float = 0.0) -> Iterator[Stalling]:
    """Serve until the block ends; with no ``at_request`` it never stalls."""
    server = Stalling(at_request, seconds)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
