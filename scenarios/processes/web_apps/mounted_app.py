"""A WSGI application mounted in an ASGI application: two frameworks, one process, one SDK. ``DEFECT`` spoils it."""

from __future__ import annotations

from typing import Any

import sentry_sdk
from a2wsgi import WSGIMiddleware

from . import flask_app
from .fastapi_app import app
from .monitoring import DEFECT

if DEFECT == "second-init":
    sentry_sdk.init(dsn="")  # what the mounted application did when it was still alone: the last call counts
legacy: Any = WSGIMiddleware(flask_app.app)  # type: ignore[arg-type]  # its types are stricter than Flask's
app.mount("/legacy", legacy)
