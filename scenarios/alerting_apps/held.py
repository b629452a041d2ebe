"""An application whose SDK holds back what is tagged so, for HOLD seconds."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import AsyncIterator
from typing import Any

import sentry_sdk
from fastapi import FastAPI
from sentry_sdk.transport import HttpTransport

HOLD = float(os.environ.get("HOLD", "0"))


class HoldingTransport(HttpTransport):
    """Sends as usual, but later."""

    held: list[threading.Timer] = []

    def capture_envelope(self, envelope: Any) -> None:
        """Hold it back when its event is tagged."""
        event = envelope.get_event() or {}
        if not HOLD or "held" not in event.get("tags", {}):
            super().capture_envelope(envelope)
            return
        timer = threading.Timer(HOLD, super().capture_envelope, args=(envelope,))
        self.held.append(timer)
        timer.start()


sentry_sdk.init(release="held@1", environment="production", transport=HoldingTransport)


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """What is held back is sent before the end; the connection is there from the beginning on."""
    sentry_sdk.capture_message("started")
    sentry_sdk.flush(timeout=20)
    yield
    for timer in HoldingTransport.held:
        timer.join()
    sentry_sdk.flush(timeout=20)


app = FastAPI(lifespan=lifespan)


def work() -> None:
    """What is asked for."""


@app.get("/health")
async def health() -> dict[str, str]:
    """Ready."""
    return {"status": "ok"}


@app.get("/held")
def held() -> dict[str, str]:
    """What it reports is held back."""
    sentry_sdk.get_isolation_scope().set_tag("held", "yes")
    work()
    return {}


@app.get("/{leg}")
def go(leg: str) -> dict[str, str]:
    """What it reports is not."""
    work()
    return {"leg": leg}
