"""A shop that loses an event only when two certain faults come together. ``DEFECT`` says which bug it has."""

from __future__ import annotations

import os
import sys

import sentry_sdk
from flask import Flask

sentry_sdk.init(
    os.environ["SENTRY_DSN"],
    transport_queue_size=10_000,
    include_local_variables=False,
    include_source_context=False,
)
app = Flask(__name__)
DEFECT = os.environ.get("DEFECT", "")
MEMORY = {"degraded": False}


def reserve() -> bool:
    """Reserve the goods."""
    return True


def charge() -> str:
    """Charge the customer."""
    return "paid"


def notify() -> None:
    """Tell the warehouse."""


@app.get("/health")
def health() -> str:
    return "up"


@app.post("/reset")
def reset() -> str:
    MEMORY["degraded"] = False
    return "new"


@app.post("/orders")
def order() -> tuple[str, int]:
    here = {"degraded": False}
    state = MEMORY if DEFECT == "two requests" else here
    try:
        reserve()
    except TimeoutError:
        sentry_sdk.capture_exception()
        state["degraded"] = True  # goods can be found later
    try:
        charge()
    except ConnectionError:
        if DEFECT and state["degraded"]:
            return "later", 202  # the bug: nobody will hear of it
        raise
    notify()
    return "done", 201


@app.get("/orders")
def orders() -> str:
    notify()
    return "none"


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), threaded=True)
