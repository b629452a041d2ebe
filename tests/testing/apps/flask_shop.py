"""A Flask service with what services have: hooks, JSON, a thread pool, logged errors, swallowed errors."""

from __future__ import annotations

import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sentry_sdk
from flask import Flask, abort, request

sentry_sdk.init(
    os.environ["SENTRY_DSN"],
    transport_queue_size=10_000,
    include_local_variables=False,
    include_source_context=False,
    traces_sample_rate=0.2,
)
app = Flask(__name__)
POOL = ThreadPoolExecutor(2)
log = logging.getLogger(__name__)


def load(name: str) -> dict[str, Any]:
    """Read an article from the database."""
    return {"name": name, "price": 3}


def save(order: Any) -> int:
    """Write an order to the database."""
    return 1


def render(part: Any) -> str:
    """One part of a report."""
    return str(part)


def count(name: str) -> None:
    """Count a visit; not worth failing for."""


@app.get("/health")
def health() -> str:
    return "up"


@app.get("/articles/<path:name>")
def article(name: str) -> Any:
    try:
        count(name)
    except Exception as error:
        log.info("not counted: %s", type(error).__name__)
    found = load(name)
    if found is None:
        abort(404)
    return found


@app.post("/orders")
def order() -> Any:
    try:
        return {"id": save(request.get_json(silent=True))}, 201
    except OSError:
        log.exception("the order is not saved")
        return {"error": "try again"}, 503


@app.get("/report")
def report() -> str:
    parts = POOL.map(render, range(3))
    return "".join(str(part) for part in parts)


@app.post("/later")
def later() -> Any:
    threading.Timer(0.1, render, ("later",)).start()
    return "", 202


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), threaded=True)
