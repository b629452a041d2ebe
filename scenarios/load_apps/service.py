"""The reference service as an ASGI application, with the defect that ``DEFECT`` names.

``default-queue``: the SDK's queue has the size it has by itself. ``closes``: something closes the SDK's client in mid-run,
as a library does that thinks it is its own. ``leaks``: something of each request is kept for ever. ``sheds``: what comes
faster than ``SHEDS_ABOVE`` a second is refused at once, as by a limiter that was set for quieter days.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import Any

import sentry_sdk
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pytest_sentry_harness.reference.app import create_app

DEFECT = os.environ.get("DEFECT", "")
CLOSES_AFTER = float(os.environ.get("CLOSES_AFTER", "20"))
SHEDS_ABOVE = int(os.environ.get("SHEDS_ABOVE", "6"))
LEAKED = 400_000
"""Bytes for each request."""
OPTIONS: dict[str, dict[str, Any]] = {
    "": {},
    "default-queue": {"transport_queue_size": 100},
    "closes": {},
    "leaks": {},
    "sheds": {},
}


class Remembering:
    """A middleware with a cache that nobody ever empties."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._seen: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep what came, and pass it on."""
        self._seen.append(os.urandom(LEAKED))
        await self._app(scope, receive, send)


class Shedding:
    """A middleware that answers 503 to what comes too fast: nobody waits, and nobody is served."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._served: deque[float] = deque(maxlen=SHEDS_ABOVE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it, unless as many as allowed were served within the last second."""
        now = time.monotonic()
        if scope["type"] == "http" and len(self._served) == SHEDS_ABOVE and now - self._served[0] < 1:
            await PlainTextResponse("busy", status_code=503)(scope, receive, send)
            return
        if scope["type"] == "http":
            self._served.append(now)
        await self._app(scope, receive, send)


def close_client() -> None:
    """Close the client that everybody else still uses."""
    sentry_sdk.get_client().close(timeout=2.0)


def build() -> FastAPI:
    """The application with its defect, if any."""
    application = create_app(sentry_options=OPTIONS[DEFECT])
    if DEFECT == "closes":
        timer = threading.Timer(CLOSES_AFTER, close_client)
        timer.daemon = True
        timer.start()
    elif DEFECT == "leaks":
        application.add_middleware(Remembering)
    elif DEFECT == "sheds":
        application.add_middleware(Shedding)
    return application


app = build()
