"""A job that reports its errors and then ends, in one way or another; ``DEFECT`` says how."""

import ctypes
import faulthandler
import os
import signal
import sys

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration

from job_apps.work import handle

DEFECT = os.environ.get("DEFECT", "")


def job() -> None:
    """Thirty pieces of work."""
    for number in range(30):
        try:
            handle(number)
        except Exception:
            sentry_sdk.capture_exception()


def exits() -> None:
    """Healthy: the program ends by ``sys.exit``, and exit hooks have ten seconds to send what is left."""
    sentry_sdk.init(shutdown_timeout=30)
    job()
    sys.exit(1)


def exits_hard() -> None:
    """``os._exit`` runs no exit hook."""
    sentry_sdk.init(shutdown_timeout=30)
    job()
    os._exit(1)


def exits_without_hook() -> None:
    """The SDK's exit hook is off."""
    sentry_sdk.init(disabled_integrations=[AtexitIntegration])
    job()


def exits_in_haste() -> None:
    """The exit hook gives up before everything is sent."""
    sentry_sdk.init(shutdown_timeout=0.1)
    job()


def ends_on_sigterm() -> None:
    """Healthy: SIGTERM makes the program exit as if it had ended by itself."""
    sentry_sdk.init(shutdown_timeout=30)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    job()
    signal.raise_signal(signal.SIGTERM)


def dies_by(number: signal.Signals) -> None:
    """Nobody handles the signal."""
    sentry_sdk.init(shutdown_timeout=30)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler would raise KeyboardInterrupt
    job()
    signal.raise_signal(number)


def crashes(*, flush: bool) -> None:
    """Code in C reads what is not there. Before such a step, what was reported has to be on its way."""
    sentry_sdk.init(shutdown_timeout=30)
    job()
    if flush:
        sentry_sdk.flush(timeout=30)
    ctypes.string_at(0)


def crashes_with_faulthandler() -> None:
    """``faulthandler`` prints where it happened, and then the process ends all the same."""
    faulthandler.enable()
    crashes(flush=False)


def aborts() -> None:
    """Code in C gives up by itself (``abort``), as after a failed assertion."""
    sentry_sdk.init(shutdown_timeout=30)
    job()
    os.abort()


ENDS = {
    "exit": exits,
    "exit-hard": exits_hard,
    "exit-without-hook": exits_without_hook,
    "exit-in-haste": exits_in_haste,
    "sigterm-handled": ends_on_sigterm,
    "sigterm": lambda: dies_by(signal.SIGTERM),
    "sigint": lambda: dies_by(signal.SIGINT),
    "sighup": lambda: dies_by(signal.SIGHUP),
    "sigkill": lambda: dies_by(signal.SIGKILL),
    "crash-after-flush": lambda: crashes(flush=True),
    "crash": lambda: crashes(flush=False),
    "crash-with-faulthandler": crashes_with_faulthandler,
    "abort": aborts,
}

if __name__ == "__main__":
    ENDS[DEFECT or os.environ["END"]]()
