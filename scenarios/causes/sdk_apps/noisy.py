"""A service that reports each failure once; unless DEFECT makes it report the same again and again."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import sentry_sdk
from fastapi import FastAPI, Request, Response

DEFECT = os.environ.get("DEFECT", "")
ATTEMPTS = 3
logger = logging.getLogger("sdk_apps.noisy")


def save_order() -> None:
    """Its failure ends the request."""


async def fetch_quote() -> None:
    """Is tried again when it fails."""


async def count_stock() -> None:
    """Its failure passes a middleware."""


class RequestFailedError(Exception):
    """What the middleware makes of every error."""


sentry_sdk.init(release="noisy@1")


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """What is sent last, is sent here."""
    yield
    sentry_sdk.flush(timeout=20)


app = FastAPI(lifespan=lifespan)


async def report_and_wrap(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Report the error, and let another one go on in its place, which the SDK cannot take for the same."""
    try:
        return await go_on(request)
    except Exception as error:
        sentry_sdk.capture_exception(error)
        raise RequestFailedError(request.url.path) from error


if DEFECT == "wrap":
    app.middleware("http")(report_and_wrap)


@app.get("/health")
async def health() -> dict[str, str]:
    """Ready."""
    return {"status": "ok"}


@app.get("/orders")
def orders() -> dict[str, str]:
    """Runs in a thread: what is logged there, and then goes on, is reported twice."""
    if DEFECT == "log_and_raise":
        try:
            save_order()
        except Exception:
            logger.exception("the order was not saved")
            raise
    save_order()
    return {}


@app.get("/quotes")
async def quotes() -> dict[str, str]:
    """Try three times; only when all have failed there is something to report, and it is one thing."""
    failures: list[Exception] = []
    for _ in range(ATTEMPTS):
        try:
            await fetch_quote()
        except OSError as error:
            failures.append(error)
            if DEFECT == "report_attempts":
                logger.exception("no quote, trying again")
        else:
            return {}
    if DEFECT == "report_attempts":
        return {"quote": "of yesterday"}
    raise ExceptionGroup("no quote after all attempts", failures)


@app.get("/stock")
async def stock() -> dict[str, str]:
    """Fails as it fails."""
    await count_stock()
    return {}
