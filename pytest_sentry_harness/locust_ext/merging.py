"""The journal of a worker on another host, as the master writes it.

Nobody knows who really sends the lines, so nothing is believed: neither a path nor a name is taken from the
worker, sizes are bounded, and only records pass that a load generator of this run, in this lane, can have written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..errors import LoadError
from ..ledger.journal import SUFFIX, encode_record
from ..ledger.reader import decode_line
from ..model.arming import Arming
from ..model.ledger import Answered, Beat, Fired, Goodbye, Hello, Intent, Lasted, Note, Record, Sent
from .messages import MOST_BATCH

MOST_BYTES = 4 * 1024**3
"""Bytes of one worker's journal."""


class MergedJournal:
    """Takes a worker's lines, and writes them into the run's ledger as one more journal."""

    def __init__(self, arming: Arming, lane: str) -> None:
        """``lane`` is the worker's, such as ``w0``: its fault ids carry it. Nothing is written yet."""
        self._arming = arming
        self._lane = lane
        self._selects: Mapping[str, str] = {fault.name: fault.select for fault in arming.faults}
        self._descriptor = -1
        self._bytes = 0
        self._begun = False
        self.closed = False
        """The worker has said goodbye."""
        name = f"load-{lane}-{os.urandom(4).hex()}{SUFFIX}"
        self.path = Path(arming.journal_dir) / name

    def take(self, lines: bytes) -> None:
        """Write ``lines``, all or none. Raises ``LoadError`` when one of them may not stand there."""
        if not lines:
            return
        if len(lines) > MOST_BATCH or not lines.endswith(b"\n"):
            raise self._refusal(f"{len(lines)} bytes that are no batch of whole lines")
        begun, closed = self._begun, self.closed
        written = []
        for line in lines.split(b"\n")[:-1]:
            record = self._decoded(line)
            self._check(record, begun=begun, closed=closed)
            begun, closed = True, isinstance(record, Goodbye)
            # Written anew: then a line is one line, whatever white space the worker thought of.
            written.append(encode_record(record))
        data = b"".join(written)
        if self._bytes + len(data) > MOST_BYTES:
            raise self._refusal(f"more than {MOST_BYTES} bytes")
        self._write(data)
        self._bytes += len(data)
        self._begun, self.closed = begun, closed

    def close(self) -> None:
        """Close the file; a second call does nothing. Without a goodbye in it, the worker counts as died."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, data: bytes) -> None:
        if self._descriptor < 0:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_CREAT | os.O_EXCL
            self._descriptor = os.open(self.path, flags, 0o600)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def _decoded(self, line: bytes) -> Record:
        try:
            record = decode_line(line)
            # Numbers without a word in JSON, for one, would be read otherwise than they were written.
            again = decode_line(encode_record(record))
        except msgspec.DecodeError as error:
            raise self._refusal(f"a line that is no record: {error}") from error
        if again != record:
            raise self._refusal("a record that cannot be kept as it is")
        return record

    def _check(self, record: Record, *, begun: bool, closed: bool) -> None:
        if closed:
            raise self._refusal(f"a record {record.KIND!r} after its goodbye")
        if isinstance(record, Hello) == begun:
            raise self._refusal("a second hello" if begun else f"a journal that begins with {record.KIND!r}")
        if isinstance(record, Hello):
            if record.role != "load" or record.run_id != self._arming.run_id:
                raise self._refusal(f"the journal of a {record.role!r} of run {record.run_id!r}")
        elif isinstance(record, Intent):
            self._check_id(record.fault_id, record.fault)
        elif isinstance(record, Answered):
            for fault_id in record.fault_ids:
                self._check_id(fault_id, fault_id.removesuffix(self._tail_of(fault_id)))
        elif isinstance(record, Fired):
            self._check_id(record.fault_id, record.fault)
            if record.effect != "provoked" or self._selects[record.fault] != "provoked":
                raise self._refusal(f"a fault {record.fault!r} that fired outside of the target")
        elif not isinstance(record, Sent | Beat | Lasted | Note | Goodbye):
            raise self._refusal(f"a record {record.KIND!r}, which no load generator writes")

    def _check_id(self, fault_id: str, fault: str) -> None:
        tail = self._tail_of(fault_id)
        if fault not in self._selects or fault_id != f"{fault}{tail}" or not tail[-6:].isdecimal():
            raise self._refusal(f"the fault id {fault_id[:100]!r}, which is not one of this worker's")

    def _tail_of(self, fault_id: str) -> str:
        """The end that an id of this lane has: ``-w0-000017``."""
        return f"-{self._lane}-{fault_id.rpartition('-')[2]}"

    def _refusal(self, what: str) -> LoadError:
        return LoadError(
            f"worker {self._lane} sent {what}",
            where=str(self.path),
            hint="master and workers must run the same release of pytest-sentry-harness; nobody else may reach "
            "the master's port",
        )
