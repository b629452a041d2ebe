"""Append-only files of JSON lines. Each line goes out in one ``write(2)`` with ``O_APPEND``, as the ledger's journals do.

Once ``append`` returned, the kernel holds the line and killing the process cannot lose it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from ..errors import EvidenceError
from ..model.notified import Noted, Receipt
from ..monitor.notifications import decode_noted, encode_noted

T = TypeVar("T")
_RECEIPT = msgspec.json.Decoder(Receipt)


class Lines:
    """Writes one file. Safe to call from any thread. A torn last line, of a machine that died, is cut off first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _cut_torn(self._descriptor)

    def append(self, line: bytes) -> None:
        """Write one line, newline included. Raises ``OSError``, also when it is closed."""
        with self._lock:
            view = memoryview(line)
            while view:
                view = view[os.write(self._descriptor, view) :]

    def close(self) -> None:
        """Close; a second call does nothing."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1


class Trail(Lines):
    """An audit trail: ``write`` is what a ``Policy`` wants."""

    def write(self, record: Noted) -> None:
        """Append one record."""
        self.append(encode_noted(record))


class Receipts(Lines):
    """What a receiver took."""

    def write(self, receipt: Receipt) -> None:
        """Append one."""
        self.append(msgspec.json.encode(receipt) + b"\n")


def read_trail(path: Path) -> Iterator[Noted]:
    """The records of an audit trail. Raises ``EvidenceError``; a torn last line is passed over."""
    return _read(path, decode_noted)


def read_receipts(path: Path) -> Iterator[Receipt]:
    """What a receiver took, in its order. Raises ``EvidenceError``; a torn last line is passed over."""
    return _read(path, _receipt)


def _read(path: Path, decode: Callable[[bytes, str], T]) -> Iterator[T]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                yield decode(line, f"{path}:{number}")


def _receipt(line: bytes, where: str) -> Receipt:
    try:
        return _RECEIPT.decode(line)
    except msgspec.DecodeError as error:
        raise EvidenceError(
            f"a receipt cannot be read: {error}",
            where=where,
            hint="receipts are append-only; restore the file or measure again",
        ) from error


def _cut_torn(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    end = size
    while end and os.pread(descriptor, 1, end - 1) != b"\n":
        end -= 1
    if end != size:
        os.ftruncate(descriptor, end)
