"""Where the agent writes to, and the mark that keeps the agent's own work from meeting faults."""

from __future__ import annotations

import contextvars
import threading
from typing import Any, Protocol, TypeVar

from .. import clock
from ..model.ledger import Record

R = TypeVar("R", bound=Record)


class Recorder(Protocol):
    """Takes ledger records. ``Journal`` is one."""

    def write(self, kind: type[R], /, **fields: Any) -> R:
        """Write one record of type ``kind``, stamped with the present time, and give it back."""
        ...


class MemoryRecorder:
    """Keeps records in a list, for use within one process."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._lock = threading.Lock()

    def write(self, kind: type[R], /, **fields: Any) -> R:
        """Stamp a record with the present time and keep it."""
        record = kind(at=clock.wall(), mono=clock.monotonic(), **fields)
        with self._lock:
            self._records.append(record)
        return record

    def records(self, kind: type[R] = Record) -> list[R]:  # type: ignore[assignment]
        """The records of type ``kind`` so far, oldest first."""
        with self._lock:
            return [record for record in self._records if isinstance(record, kind)]


# True while the agent works: a fault point reached by the agent itself (an armed ``json.dumps``) must
# not fire. A context variable, because threads, tasks and greenlets each have a context of their own.
_AT_WORK: contextvars.ContextVar[bool] = contextvars.ContextVar("sentry_harness_at_work", default=False)


def agent_at_work() -> bool:
    """Whether the present code runs on behalf of the agent."""
    return _AT_WORK.get()


class agent_working:  # noqa: N801 - used like a function
    """Marks what runs inside as the agent's own work.

    Made of nothing that could be armed itself, as the functions of ``contextlib`` could.
    """

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = _AT_WORK.get()
        _AT_WORK.set(True)

    def __exit__(self, *_: object) -> None:
        # Not by a token: a coroutine that is thrown away may be closed in another context.
        _AT_WORK.set(self._before)


class QuietRecorder:
    """Passes records on, marked as the agent's own work."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def write(self, kind: type[R], /, **fields: Any) -> R:
        """Pass one record on."""
        with agent_working():
            return self._recorder.write(kind, **fields)
