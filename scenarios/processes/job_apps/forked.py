"""A job that hands its work to child processes (``multiprocessing``); ``START`` is fork or spawn."""

import multiprocessing
import os
from typing import Any

import sentry_sdk

from job_apps.work import handle

DEFECT = os.environ.get("DEFECT", "")
START = os.environ.get("START", "fork")


def healthy(first: int, last: int) -> None:
    """A child: it has its own SDK, reports what goes wrong, and sends it before it ends."""
    if START == "spawn":
        sentry_sdk.init()  # a spawned child is a new program; a forked one has what its parent had
    try:
        report_all(first, last)
    finally:
        # multiprocessing ends its children by os._exit: no exit hook runs, the SDK's neither.
        sentry_sdk.flush(timeout=30)


def without_flush(first: int, last: int) -> None:
    """A child that relies on exit hooks."""
    if START == "spawn":
        sentry_sdk.init()
    report_all(first, last)


def without_init(first: int, last: int) -> None:
    """A child that was never told about Sentry."""
    report_all(first, last)
    sentry_sdk.flush(timeout=30)


def unhandled(first: int, last: int) -> None:
    """A child that lets errors out: no hook for unhandled errors is called in it."""
    if START == "spawn":
        sentry_sdk.init()
    handle(first)
    sentry_sdk.flush(timeout=30)


def report_all(first: int, last: int) -> None:
    """Do the work, and report what goes wrong."""
    for number in range(first, last):
        try:
            handle(number)
        except Exception:
            sentry_sdk.capture_exception()


TARGETS = {"": healthy, "without-flush": without_flush, "without-init": without_init, "unhandled": unhandled}


def main() -> None:
    """Two children, with fifteen pieces of work each."""
    sentry_sdk.init()
    context: Any = multiprocessing.get_context(START)
    children = [context.Process(target=TARGETS[DEFECT], args=(first, first + 15)) for first in (0, 15)]
    for child in children:
        child.start()
    for child in children:
        child.join()


if __name__ == "__main__":
    main()
