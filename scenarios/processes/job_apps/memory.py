"""A job that runs into its memory limit (``RLIMIT_AS``, as ``ulimit -v`` sets it)."""

import os
import resource
from pathlib import Path

import sentry_sdk

from job_apps.work import handle

DEFECT = os.environ.get("DEFECT", "")
MEGABYTE = 1 << 20


def set_limit(megabytes: int) -> None:
    """Allow so much more than is in use now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + megabytes * MEGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def load(number: int, held: list[bytearray]) -> None:
    """Load until there is no room any more: a real MemoryError. The injected one comes on top, and is counted."""
    try:
        while True:
            held.append(bytearray(MEGABYTE // 4))
    except MemoryError:
        handle(number)


def let_go(number: int) -> None:
    """Healthy: by the time the error is reported, what filled the memory is gone."""
    held: list[bytearray] = []
    try:
        load(number, held)
    except MemoryError:
        held.clear()
        sentry_sdk.capture_exception()
        # Nobody else is at work when the memory is filled again: who cannot allocate then, may fail anywhere.
        sentry_sdk.flush(timeout=30)


HELD: list[bytearray] = []


def hold_on(number: int) -> None:
    """The memory is still full when the error is reported: the SDK cannot start the thread that sends."""
    try:
        load(number, HELD)
    except MemoryError:
        sentry_sdk.capture_exception()


if __name__ == "__main__":
    sentry_sdk.init(shutdown_timeout=30)
    set_limit(64)
    for number in range(30):
        hold_on(number) if DEFECT == "hold" else let_go(number)
