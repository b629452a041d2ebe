"""One endpoint for each way of spending time. Its spans are right; unless DEFECT is set."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import sentry_sdk
from fastapi import FastAPI
from sentry_sdk.integrations.httpx import HttpxIntegration

from . import defects, work
from .spans import STREAM, span, span_told_in_milliseconds

DEFECT = os.environ.get("DEFECT", "")
_STEP_AFTER = 400
"""Requests after which the clock is stepped, about half of the load."""

_options: dict[str, Any] = {}
if STREAM:
    _options["trace_lifecycle"] = "stream"
if DEFECT == "dice":
    _options["traces_sampler"] = defects.throw_dice
if DEFECT == "httpx_disabled":
    _options["disabled_integrations"] = [HttpxIntegration]
# A tenth of the traces is left out, so that those are accounted for as well.
sentry_sdk.init(traces_sample_rate=0.9, transport_queue_size=1000, **_options)

_served = itertools.count(1)
_engine = work.database()
_client = httpx.Client(base_url=f"http://127.0.0.1:{os.environ['PORT']}", timeout=30)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Files are opened and tables read before anything is measured.
    await asyncio.to_thread(_count_orders)
    yield
    sentry_sdk.flush(10)


app = FastAPI(lifespan=_lifespan)


@app.get("/health")
async def health() -> str:
    """For the harness."""
    return "ok"


@app.get("/sync")
def sync() -> str:
    """Served by a thread of the pool."""
    _count()
    with (span_told_in_milliseconds if DEFECT == "milliseconds" else span)("render page"):
        if DEFECT != "around_nothing":
            work.render()
    if DEFECT == "around_nothing":
        work.render()
    return "ok"


@app.get("/async")
async def waiting() -> str:
    """Served by the event loop, which waits."""
    _count()
    with span("await stock"):
        await work.await_stock()
        if DEFECT == "closed_late":
            await asyncio.sleep(0.15)
    return "ok"


@app.get("/thread")
def in_thread() -> str:
    """Hands its work to a thread, and waits for that."""
    _count()

    def run() -> None:
        if DEFECT == "wrong_call":
            with span("price order"):
                work.prepare_price()
            work.price()
        else:
            with span("price order"):
                work.price()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return "ok"


@app.get("/sql")
def orders() -> int:
    """Asks the database; the SDK's integration makes the span."""
    _count()
    return _count_orders()


@app.get("/http")
def stock() -> int:
    """Asks another service; the SDK's integration makes the span."""
    _count()
    return work.ask_warehouse(_client)


@app.get("/warehouse")
async def warehouse() -> str:
    """That other service."""
    await asyncio.sleep(0.03)
    return "ok"


@app.get("/blocked")
async def blocked() -> str:
    """Blocks the event loop; the transaction itself tells how long."""
    _count()
    work.tidy()
    return "ok"


def _count_orders() -> int:
    with _engine.connect() as connection:
        return work.count_orders(connection)


def _count() -> None:
    if next(_served) == _STEP_AFTER and DEFECT == "clock_step":
        defects.step_clock()
