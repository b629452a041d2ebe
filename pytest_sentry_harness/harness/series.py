"""Samples what the target takes of the machine, in a thread beside the run; each sample goes straight to a file.

A kill loses the last line at most. Nothing is kept in memory, and the file grows with the logarithm of time: after
each ``MOST_LINES`` samples the thread looks half as often.
"""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path

import msgspec

from .. import clock
from ..model.series import SeriesInfo
from ..reconcile.course import course_of, read_samples
from ..targets.usage import Usage, available

EVERY = 0.5
"""Seconds between samples, in the beginning."""
MOST_LINES = 3600
"""Lines after which the time between samples doubles."""


def course_in(path: Path) -> SeriesInfo | None:
    """What the samples in ``path`` come to; None when nothing was sampled."""
    if not path.is_file():
        return None
    with path.open("rb") as lines:
        return course_of(read_samples(lines))


class Series:
    """A thread that samples the process ``pid`` and all it started, until the ``with`` block ends.

    Without psutil nothing is written, and nothing either while no process of them is alive.
    """

    def __init__(self, path: Path, pid: int, *, every: float = EVERY, most_lines: int = MOST_LINES) -> None:
        self._path = path
        self._pid = pid
        self._every = every
        self._most_lines = most_lines
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Series:
        if available():
            self._thread = threading.Thread(target=self._run, name="sentry-harness-series", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        usage = Usage(self._pid)
        every, lines = self._every, 0
        due = clock.monotonic()
        with self._path.open("ab", buffering=0) as file:
            while True:
                sample = usage.look()
                if sample is not None:
                    # One write for a line: whoever reads finds whole ones, whenever the harness is killed.
                    file.write(msgspec.json.encode(asdict(sample)) + b"\n")
                    lines += 1
                    every = every * 2 if lines % self._most_lines == 0 else every
                due = max(due + every, clock.monotonic())
                if self._stop.wait(due - clock.monotonic()):
                    return
