"""A worker as RQ's: for each job it forks a work horse, which does the job and ends by ``os._exit``."""

import os

import sentry_sdk

from job_apps.work import handle

DEFECT = os.environ.get("DEFECT", "")


def main() -> None:
    """Thirty jobs."""
    sentry_sdk.init()
    for number in range(30):
        horse = os.fork()
        if not horse:
            perform(number)
            os._exit(0)
        os.waitpid(horse, 0)


def perform(number: int) -> None:
    """The work horse's job."""
    try:
        handle(number)
    except Exception:
        sentry_sdk.capture_exception()
    if DEFECT != "no-flush":
        # After this comes os._exit, and no exit hook: what the SDK has not sent by now is gone.
        sentry_sdk.flush(timeout=30)


if __name__ == "__main__":
    main()
