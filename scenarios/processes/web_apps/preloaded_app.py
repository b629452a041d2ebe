"""A Flask application that gunicorn loads in its master (``--preload``), with hooks in ``gunicorn_hooks``."""

from __future__ import annotations

import sentry_sdk
from flask import Flask

from . import monitoring, preload_defects, shop
from .monitoring import DEFECT

monitoring.start(**preload_defects.options(DEFECT))  # for the master: it can fail, too
app = Flask(__name__)
for _ in range(10):
    try:
        shop.warm_up()
    except OSError as error:
        sentry_sdk.capture_exception(error)


@app.get("/ready")
def ready() -> str:
    """Tell that requests are served."""
    return "ready"


@app.post("/orders")
def order() -> str:
    """Fail in a view."""
    return str(shop.save(1))
