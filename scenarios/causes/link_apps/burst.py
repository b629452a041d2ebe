"""A batch that meets two hundred errors at once. ``DEFECT`` chooses the size of the SDK's queue."""

import os
from typing import Any

import sentry_sdk

from link_apps.work import report_all

OPTIONS: dict[str, dict[str, Any]] = {
    "": {"transport_queue_size": 1000},  # more than the largest burst
    "default-queue": {},
    "keep-alive": {"keep_alive": True},
    "tiny-queue": {"transport_queue_size": 5},
}


def main() -> None:
    """The burst; what is in the queue is sent before the program ends."""
    sentry_sdk.init(**OPTIONS[os.environ.get("DEFECT", "")])
    report_all(200)
    sentry_sdk.flush(timeout=30)


if __name__ == "__main__":
    main()
