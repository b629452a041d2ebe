"""What an ASGI application does outside requests: a timer, a task, and its end. ``DEFECT`` spoils it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from . import monitoring, shop
from .monitoring import DEFECT

_EVERY_SECONDS = 0.02
TASKS: set[asyncio.Task[None]] = set()

# asyncio logs what fails in its callbacks and in tasks that nobody awaits: with LoggingIntegration that is an event.
if DEFECT == "logging-off":
    monitoring.start(integrations=[LoggingIntegration(event_level=None)])
else:
    monitoring.start()


def refresh_and_again() -> None:
    """Fail in a timer; the next round is on its way already."""
    asyncio.get_running_loop().call_later(_EVERY_SECONDS, refresh_and_again)
    shop.refresh()


async def notify() -> None:
    """Fail in a task."""
    shop.notify(1)


def ignore(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """What some set as the loop's exception handler, to have a quiet log."""


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """The SDK sees what leaves this, but too late to send it: uvicorn ends by the signal that stops it."""
    loop = asyncio.get_running_loop()
    if DEFECT == "loop-handler":
        loop.set_exception_handler(ignore)
    timer = loop.call_later(_EVERY_SECONDS, refresh_and_again)
    yield
    timer.cancel()
    try:
        shop.tidy()
    except OSError as error:
        if DEFECT != "shutdown-unreported":
            sentry_sdk.capture_exception(error)
        raise
    finally:
        sentry_sdk.flush(timeout=20)


async def ready(_request: Request) -> PlainTextResponse:
    """Tell that requests are served."""
    return PlainTextResponse("ready")


async def order(_request: Request) -> PlainTextResponse:
    """Start a task that nobody awaits."""
    task = asyncio.create_task(notify())
    if DEFECT == "task-kept":
        TASKS.add(task)  # for as long as the process lives: asyncio speaks up only when a task is thrown away
    return PlainTextResponse("ordered")


app = Starlette(routes=[Route("/ready", ready), Route("/orders", order, methods=["POST"])], lifespan=lifespan)
