"""The journal writer: one append-only file per process, one record a line, written before anything else happens.

Each line is ``["kind",{fields}]`` and goes out in one ``write(2)`` on a descriptor opened with
``O_APPEND``: once the call returns, the kernel holds the line and killing the process cannot lose it
(only losing the machine can). A process that forks gets a journal of its own. Programs do things to descriptors they
do not know (daemons close all of them) and to paths (``chroot``): so each line is written only after a
look whether the descriptor still is the journal, which is opened again where it is not. Standard library only.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from .. import __version__, clock
from ..model.ledger import Goodbye, Hello, Record

SUFFIX = ".journal"
_NONE = (0, 0)
# As they were before the program replaced any of them, for a test or by mistake.
_OS = types.SimpleNamespace(open=os.open, write=os.write, fstat=os.fstat, close=os.close, getpid=os.getpid)
_ENCODER = json.JSONEncoder(separators=(",", ":"), default=repr, ensure_ascii=False)

_LAYOUTS: dict[type[Record], tuple[str, tuple[tuple[str, str], ...]]] = {}

R = TypeVar("R", bound=Record)


def encode_record(record: Record) -> bytes:
    """One journal line for ``record``, newline included."""
    opening, fields = _LAYOUTS.get(type(record)) or _layout(type(record))
    text = opening + ",".join([key + _text(getattr(record, name)) for name, key in fields]) + "}]"
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
        self._identity = self._folder_identity = _NONE
        self._closed = False
        # Re-entrant: a garbage collection during a write may run code that writes a record itself.
        self._lock = threading.RLock()
        self._folder_descriptor = -1
        self._folder.mkdir(parents=True, exist_ok=True)
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
        if _OS.getpid() != self._pid:
            self._after_fork()
        with self._lock:
            if self._closed:
                return
            if _identity(self._descriptor) != self._identity:
                self._open_again()
            _write_all(self._descriptor, line)

    def close(self, reason: str, opportunities: dict[str, int] | None = None) -> None:
        """Say goodbye and close; a second call does nothing, nor does one in a forked child that wrote nothing."""
        if _OS.getpid() != self._pid:
            return  # before the lock: a thread of the parent may hold it for ever
        with self._lock:
            if self._closed:
                return
            try:
                self.write(Goodbye, reason=reason, opportunities=opportunities or {})
            finally:
                self._closed = True
                _close(self._descriptor, self._identity)
                _close(self._folder_descriptor, self._folder_identity)

    def _open(self) -> None:
        self._pid = _OS.getpid()
        self._path = self._folder / f"{self._role}-{self._pid}-{os.urandom(4).hex()}{SUFFIX}"
        self._open_file(os.O_CREAT | os.O_EXCL)
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
        if self._closed:
            self._pid = _OS.getpid()
            return  # closed before the fork
        _close(self._descriptor, self._identity)
        self._open()

    def _open_again(self) -> None:
        """Somebody has closed the descriptor, and perhaps got its number for a file of their own: leave that alone."""
        self._open_file(0)

    def _open_file(self, more: int) -> None:
        if self._folder_identity == _NONE or _identity(self._folder_descriptor) != self._folder_identity:
            self._folder_descriptor = _OS.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._folder_identity = _identity(self._folder_descriptor)
        # By the folder's descriptor: the path may mean something else by now, as after chroot.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | more
        self._descriptor = _OS.open(self._path.name, flags, 0o600, dir_fd=self._folder_descriptor)
        self._identity = _identity(self._descriptor)


def _identity(descriptor: int) -> tuple[int, int]:
    """Device and inode of what is open there; nothing's when nothing is."""
    try:
        status = _OS.fstat(descriptor)
    except OSError:
        return _NONE
    return status.st_dev, status.st_ino


def _close(descriptor: int, identity: tuple[int, int]) -> None:
    """Close ``descriptor`` if it still is what it was."""
    if identity != _NONE and _identity(descriptor) == identity:
        _OS.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[_OS.write(descriptor, view) :]


def _layout(kind: type[Record]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """How a line for ``kind`` begins, and for each field its name and its key as it is written."""
    names = [item.name for item in dataclasses.fields(kind)]
    layout = f'["{kind.KIND}",{{', tuple((name, f'"{name}":') for name in names)
    _LAYOUTS[kind] = layout
    return layout


def _text(value: Any) -> str:
    """``value`` in JSON. Most values are plain; a line for each timed call must cost little."""
    writer = _WRITERS.get(type(value))
    return _ENCODER.encode(_plain(value)) if writer is None else writer(value)


def _float(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'"{value!r}"'  # JSON has no word for it


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: json.encoder.encode_basestring,
    int: int.__repr__,
    float: _float,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): {None: "null"}.__getitem__,
}


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
