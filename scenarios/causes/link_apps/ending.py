"""A script that ends right after its last error. ``DEFECT`` chooses how."""

import atexit
import os
import signal
import time
from collections.abc import Callable

import sentry_sdk
from sentry_sdk.integrations.dedupe import DedupeIntegration

from link_apps.work import report_all

COUNT = 20


def healthy() -> None:
    """What it takes: a time-out at exit that lasts for what may be in the queue."""
    sentry_sdk.init(shutdown_timeout=30)
    report_all(COUNT)


def short_timeout() -> None:
    """The default of two seconds is too short for a slow server, and so is less."""
    sentry_sdk.init(shutdown_timeout=0.2)
    report_all(COUNT)


def short_flush() -> None:
    """The flush gives up, and then the exit hook does as well."""
    sentry_sdk.init(shutdown_timeout=0)
    report_all(COUNT)
    sentry_sdk.flush(timeout=0.1)


def no_exit_hook() -> None:
    """Who lists the integrations by hand may leave out the one that waits at exit."""
    sentry_sdk.init(shutdown_timeout=30, default_integrations=False, integrations=[DedupeIntegration()])
    report_all(COUNT)


def second_init() -> None:
    """A library initialises the SDK again: nobody waits for the first client's queue."""
    sentry_sdk.init(shutdown_timeout=30)
    report_all(COUNT)
    sentry_sdk.init(shutdown_timeout=30, environment="other")


def closed_before() -> None:
    """The client is closed as if it were a file, and used further."""
    sentry_sdk.init(shutdown_timeout=30)
    sentry_sdk.get_client().close()
    report_all(COUNT)


def after_the_exit_hook() -> None:
    """What goes wrong in exit hooks that were registered before the SDK's runs after it."""
    atexit.register(report_all, COUNT)
    sentry_sdk.init(shutdown_timeout=30)


def hard_exit() -> None:
    """The program ends without its exit hooks."""
    sentry_sdk.init(shutdown_timeout=30)
    report_all(COUNT)
    os._exit(0)


def killed() -> None:
    """The orchestrator's patience is over, or the memory is."""
    sentry_sdk.init(shutdown_timeout=30)
    report_all(COUNT)
    os.kill(os.getpid(), signal.SIGKILL)


def terminated() -> None:
    """A deploy: SIGTERM ends a Python program at once unless it handles the signal."""
    sentry_sdk.init(shutdown_timeout=30)
    report_all(COUNT)
    os.kill(os.getpid(), signal.SIGTERM)


def crashed() -> None:
    """An extension written in C crashes."""
    sentry_sdk.init(shutdown_timeout=30)
    report_all(COUNT)
    os.kill(os.getpid(), signal.SIGSEGV)


def time_limit() -> None:
    """A function-as-a-service that is ended at its time limit, with errors on their way."""
    sentry_sdk.init(shutdown_timeout=30)
    report_all(COUNT)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    time.sleep(30)


def frozen() -> None:
    """A function-as-a-service that is frozen once it has answered, and taken away later."""
    sentry_sdk.init(shutdown_timeout=30)
    report_all(COUNT)
    platform = os.fork()
    if platform == 0:
        time.sleep(0.5)
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGSTOP)


ENDINGS: dict[str, Callable[[], None]] = {
    "": healthy,
    "short-timeout": short_timeout,
    "short-flush": short_flush,
    "no-exit-hook": no_exit_hook,
    "second-init": second_init,
    "closed-before": closed_before,
    "after-the-exit-hook": after_the_exit_hook,
    "hard-exit": hard_exit,
    "killed": killed,
    "terminated": terminated,
    "crashed": crashed,
    "time-limit": time_limit,
    "frozen": frozen,
}

if __name__ == "__main__":
    ENDINGS[os.environ.get("DEFECT", "")]()
