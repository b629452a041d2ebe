"""The only reader of time.

Everything that needs the time asks here, so that a test can hand in a clock of its own and so that
wall and monotonic readings are never mixed up. ``monotonic`` is the system-wide monotonic clock:
readings of two processes on one machine can be compared.
"""

from __future__ import annotations

import time


def wall() -> float:
    """Seconds since 1970-01-01 UTC. Jumps when the machine's clock is set; for people and joins across machines."""
    return time.time()


def monotonic() -> float:
    """Seconds on the machine's monotonic clock. Never steps back; for durations and deadlines."""
    return time.monotonic()


def perf() -> float:
    """Seconds on the clock of the highest resolution, for the duration of an injection (seconds, float)."""
    return time.perf_counter()
