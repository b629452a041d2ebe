"""A Flask shop that leaves the reporting to the SDK's integrations; DEFECT takes one of them away, or comes first."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import sentry_sdk
from flask import Flask, abort
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration
from werkzeug.serving import make_server

DEFECT = os.environ.get("DEFECT", "")
# Flask logs what it answers 500, with the exception: a second report of what its integration reports already.
LOGS_ARE_NO_EVENTS = LoggingIntegration(event_level=None)

OPTIONS: dict[str, dict[str, Any]] = {
    "flask_disabled": {"disabled_integrations": [FlaskIntegration]},
    "threading_disabled": {"disabled_integrations": [ThreadingIntegration()]},
    "no_defaults": {"default_integrations": False},
    "no_auto": {"auto_enabling_integrations": False},
}


def order() -> None:
    """Its failure is nobody's business but the integration's."""


def pay() -> None:
    """Its failure is of a kind the shop may have a handler for."""


def notify() -> None:
    """Runs in a thread of its own."""


class PaymentRefusedError(Exception):
    """An error some would answer with a handler."""


def start_monitoring() -> None:
    """The healthy set-up, and what spoils it."""
    sentry_sdk.init(release="shop@1", integrations=[LOGS_ARE_NO_EVENTS], **OPTIONS.get(DEFECT, {}))


def pretend_to_be_old(package: str, version: str) -> None:
    """Put metadata of an old version in front: what the SDK reads to see whether it supports the library."""
    folder = Path(tempfile.mkdtemp(prefix="old-"))
    metadata = folder / f"{package}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n", encoding="utf-8")
    sys.path.insert(0, str(folder))


if DEFECT == "too_old":
    pretend_to_be_old("flask", "0.12.5")
start_monitoring()
app = Flask(__name__)


def payment_refused(error: Exception) -> tuple[str, int]:
    """Answer, and tell nobody: the defect."""
    return "refused", 402


if DEFECT == "error_handler":
    app.register_error_handler(PaymentRefusedError, payment_refused)


@app.get("/health")
def health() -> str:
    """Ready."""
    return "ok"


@app.get("/orders")
def orders() -> str:
    """Fails as it fails."""
    order()
    return ""


@app.get("/payments")
def payments() -> str:
    """Fails as it fails, unless somebody makes an answer of it."""
    try:
        pay()
    except PaymentRefusedError:
        if DEFECT == "abort":
            abort(503)
        raise
    return ""


@app.get("/mails")
def mails() -> str:
    """Fails in a thread."""
    thread = threading.Thread(target=notify)
    thread.start()
    thread.join()
    return ""


def main() -> None:
    """Serve until told to stop, then send what is left."""
    server = make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True)
    # The default action of SIGTERM ends the process at once, and what waits to be sent with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.serve_forever()
    finally:
        sentry_sdk.flush(timeout=20)


if __name__ == "__main__":
    main()
