"""A runtime as of serverless functions: it is frozen as soon as the handler has returned, and perhaps never goes on."""

import os
import signal
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import sentry_sdk

from job_apps.work import handle

DEFECT = os.environ.get("DEFECT", "")


def function(event: int) -> None:
    """The function of the user, with what the SDK's serverless decorator does: report, flush, go on."""
    try:
        handle(event)
    except Exception:
        sentry_sdk.capture_exception()
    if DEFECT != "no-flush":
        sentry_sdk.flush(timeout=30)


def runtime(connection: Connection) -> None:
    """Ten events, one after the other, and an answer to the last."""
    for event in range(10):
        function(event)
    connection.send("answered")
    while True:
        signal.pause()


def main() -> None:
    """Three runtimes: each is frozen right after its answer, and thrown away later."""
    sentry_sdk.init()
    for _ in range(3):
        ours, theirs = Pipe()
        pid = os.fork()
        if not pid:
            runtime(theirs)
        ours.recv()
        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
