"""A FastAPI service that handles many of its errors itself, and tells the SDK of each; unless DEFECT is set."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sentry_sdk
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
from sentry_sdk.integrations.starlette import StarletteIntegration

DEFECT = os.environ.get("DEFECT", "")
logger = logging.getLogger("sdk_apps.handled")
pool = ThreadPoolExecutor(max_workers=2)


class PaymentRefusedError(Exception):
    """An error for which the application has a handler."""


# ---- what fails: the fault points ----------------------------------------------------------------


def save_order() -> None:
    """Nobody handles what goes wrong here."""


def fetch_quote() -> None:
    """Its failure becomes an answer 503."""


def pay() -> None:
    """Its failure has a handler."""


def count_stock() -> None:
    """Its failure is answered in the route."""


def send_mail() -> None:
    """Its failure is logged."""


def clean_up() -> None:
    """Its failure does not matter to the request."""


def export() -> None:
    """Runs in a pool, after the request."""


# ---- setting up ----------------------------------------------------------------------------------

OPTIONS: dict[str, dict[str, Any]] = {
    "status_codes": {
        "integrations": [
            StarletteIntegration(failed_request_status_codes=set()),
            FastApiIntegration(failed_request_status_codes=set()),
        ]
    },
    "event_level": {"integrations": [LoggingIntegration(event_level=logging.CRITICAL)]},
    "logging_off": {"disabled_integrations": [LoggingIntegration]},
}


def start_monitoring() -> None:
    """Before the application is made."""
    sentry_sdk.init(release="handled@1", **OPTIONS.get(DEFECT, {}))


if DEFECT != "late":
    start_monitoring()
if DEFECT == "ignored_logger":
    ignore_logger("sdk_apps.*")


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The application is made and its handlers are set up when this begins; what is sent last, is sent here."""
    if DEFECT == "late":
        start_monitoring()
    yield
    pool.shutdown()
    sentry_sdk.flush(timeout=20)


app = FastAPI(lifespan=lifespan)


# ---- handlers and middleware ---------------------------------------------------------------------


def payment_refused(_request: Request, error: Exception) -> JSONResponse:
    """Report, then answer."""
    sentry_sdk.capture_exception(error)
    return JSONResponse({"detail": "refused"}, status_code=402)


def payment_refused_silently(_request: Request, error: Exception) -> JSONResponse:
    """Answer only, which is the defect."""
    return JSONResponse({"detail": "refused"}, status_code=402)


def unavailable(_request: Request, error: Exception) -> JSONResponse:
    """A handler for a status: the SDK does not stand in front of those, which is the defect."""
    return JSONResponse({"detail": "try again"}, status_code=503)


async def stop_everything(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """A middleware that answers every error, which is the defect."""
    try:
        return await go_on(request)
    except Exception:
        return JSONResponse({"detail": "sorry"}, status_code=500)


app.add_exception_handler(
    PaymentRefusedError, payment_refused_silently if DEFECT == "silent_handler" else payment_refused
)
if DEFECT == "status_handler":
    app.add_exception_handler(503, unavailable)
if DEFECT == "middleware":
    app.middleware("http")(stop_everything)


# ---- routes --------------------------------------------------------------------------------------


@app.get("/health")
async def health() -> dict[str, str]:
    """Ready."""
    return {"status": "ok"}


@app.get("/orders")
async def orders() -> dict[str, str]:
    """Fails as it fails."""
    save_order()
    return {}


@app.get("/quotes")
async def quotes() -> dict[str, str]:
    """A failure becomes an HTTPException; server errors of that kind the SDK reports."""
    try:
        fetch_quote()
    except OSError as error:
        raise HTTPException(404 if DEFECT == "not_found" else 503, "no quote") from error
    return {}


@app.get("/payments")
async def payments() -> dict[str, str]:
    """A failure goes to the application's handler."""
    pay()
    return {}


@app.get("/stock")
def stock() -> Response:
    """A failure is answered here."""
    try:
        count_stock()
    except KeyError as error:
        if DEFECT != "json_500":
            sentry_sdk.capture_exception(error)
        return JSONResponse({"detail": "no idea"}, status_code=500)
    return JSONResponse({})


@app.get("/mail")
def mail() -> dict[str, str]:
    """A failure is logged with its traceback."""
    try:
        send_mail()
    except OSError as error:
        log_failure(error)
    return {}


def log_failure(error: OSError) -> None:
    """With the exception: that is what makes an event that says where and why."""
    if DEFECT == "log_text":
        logger.error("no mail was sent: %s", error)
    elif DEFECT == "log_warning":
        logger.warning("no mail was sent: %s", error)
    else:
        logger.exception("no mail was sent")


@app.get("/cleanup")
def cleanup() -> dict[str, str]:
    """A failure is reported, and the request goes on."""
    if DEFECT == "suppress":
        with contextlib.suppress(OSError):
            clean_up()
        return {}
    try:
        clean_up()
    except OSError as error:
        sentry_sdk.capture_exception(error)
    return {}


@app.get("/export")
async def start_export() -> dict[str, str]:
    """A failure in the pool stays in the future, unless the job reports it, still in the context of the request."""
    pool.submit(export if DEFECT == "unread_future" else export_and_report)
    return {}


def export_and_report() -> None:
    """The job, and what has to be done about its failure."""
    try:
        export()
    except Exception as error:
        sentry_sdk.capture_exception(error)
