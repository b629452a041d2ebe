"""A job that does its work in threads of its own."""

import itertools
import os
import sys
import threading
import time

import sentry_sdk
from sentry_sdk.integrations.threading import ThreadingIntegration

from job_apps.work import handle

ENOUGH = threading.Event()
DEFECT = os.environ.get("DEFECT", "")


def let_it_out(number: int) -> None:
    """Healthy: what leaves a thread is reported by the SDK."""
    handle(number)


def exit_on_error(number: int) -> None:
    """``sys.exit`` ends a thread only, and silently."""
    try:
        handle(number)
    except Exception:
        sys.exit(1)


def for_ever(enough: int) -> None:
    """A daemon thread that goes on while the program ends."""
    for number in itertools.count():
        if number == enough:
            ENOUGH.set()
        try:
            handle(number)
        except Exception:
            sentry_sdk.capture_exception()
        time.sleep(0.03)


def main() -> None:
    """Thirty threads, one after the other; or one that is never waited for."""
    if DEFECT == "integration-disabled":
        sentry_sdk.init(disabled_integrations=[ThreadingIntegration])
    else:
        sentry_sdk.init(shutdown_timeout=2 if DEFECT == "daemon" else 30)
    if DEFECT == "daemon":
        threading.Thread(target=for_ever, args=(30,), daemon=True).start()
        ENOUGH.wait(30)
        return
    target = exit_on_error if DEFECT == "exit" else let_it_out
    for number in range(30):
        thread = threading.Thread(target=target, args=(number,))
        thread.start()
        thread.join()


if __name__ == "__main__":
    # The integration reports; Python would print every traceback beside.
    threading.excepthook = lambda _: None
    main()
