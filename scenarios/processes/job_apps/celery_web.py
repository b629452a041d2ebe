"""A web application that leaves its work to Celery. It starts the worker itself, and stops it at its end."""

import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware

from job_apps.celery_driver import start_worker
from job_apps.celery_jobs import divide, work


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """``POST /work`` and ``POST /divide`` send a task and answer at once."""
    path = environ["PATH_INFO"]
    if path == "/work":
        work.delay(1)
    elif path == "/divide":
        divide.delay(1)
    start_response("202 Accepted" if path != "/health" else "200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


def main() -> None:
    """Serve until told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    worker = start_worker(*os.environ.get("OPTIONS", "").split())
    try:
        wrapped = SentryWsgiMiddleware(application)
        with make_server("127.0.0.1", int(os.environ["PORT"]), wrapped, handler_class=Quiet) as server:
            server.serve_forever(poll_interval=0.05)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)


if __name__ == "__main__":
    main()
