"""The shop as a service, well monitored; unless DEFECT says how it is not."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from threading import Lock
from typing import Any

import sentry_sdk
from fastapi import FastAPI
from sentry_sdk.integrations.httpx import HttpxIntegration
from sentry_sdk.integrations.sqlalchemy import SqlalchemyIntegration

from profiling_apps import shop
from profiling_apps.shop import DEFECT


def rename(event: Any, _hint: Any) -> Any:
    """What somebody thought would tidy up the list of transactions."""
    event["transaction"] = "shop"
    return event


STREAM = os.environ.get("SPANS") == "stream"
# Spans by themselves, and a profile that goes on from one transaction to the next: what newer set-ups do.
NEWER: dict[str, Any] = {
    "trace_lifecycle": "stream",
    "profiles_sample_rate": None,
    "profile_session_sample_rate": 1.0,
    "profile_lifecycle": "trace",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "no_query_source": {"enable_db_query_source": False},
    "threshold": {"db_query_source_threshold_ms": 100},
    "max_spans": {"_experiments": {"max_spans": 4}},
    "sqlalchemy_off": {"disabled_integrations": [SqlalchemyIntegration]},
    "httpx_off": {"disabled_integrations": [HttpxIntegration]},
    "profiler_off": {"profiles_sample_rate": 0.0},
    "few_profiles": {"profiles_sample_rate": 0.2},
    "renamed": {"before_send_transaction": rename},
    "not_in_app": {"in_app_exclude": ["profiling_apps.shop"]},
    "no_tracing": {"traces_sample_rate": 0.0},
    "no_session": {"profile_session_sample_rate": 0.0},
}
sentry_sdk.init(
    release="shop@1",
    **{
        "traces_sample_rate": 1.0,
        "profiles_sample_rate": 1.0,
        "db_query_source_threshold_ms": 0,
        **(NEWER if STREAM else {}),
        **OPTIONS.get(DEFECT, {}),
    },
)
one_at_a_time = Lock()
"""All requests share one connection: the database is in memory."""


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The tables come first; what is sent last, is sent here."""
    shop.fill()
    yield
    sentry_sdk.flush(timeout=20)


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    """Ready."""
    return {"status": "ok"}


@contextlib.contextmanager
def span(name: str) -> Iterator[None]:
    """A span made by hand, in the way the SDK sends it."""
    if STREAM and DEFECT != "old_spans":
        with sentry_sdk.traces.start_span(name=name, attributes={"sentry.op": "function"}):
            yield
    else:
        with sentry_sdk.start_span(op="function", name=name):
            yield


@app.get("/report")
def report() -> int:
    """Slow by computing, with a span made by hand."""
    if DEFECT == "wrong_span":
        with span("render report"):
            pass  # what was inside has moved on
        return shop.render_report()
    with span("render report"):
        return shop.render_report()


@app.get("/export")
def export() -> str:
    """Slow by waiting, which the transaction alone tells."""
    shop.export()
    return "done"


@app.get("/search")
def search() -> int:
    """Slow by one query; with a defect, by many."""
    with one_at_a_time, shop.engine.connect() as connection:
        if DEFECT == "more_queries":
            shop.orders_with_items(connection)
        return shop.search(connection)


@app.get("/orders")
def orders() -> list[list[str]]:
    """Slow by N+1 queries, which is known."""
    with one_at_a_time, shop.engine.connect() as connection:
        return shop.orders_with_items(connection)


@app.get("/quotes")
def quotes() -> str:
    """Slow by another service."""
    return shop.quote()


@app.get("/upstream")
async def upstream() -> str:
    """That other service, for convenience in the same process."""
    await asyncio.sleep(shop.SLOW)
    return "4.20"
