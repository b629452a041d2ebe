"""How a task says that its requests provoke an error by themselves. May be used in threads and greenlets alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_NAMES: ContextVar[tuple[str, ...]] = ContextVar("sentry_harness_provoking", default=())


@contextmanager
def provoking(*faults: str) -> Iterator[None]:
    """Every request made inside provokes ``faults``, whatever its name; also a decorator for tasks.

    They are names of faults in the scenario that have neither ``at`` nor ``do``; with ``on = []`` these are
    the only requests that provoke them.
    """
    token = _NAMES.set((*_NAMES.get(), *faults))
    try:
        yield
    finally:
        _NAMES.reset(token)


def provoked_here() -> tuple[str, ...]:
    """The faults that a request made now provokes by its task's own word."""
    return _NAMES.get()
