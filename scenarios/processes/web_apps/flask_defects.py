"""What goes wrong between Flask and Sentry: one function for each defect."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask, abort
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

from . import shop

POOL = ThreadPoolExecutor(1)


def options(defect: str) -> dict[str, Any]:
    """What the defect changes in the set-up."""
    if defect == "small-queue":
        return {"transport_queue_size": 2}
    if defect == "shutdown-timeout":
        return {"shutdown_timeout": 0.2}
    off: dict[str, list[Any]] = {
        # Flask logs what it answers with 500, and the SDK reports the log record: both have to be off.
        "integration-off": [FlaskIntegration(), LoggingIntegration()],
        "threading-off": [ThreadingIntegration()],
        "atexit-off": [AtexitIntegration()],
    }
    return {"disabled_integrations": off[defect]} if defect in off else {}


def plant(defect: str, app: Flask) -> None:
    """Spoil ``app``."""
    planted = {
        "error-handler": error_handler,
        "abort": aborting,
        "swallowed": swallowing,
        "future": future,
        "testing": testing,
    }.get(defect)
    if planted is not None:
        planted(app)


def error_handler(app: Flask) -> None:
    """Answer every error as JSON: Flask then sends no signal that an exception was not handled."""

    @app.errorhandler(Exception)
    def as_json(error: Exception) -> tuple[dict[str, str], int]:
        return {"error": str(error)}, 500


def aborting(app: Flask) -> None:
    """``abort(500)``: an answer like any other to Flask."""

    @app.post("/orders", endpoint="spoilt")
    def order() -> str:
        try:
            return str(shop.save(1))
        except OSError:
            abort(500)


def swallowing(app: Flask) -> None:
    """Answer 500 by hand."""

    @app.post("/orders", endpoint="spoilt")
    def order() -> tuple[str, int]:
        try:
            return str(shop.save(1)), 200
        except OSError:
            return "try again", 500


def future(app: Flask) -> None:
    """Leave the work to a pool, and never ask what became of it."""

    @app.post("/orders/notify", endpoint="spoilt")
    def notify() -> str:
        POOL.submit(shop.notify, 1)
        return "queued"


def testing(app: Flask) -> None:
    """Let errors out to the server, as tests have it: no defect, since the SDK hears of them first."""
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=True)
