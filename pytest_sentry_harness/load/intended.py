"""When the request that is about to be sent was due. May be used in threads and greenlets alike.

Whoever sends on time has nothing to add. Whoever sends late, since the target kept it waiting or was slow itself, owes
the wait to the latency: a visitor's clock starts when the visitor comes. (Leaving it out is *coordinated omission*; G. Tene,
How NOT to Measure Latency, 2013, and the tool wrk2.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_DUE: ContextVar[list[float] | None] = ContextVar("sentry_harness_due", default=None)


@contextmanager
def due_at(moment: float) -> Iterator[None]:
    """The first request made inside was due at ``moment`` of the monotonic clock; those after it when they are sent."""
    token = _DUE.set([moment])
    try:
        yield
    finally:
        _DUE.reset(token)


def due_here(now: float) -> float | None:
    """When the request that is sent ``now`` was due; None where requests are not due at all: users that wait."""
    due = _DUE.get()
    if due is None:
        return None
    return due.pop() if due else now
