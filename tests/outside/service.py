"""A service that runs by itself, without the agent: WSGI, with a real SDK. Arguments: port, DSN."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import sentry_sdk
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/hangup":
        # As of a process that dies: nobody is answered.
        environ["wsgi.input"].raw._sock.shutdown(2)
    if path in ("/boom", "/orders"):
        try:
            raise RuntimeError(path)
        except RuntimeError:
            sentry_sdk.capture_exception()
            start_response("500 Internal Server Error", [("Content-Length", "0")])
            return [b""]
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


if __name__ == "__main__":
    port, dsn = int(sys.argv[1]), sys.argv[2]
    sentry_sdk.init(dsn, transport_queue_size=1000)
    with make_server("127.0.0.1", port, SentryWsgiMiddleware(app), handler_class=Quiet) as server:
        server.serve_forever(poll_interval=0.05)
