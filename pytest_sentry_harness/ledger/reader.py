"""Read journals back, whole or torn, and merge them into one ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ..errors import EvidenceError
from ..model.ledger import RECORD_TYPES, Goodbye, Hello, Record
from .journal import SUFFIX

_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    kind.KIND: msgspec.json.Decoder(kind) for kind in RECORD_TYPES
}
_LINE = msgspec.json.Decoder(tuple[str, msgspec.Raw])


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalState:
    """How one journal ended."""

    path: Path
    hello: Hello | None
    records: int
    torn: str | None
    """What is wrong with the last line, if it is torn."""
    closed: bool
    """Ended with a goodbye."""


def decode_line(line: bytes) -> Record:
    """The record on one journal line. Raises ``msgspec.DecodeError`` when it is not one."""
    kind, body = _LINE.decode(line)
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise msgspec.ValidationError(f"unknown record kind {kind!r}")
    record: Record = decoder.decode(body)
    return record


def read_journal(path: Path, states: list[JournalState] | None = None) -> Iterator[Record]:
    """Yield the records of one journal; append how it ended to ``states``.

    A torn last line (the machine or the disk died in mid-write) is tolerated and reported. A broken
    line before the last one means that the file was changed: ``EvidenceError``.
    """
    hello: Hello | None = None
    torn: str | None = None
    closed = False
    count = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                record = decode_line(line)
            except msgspec.DecodeError as error:
                if line.endswith(b"\n") and file.read(1):
                    raise EvidenceError(
                        f"a journal line cannot be read: {error}",
                        where=f"{path}:{number}",
                        hint="journals are append-only; restore the file or judge another run",
                    ) from error
                torn = f"line {number} is torn ({len(line)} bytes: {error})"
                break
            count += 1
            closed = isinstance(record, Goodbye)
            if isinstance(record, Hello):
                hello = record
            yield record
    if states is not None:
        states.append(JournalState(path=path, hello=hello, records=count, torn=torn, closed=closed))


def read_ledger(folder: Path, states: list[JournalState] | None = None) -> Iterator[Record]:
    """Yield the records of every journal in ``folder``, file by file in the order of their names."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if path.is_file():  # a folder or pipe of that name is not ours, and reading a pipe would never end
            yield from read_journal(path, states)
