"""A shop whose failures become one issue each; unless DEFECT makes them one issue for all, or an issue for each time."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import sentry_sdk
from fastapi import FastAPI, Request, Response

DEFECT = os.environ.get("DEFECT", "")
ATTEMPTS = 3
logger = logging.getLogger("noise_apps.shop")
_numbers = itertools.count(0xA0B1C2)
_letters = str.maketrans("0123456789abcdef", "ghijkmnpqrstuvwx")


class BackendError(Exception):
    """Another service refused."""


class RequestFailedError(Exception):
    """What a middleware makes of every error."""


class Label:
    """Has no text of its own: it is shown by its type and address."""

    kept: list[Label] = []

    def __init__(self) -> None:
        self.kept.append(self)  # else the next one may have the same address


class Connection:
    """Stays broken once it broke."""

    def __init__(self) -> None:
        self.broken: Exception | None = None

    def ask(self) -> None:
        """Ask for a quote."""
        if self.broken is not None:
            raise ConnectionError("the connection is broken") from self.broken
        try:
            fetch_quote()
        except Exception as error:
            self.broken = error
            raise


def save_order() -> None:
    """Its failure ends the request."""


def fetch_quote() -> None:
    """Its failure breaks a connection."""


def call_backend() -> None:
    """Every call of another service goes through it."""


def new_id() -> str:
    """An id that looks like a word, as those of many services do: nothing tells that it is one."""
    return f"{next(_numbers):06x}".translate(_letters)


def quotes_are_warnings(event: Any, hint: Any) -> Any:
    """Somebody found the failures of quotes too loud."""
    if isinstance(hint.get("exc_info", (None, None))[1], TimeoutError):
        event["level"] = "warning"
    return event


def network_is_one(event: Any, hint: Any) -> Any:
    """Somebody wanted one issue for the network, and did not know what else is an OSError."""
    if isinstance(hint.get("exc_info", (None, None))[1], OSError):
        event["fingerprint"] = ["network"]
    return event


HOOKS = {"warnings": quotes_are_warnings, "network": network_is_one}
sentry_sdk.init(release="shop@1", before_send=HOOKS.get(DEFECT))


def keep_quotes() -> None:
    """For tomorrow. There is no such folder: no request meets this failure, and no fault injects it."""
    try:
        Path("kept/quotes.csv").write_text("", encoding="utf-8")
    except OSError:
        logger.exception("the quotes were not kept")


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """What is sent last, is sent here."""
    yield
    if DEFECT == "network":
        for _ in range(ATTEMPTS):
            keep_quotes()
    sentry_sdk.flush(timeout=20)


app = FastAPI(lifespan=lifespan)


async def report_and_wrap(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Report the error, and let another one go on in its place."""
    try:
        return await go_on(request)
    except Exception as error:
        sentry_sdk.capture_exception(error)
        raise RequestFailedError(request.url.path) from error


async def hide(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Let another error go on, which does not say what it was made of."""
    try:
        return await go_on(request)
    except Exception:
        raise RequestFailedError(request.url.path) from None


if DEFECT == "wrap":
    app.middleware("http")(report_and_wrap)
if DEFECT == "hide":
    app.middleware("http")(hide)


@app.get("/health")
async def health() -> dict[str, str]:
    """Ready."""
    return {"status": "ok"}


@app.get("/orders")
def orders() -> dict[str, str]:
    """Its issue must not be told apart by the order."""
    if DEFECT == "fingerprint":
        sentry_sdk.get_isolation_scope().fingerprint = ["{{ default }}", new_id()]
    if DEFECT == "log_and_raise":
        try:
            save_order()
        except Exception:
            logger.exception("the order was not saved")
            raise
    save_order()
    return {}


@app.get("/quotes")
def quotes() -> dict[str, str]:
    """A broken connection is of no more use."""
    connection = Connection()
    if DEFECT == "retry":
        for _ in range(ATTEMPTS):
            try:
                connection.ask()
            except OSError:
                logger.exception("no quote, trying again")
        return {"quote": "of yesterday"}
    connection.ask()
    return {}


@app.get("/labels")
def labels() -> dict[str, str]:
    """Nothing is raised, only logged; Sentry knows an address when it sees one, but not in a fingerprint."""
    label = Label()
    if DEFECT == "repr":
        sentry_sdk.get_isolation_scope().fingerprint = [repr(label)]
    logger.error(f"{label!r} was not printed")
    return {}


@app.get("/carts")
def carts() -> dict[str, str]:
    """Nothing is raised, only logged; with a template, the id does not matter."""
    if DEFECT == "message":
        logger.error(f"cart {new_id()} is lost")
    else:
        logger.error("cart %s is lost", new_id())
    return {}


if DEFECT == "one_helper":

    @app.get("/{service}")
    def anything(service: str) -> dict[str, str]:
        """All services look alike from here."""
        call_backend()
        return {"service": service}

else:

    @app.get("/payments")
    def payments() -> dict[str, str]:
        """Pay."""
        call_backend()
        return {}

    @app.get("/stock")
    def stock() -> dict[str, str]:
        """Count."""
        call_backend()
        return {}
