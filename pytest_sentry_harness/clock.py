"""The only reader of time.

Everything that needs the time asks here, so that a test can hand in a clock of its own and so that
wall and monotonic readings are never mixed up. ``monotonic`` is the system-wide monotonic clock:
readings of two processes on one machine can be compared.
"""

from __future__ import annotations

import time

# Kept in a tuple, where libraries that freeze the time for a test do not find them: the ledger's time is real.
_WALL, _MONOTONIC, _PERF, _THREAD = range(4)
_CLOCKS = (time.time, time.monotonic, time.perf_counter, time.thread_time)


def wall() -> float:
    """Seconds since 1970-01-01 UTC. Jumps when the machine's clock is set; for people and joins across machines."""
    return _CLOCKS[_WALL]()


def monotonic() -> float:
    """Seconds on the machine's monotonic clock. Never steps back; for durations and deadlines."""
    return _CLOCKS[_MONOTONIC]()


def perf() -> float:
    """Seconds on the clock of the highest resolution, for the duration of an injection (seconds, float)."""
    return _CLOCKS[_PERF]()


def thread_cpu() -> float:
    """Processor seconds that the present thread has spent so far, in user and system mode together."""
    return _CLOCKS[_THREAD]()
