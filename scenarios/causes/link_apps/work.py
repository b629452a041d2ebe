"""The work all these programs do."""

import sentry_sdk


def handle(number: int) -> int:
    """One piece of work: the fault point."""
    return 2 * number


def report_all(count: int) -> None:
    """Do the work, and report what goes wrong."""
    for number in range(count):
        try:
            handle(number)
        except Exception:
            sentry_sdk.capture_exception()
