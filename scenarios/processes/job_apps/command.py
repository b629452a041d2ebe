"""A short command: it does one piece of work, and may clean up at its end."""

import atexit
import os

import sentry_sdk

from job_apps.work import handle

DEFECT = os.environ.get("DEFECT", "")


def clean_up() -> None:
    """Work of the last moment."""
    try:
        handle(0)
    except Exception:
        sentry_sdk.capture_exception()


if __name__ == "__main__":
    if DEFECT == "too-late":
        # Exit hooks run in reverse: this one comes after the SDK's, which closes the client.
        atexit.register(clean_up)
        sentry_sdk.init(shutdown_timeout=30)
    else:
        sentry_sdk.init(shutdown_timeout=30)
        atexit.register(clean_up)
    if DEFECT != "too-late":
        handle(1)  # an unhandled error ends the program, and the SDK's hooks report and send it
