"""A scheduled job with check-ins."""

import os

import sentry_sdk
from sentry_sdk.crons import monitor

from job_apps.work import handle

DEFECT = os.environ.get("DEFECT", "")
SCHEDULE = {"schedule": {"type": "interval", "value": 1, "unit": "minute"}}


@monitor(monitor_slug="nightly", monitor_config=SCHEDULE)  # type: ignore[arg-type]
def healthy(number: int) -> None:
    """An error leaves the monitored function: the check-in says so, and whoever calls it reports it."""
    handle(number)


@monitor(monitor_slug="nightly", monitor_config=SCHEDULE)  # type: ignore[arg-type]
def always_well(number: int) -> None:
    """The job keeps its errors to itself, so even the check-in says that all is well."""
    try:
        handle(number)
    except Exception:
        print("trying again tomorrow")


def main() -> None:
    """Thirty nights."""
    sentry_sdk.init(shutdown_timeout=30)
    job = always_well if DEFECT == "always-well" else healthy
    for number in range(30):
        try:
            job(number)
        except Exception:
            sentry_sdk.capture_exception()


if __name__ == "__main__":
    main()
