"""A shop whose failures somebody is to be told of; DEFECT makes its events such that rules miss them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import sentry_sdk
from fastapi import FastAPI

DEFECT = os.environ.get("DEFECT", "")
PHASE = float(os.environ.get("PHASE", "0"))
"""After the pauses of this shop the clock is in the first half of such a period of seconds; 0: wherever it is."""
PAUSE, LONGEST = 0.3, 9.0
logger = logging.getLogger("alerting_apps.exports")
_numbers = itertools.count(1)


class PaymentError(Exception):
    """A payment was refused."""


class StockError(Exception):
    """Nobody knows how many are left."""


def save_order() -> None:
    """Every order goes through it."""


def fetch_quote() -> None:
    """Asks another service."""


def take_payment() -> None:
    """Takes money."""


def count_stock() -> None:
    """Counts what is left."""


def check_probe() -> None:
    """What a probe asks for; nobody is waiting for it."""


def ship() -> None:
    """Its failure is late delivery, which is no error of the shop."""


def drop_quotes(event: Any, hint: Any) -> Any:
    """Somebody found the failures of quotes too many."""
    return None if isinstance(hint.get("exc_info", (None, None))[1], TimeoutError) else event


sentry_sdk.init(
    release="shop@1",
    environment="production",
    traces_sample_rate=1.0,
    before_send=drop_quotes if DEFECT == "dropped" else None,
)


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """What is sent last, is sent here."""
    yield
    sentry_sdk.flush(timeout=20)


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    """Ready."""
    return {"status": "ok"}


@app.get("/pause")
async def pause() -> dict[str, float]:
    """Nothing happens for a while. Asked often enough, until the clock is where PHASE wants it: nobody waits long for one answer."""
    over = time.time() % PHASE if PHASE else 0.0
    seconds = min(PHASE - over + 0.5, LONGEST) if over > PHASE / 2 - 8 else 0.0
    await asyncio.sleep(max(seconds, PAUSE))
    return {"seconds": seconds}


@app.get("/orders")
def orders() -> dict[str, str]:
    """Order."""
    save_order()
    return {}


@app.get("/quotes")
def quotes() -> dict[str, str]:
    """Ask what it costs."""
    if DEFECT == "fingerprint":
        sentry_sdk.get_isolation_scope().fingerprint = ["{{ default }}", f"request-{next(_numbers)}"]
    fetch_quote()
    return {}


@app.get("/payments")
def payments() -> dict[str, str]:
    """Pay. Whoever cannot, is lost as a customer."""
    scope = sentry_sdk.get_isolation_scope()
    scope.set_level("fatal")
    scope.set_tag("team", "payments")
    take_payment()
    return {}


@app.get("/stock")
def stock() -> dict[str, str]:
    """Say how many are left."""
    count_stock()
    return {}


@app.get("/probe")
def probe() -> dict[str, str]:
    """A robot asks this all day; its failures are tagged, so that rules can pass them over."""
    sentry_sdk.get_isolation_scope().set_tag("synthetic", "yes")
    check_probe()
    return {}


@app.get("/exports")
def exports() -> dict[str, str]:
    """Nothing is raised, only logged."""
    logger.error("export %s is lost", next(_numbers))
    return {}


@app.get("/deliveries")
def deliveries() -> dict[str, str]:
    """Late is worth a warning, each time."""
    scope = sentry_sdk.get_isolation_scope()
    scope.set_level("warning")
    scope.set_tag("team", "shipping")
    ship()
    return {}
