"""Two WSGI applications in one process, one thread serving both: a Flask shop, and a small admin page beside it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from typing import Any

import sentry_sdk
from flask import Flask
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

DEFECT = os.environ.get("DEFECT", "")


def order() -> None:
    """Fails in the shop."""


def inspect() -> None:
    """Fails in the admin page."""


sentry_sdk.init(release="two-apps@1", integrations=[LoggingIntegration(event_level=None)])
shop = Flask(__name__)


@shop.get("/health")
def health() -> str:
    """Ready."""
    return "ok"


@shop.get("/orders")
def orders() -> str:
    """Says nothing about who it is for."""
    order()
    return ""


def admin(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Says who it is for."""
    sentry_sdk.set_tag("visit", environ.get("HTTP_SENTRY_TRACE", "")[:32])
    try:
        inspect()
    except Exception as error:
        sentry_sdk.capture_exception(error)
        start_response("500 Internal Server Error", [("Content-Length", "0")])
        return [b""]
    start_response("204 No Content", [])
    return []


def main() -> None:
    """Serve both until told to stop, then send what is left."""
    # Flask's integration isolates the shop's requests. What is mounted beside it needs the same by hand.
    beside = admin if DEFECT == "unwrapped" else SentryWsgiMiddleware(admin)
    both = DispatcherMiddleware(shop, {"/admin": beside})
    server = make_server("127.0.0.1", int(sys.argv[1]), both)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.serve_forever()
    finally:
        sentry_sdk.flush(timeout=20)


if __name__ == "__main__":
    main()
