"""The journal writer: one append-only file per process, one record a line, written before anything else happens.

Each line is ``["kind",{fields}]`` and goes out in one ``write(2)`` on a descriptor opened with
``O_APPEND``: once the call returns, the kernel holds the line and killing the process cannot lose it
(only losing the machine can). A process that forks gets a journal of its own. Standard library only.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
import threading
from pathlib import Path
from typing import Any, Literal, TypeVar

from .. import __version__, clock
from ..model.ledger import Goodbye, Hello, Record

SUFFIX = ".journal"

R = TypeVar("R", bound=Record)


def encode_record(record: Record) -> bytes:
    """One journal line for ``record``, newline included."""
    fields = {name: _plain(getattr(record, name)) for name in _field_names(type(record))}
    text = json.dumps([record.KIND, fields], separators=(",", ":"), default=repr, ensure_ascii=False)
    # Messages of hostile exceptions may hold lone surrogates, which no UTF-8 and no JSON reader takes.
    return text.encode("utf-8", "replace") + b"\n"


class Journal:
    """Writes the ledger of one process. Safe to call from any thread, and after a fork."""

    def __init__(
        self, folder: str | Path, *, run_id: str, role: Literal["target", "load", "harness"]
    ) -> None:
        self._folder = Path(folder)
        self._run_id = run_id
        self._role: Literal["target", "load", "harness"] = role
        self._pid = 0
        self._descriptor = -1
        # Re-entrant: a garbage collection during a write may run code that writes a record itself.
        self._lock = threading.RLock()
        self._open()

    @property
    def path(self) -> Path:
        """The file this process writes."""
        return self._path

    def write(self, kind: type[R], /, **fields: Any) -> R:
        """Write one record of type ``kind``, stamped with the present time, and give it back."""
        record = kind(at=clock.wall(), mono=clock.monotonic(), **fields)
        self.append(record)
        return record

    def append(self, record: Record) -> None:
        """Write a record that is already stamped. After ``close`` nothing is written any more."""
        line = encode_record(record)
        if os.getpid() != self._pid:
            self._after_fork()
        with self._lock:
            if self._descriptor >= 0:
                _write_all(self._descriptor, line)

    def close(self, reason: str, opportunities: dict[str, int] | None = None) -> None:
        """Say goodbye and close; a second call does nothing, nor does one in a forked child that wrote nothing."""
        if os.getpid() != self._pid:
            return  # before the lock: a thread of the parent may hold it for ever
        with self._lock:
            if self._descriptor < 0:
                return
            self.write(Goodbye, reason=reason, opportunities=opportunities or {})
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        self._pid = os.getpid()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path = self._folder / f"{self._role}-{self._pid}-{os.urandom(4).hex()}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        self.write(
            Hello,
            run_id=self._run_id,
            role=self._role,
            pid=self._pid,
            parent_pid=os.getppid(),
            argv=tuple(sys.orig_argv),
            python=sys.version.split()[0],
            harness=__version__,
        )

    def _after_fork(self) -> None:
        # The lock may have been held by a thread that does not exist in this process.
        self._lock = threading.RLock()
        if self._descriptor < 0:
            self._pid = os.getpid()
            return  # closed before the fork
        os.close(self._descriptor)
        self._open()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _field_names(kind: type[Record]) -> tuple[str, ...]:
    return tuple(item.name for item in dataclasses.fields(kind))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)  # JSON has no word for it
    return value
