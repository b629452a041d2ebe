"""A shop whose dashboards tell the truth; unless DEFECT makes them tell something else."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import sentry_sdk
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

DEFECT = os.environ.get("DEFECT", "")
SLOW = 3.0
LATE = datetime.timedelta(minutes=2)
logger = logging.getLogger("dashboards_apps.shop")
_errors = itertools.count(1)
_orders = itertools.count(1)


class PaymentError(Exception):
    """The order cannot be paid."""

    number = 0


class ReportError(Exception):
    """The report cannot be made."""


def place_order() -> None:
    """Quick."""
    time.sleep(0.01)


def build_report() -> None:
    """Slow."""
    time.sleep(SLOW)


def every_third_is_dropped(event: Any, hint: Any) -> Any:
    """Somebody wanted to save quota. Whoever reports the same error again is not heard either."""
    error = hint.get("exc_info", (None, None))[1]
    if not isinstance(error, PaymentError):
        return event
    error.number = error.number or next(_errors)
    return None if error.number % 3 == 0 else event


def by_a_slow_clock(event: Any, hint: Any) -> Any:
    """As a host would whose clock nobody sets."""
    for each in (event, *event.get("spans", ())):
        for key in ("start_timestamp", "timestamp"):
            if key in each:
                told = datetime.datetime.fromisoformat(each[key]) - LATE
                each[key] = told.isoformat().replace("+00:00", "Z")
    return event


def every_second_order(context: Any) -> float:
    """Somebody found that half of the orders are enough."""
    ordered = context["transaction_context"]["name"].endswith("/orders")
    return 0.0 if ordered and next(_orders) % 2 == 0 else 1.0


options: dict[str, Any] = {"traces_sample_rate": 1.0}
if DEFECT == "dropped":
    options["before_send"] = every_third_is_dropped
if DEFECT == "clock":
    options["before_send"] = options["before_send_transaction"] = by_a_slow_clock
if DEFECT == "sampled":
    options["traces_sampler"] = every_second_order
sentry_sdk.init(release="shop@1.4.0", **options)


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """What is sent last, is sent here."""
    yield
    sentry_sdk.flush(timeout=20)


shop = FastAPI(lifespan=lifespan)


@shop.middleware("http")
async def know_the_user(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Who asks is in a header."""
    sentry_sdk.get_isolation_scope().set_user({"id": request.headers.get("X-User", "nobody")})
    return await go_on(request)


@shop.get("/orders")
def orders() -> dict[str, str]:
    """Place an order."""
    with sentry_sdk.start_span(op="function", name="place order"):
        try:
            place_order()
        except PaymentError:
            if DEFECT == "twice":
                logger.exception("the order cannot be paid")
            raise
    return {}


@shop.get("/reports")
def reports() -> dict[str, str]:
    """Without reports nobody knows what is sold."""
    sentry_sdk.get_isolation_scope().set_level("fatal")
    begun = time.perf_counter()
    with sentry_sdk.start_span(op="function", name="build report"):
        build_report()
    sentry_sdk.set_measurement("report", time.perf_counter() - begun, "" if DEFECT == "unit" else "second")
    return {}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The shop; probes of its health are answered before, and are no traffic."""
    if scope["type"] == "http" and scope["path"] == "/health":
        await JSONResponse({"status": "ok"})(scope, receive, send)
        return
    await shop(scope, receive, send)
