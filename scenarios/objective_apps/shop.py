"""A shop that answers all of its requests, and fast; unless DEFECT makes it break its objectives, or Sentry not see that it does."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator
from typing import Any

import sentry_sdk
from fastapi import FastAPI, HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

DEFECT = os.environ.get("DEFECT", "")
OUTAGE = range(40, 80)
"""A third of the 120 orders that the scenario sends, in the middle of the run."""
REGIONS = ("eu", "us", "ap")
WORK = 0.006
"""Seconds."""
SLOW = 0.35
_orders, _quotes, _passing = itertools.count(), itertools.count(), itertools.count()


class PaymentRefusedError(Exception):
    """The bank does not answer."""


class ExchangeClosedError(Exception):
    """There is no price."""


def without_failures(event: Any, _hint: Any) -> Any:
    """Somebody found transactions that failed to be of no use for statistics."""
    failed = event["contexts"]["trace"].get("status") == "internal_error"
    return None if DEFECT == "failures_dropped" and failed else event


def failures_are_ok(event: Any, _hint: Any) -> Any:
    """Somebody found transactions that failed to spoil the figures."""
    if event["contexts"]["trace"].get("status") == "internal_error":
        event["contexts"]["trace"]["status"] = "ok"
    return event


def sampled(context: Any) -> float:
    """Somebody found orders too many to be traced."""
    path = context.get("asgi_scope", {}).get("path", "")
    return 0.0 if DEFECT == "orders_not_sampled" and path == "/orders" else 1.0


sentry_sdk.init(
    release="shop@1",
    traces_sampler=sampled,
    before_send_transaction=failures_are_ok if DEFECT == "failures_ok" else without_failures,
    include_local_variables=False,
)


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """What is sent last, is sent here."""
    yield
    sentry_sdk.flush(timeout=20)


app = FastAPI(lifespan=lifespan)


def fails(number: int, region: str) -> bool:
    """Whether order ``number`` meets a bank that does not answer."""
    if DEFECT == "one_region":
        return region == "eu" and number % 2 == 0
    return DEFECT in ("outage", "failures_dropped", "orders_not_sampled") and number in OUTAGE


@app.get("/health")
async def health() -> dict[str, str]:
    """Ready."""
    return {"status": "ok"}


@app.get("/orders")
async def orders() -> dict[str, str]:
    """Take an order."""
    number = next(_orders)
    region = REGIONS[number * 7 % 3]
    sentry_sdk.set_tag("region", region)
    await asyncio.sleep(WORK)
    if fails(number, region):
        raise PaymentRefusedError("the bank does not answer")
    return {"order": str(number)}


@app.get("/quotes")
async def quotes() -> dict[str, str]:
    """Look up a price."""
    number = next(_quotes)
    await asyncio.sleep(SLOW if DEFECT == "slow" and number % 15 == 0 else WORK)
    if DEFECT == "unknown_symbols" and number % 4 == 0:
        raise HTTPException(status_code=404)
    if DEFECT == "failures_ok" and number % 30 == 0:
        raise ExchangeClosedError("the exchange has closed")
    return {"price": "1"}


class Gateway:
    """Stands before the application, as load balancers do, and has no Sentry."""

    def __init__(self, behind: ASGIApp) -> None:
        self._behind = behind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; in the outage its answer gets lost."""
        lost = scope.get("path") == "/orders" and next(_passing) in OUTAGE

        async def nowhere(_message: Any) -> None:
            """The answer came too late."""

        await self._behind(scope, receive, nowhere if lost else send)
        if lost:
            await Response(status_code=504)(scope, receive, send)


entrance: ASGIApp = Gateway(app) if DEFECT == "gateway" else app
