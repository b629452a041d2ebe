"""The reference service as an ASGI application, with the defect that ``DEFECT`` names.

``default-queue``: the SDK's queue has the size it has by itself. ``closes``: something closes the SDK's client in mid-run,
as a library does that thinks it is its own. ``leaks``: something of each request is kept for ever.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import sentry_sdk
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from pytest_sentry_harness.reference.app import create_app

DEFECT = os.environ.get("DEFECT", "")
CLOSES_AFTER = float(os.environ.get("CLOSES_AFTER", "20"))
LEAKED = 400_000
"""Bytes for each request."""
OPTIONS: dict[str, dict[str, Any]] = {
    "": {},
    "default-queue": {"transport_queue_size": 100},
    "closes": {},
    "leaks": {},
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
    return application


app = build()
