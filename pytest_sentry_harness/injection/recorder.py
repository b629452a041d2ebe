"""Where the agent writes to, and the mark that keeps the agent's own work from meeting faults."""

from __future__ import annotations

import contextlib
import contextvars
import sys
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

    def append(self, record: Record) -> None:
        """Write a record that is stamped already."""
        ...


class MemoryRecorder:
    """Keeps records in a list, for use within one process."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._lock = threading.Lock()

    def write(self, kind: type[R], /, **fields: Any) -> R:
        """Stamp a record with the present time and keep it."""
        record = kind(at=clock.wall(), mono=clock.monotonic(), **fields)
        self.append(record)
        return record

    def append(self, record: Record) -> None:
        """Keep a record that is stamped already."""
        with self._lock:
            self._records.append(record)

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
    """Passes records on, marked as the agent's own work. What cannot be written is said on stderr, and not raised:
    a full disk must not break the application.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @classmethod
    def around(cls, recorder: Recorder) -> QuietRecorder:
        """``recorder`` itself if it is quiet already."""
        return recorder if isinstance(recorder, QuietRecorder) else cls(recorder)

    def write(self, kind: type[R], /, **fields: Any) -> R:
        """Pass one record on; it is given back also when it could not be written."""
        with agent_working():
            return self._passed_on(kind, fields) or kind(at=clock.wall(), mono=clock.monotonic(), **fields)

    def append(self, record: Record) -> None:
        """Pass on a record that is stamped already."""
        with agent_working():
            try:
                self._recorder.append(record)
            except RecursionError:
                return  # the application is at the end of its stack, and about to learn it by itself
            except Exception as error:  # noqa: BLE001 - the application must not notice
                complain(f"the ledger cannot be written: {error!r}")

    def written(self, kind: type[Record], /, **fields: Any) -> bool:
        """Pass one record on; whether that succeeded."""
        with agent_working():
            return self._passed_on(kind, fields) is not None

    def _passed_on(self, kind: type[R], fields: dict[str, Any]) -> R | None:
        try:
            return self._recorder.write(kind, **fields)
        except RecursionError:
            return None  # the application is at the end of its stack, and about to learn it by itself
        except Exception as error:  # noqa: BLE001 - the application must not notice
            complain(f"the ledger cannot be written: {error!r}")
            return None


_COMPLAINTS: set[str] = set()
_MOST_COMPLAINTS = 50


def complain(text: str) -> None:
    """Say on the process's own stderr, once, what the ledger may not hold. The harness reads it in the target's log."""
    if text in _COMPLAINTS or len(_COMPLAINTS) >= _MOST_COMPLAINTS:
        return
    _COMPLAINTS.add(text)
    # Not sys.stderr: programs put loggers there, and those would report it to Sentry. Daemons close it.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.__stderr__.write(f"sentry-harness: {text}\n")  # type: ignore[union-attr]
        sys.__stderr__.flush()  # type: ignore[union-attr]
