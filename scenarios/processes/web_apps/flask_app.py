"""A Flask application with a sound Sentry set-up, as WSGI servers run it. ``DEFECT`` spoils it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from flask import Flask, Response

from . import flask_defects, monitoring, shop
from .monitoring import DEFECT

monitoring.start(**flask_defects.options(DEFECT))
app = Flask(__name__)
flask_defects.plant(DEFECT, app)  # of two rules for one path, the first counts


@app.get("/ready")
def ready() -> str:
    """Tell that requests are served."""
    return "ready"


@app.post("/orders")
def order() -> str:
    """Fail in a view."""
    return str(shop.save(1))


@app.get("/export")
def export() -> Response:
    """Fail in the middle of a body that is being sent."""
    return Response(shop.lines(), mimetype="text/csv")


@app.get("/receipt")
def receipt() -> Response:
    """Fail in a callback, when the response is closed."""
    response = Response("receipt")
    response.call_on_close(shop.tidy)
    return response


@app.post("/orders/notify")
def notify() -> str:
    """Fail in a thread, while the answer is sent or later."""
    threading.Thread(target=shop.notify, args=(1,), daemon=True).start()
    return "queued"


@app.get("/report")
def report() -> str:
    """Take the worker along: the scenario decides how."""
    return shop.report()


class Authorisation:
    """A WSGI middleware around Flask's own: inside ``Flask.__call__``, which the SDK watches."""

    def __init__(self, wsgi_app: Any) -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Fail before the application gets the request."""
        shop.authorise(environ["PATH_INFO"])
        answer: Iterable[bytes] = self._wsgi_app(environ, start_response)
        return answer


app.wsgi_app = Authorisation(app.wsgi_app)  # type: ignore[method-assign]
