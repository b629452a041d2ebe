"""Ends a target when the harness goes away. A process of its own; run as a script, standard library only.

Its standard input is a pipe that only the harness holds open. When the harness ends, however it ends,
the pipe closes and the target's whole process group is ended. When the harness has stopped the target
itself it writes one byte first, and the guard just leaves: the group's number may be somebody else's
by then. (Linux could send a signal at the parent's death, but it does so at the death of the *thread* that
started the child, and needs code between fork and exec.)
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

GRACE_SECONDS = 5.0


def main(group: int, pipe: int = 0) -> None:
    """Wait for ``pipe``; end the process group ``group`` if it closes without a word."""
    if os.read(pipe, 1):
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.1)
            os.killpg(group, 0)
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    # Ctrl-C in a terminal, and what timeout(1) and CI send to the whole group, are meant for the harness;
    # the guard must outlive it, and leaves by itself.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    main(int(sys.argv[1]))
