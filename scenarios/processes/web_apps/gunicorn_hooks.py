"""Server hooks for gunicorn: ``--config python:web_apps.gunicorn_hooks``. ``DEFECT`` spoils them."""

from __future__ import annotations

import os
from typing import Any

import sentry_sdk

from . import monitoring, preload_defects
from .monitoring import DEFECT


def pre_fork(_server: Any, _worker: Any) -> None:
    """Send what the master has reported: a fork would copy what waits, and each worker would send it again."""
    if DEFECT != "no-flush-before-fork":
        sentry_sdk.flush(timeout=20)


def post_fork(_server: Any, _worker: Any) -> None:
    """Give the worker a client of its own, where the master has one: its threads, locks and connections are no use here."""
    if sentry_sdk.is_initialized() and DEFECT not in preload_defects.INHERITED:
        monitoring.start()


def worker_exit(_server: Any, _worker: Any) -> None:
    """What some do to be rid of threads that keep a worker from ending: no exit hook runs."""
    if DEFECT == "hard-exit":
        os._exit(0)
