"""Jobs with a time limit: who is not done in time is killed."""

import os
import signal
import sys
import time

import sentry_sdk

from job_apps.work import handle

DEFECT = os.environ.get("DEFECT", "")
LIMIT = 6.0
WARNING = 0.7


class OutOfTimeError(Exception):
    """The time limit is near."""


def out_of_time(*_: object) -> None:
    """Called shortly before the limit."""
    raise OutOfTimeError


def job() -> None:
    """Tries again and again; only when all attempts have failed, the last error is worth a report."""
    if DEFECT != "no-warning":
        signal.signal(signal.SIGALRM, out_of_time)
        signal.setitimer(signal.ITIMER_REAL, WARNING)
    failures: list[Exception] = []
    try:
        for number in range(10):
            try:
                handle(number)
            except ValueError as error:
                failures.append(error)
        time.sleep(60)  # the next attempt is due in a minute
    finally:
        for failure in failures:
            sentry_sdk.capture_exception(failure)
        sentry_sdk.flush(timeout=30)


def main() -> None:
    """Three jobs at once, watched over by their parent."""
    sentry_sdk.init()
    jobs = []
    for _ in range(3):
        pid = os.fork()
        if not pid:
            try:
                job()
            except OutOfTimeError:
                sys.exit(1)
        jobs.append(pid)
    deadline = time.monotonic() + LIMIT
    for pid in jobs:
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                break
            time.sleep(0.05)


if __name__ == "__main__":
    main()
