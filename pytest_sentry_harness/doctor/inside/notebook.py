"""Notes of one process: a JSON object per line, each in one ``write(2)``, so that a crash loses none."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ... import clock

SUFFIX = ".notes"


class Notebook:
    """Writes the notes of this process; a forked child gets a file of its own."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._pid = 0
        self._descriptor = -1
        os.register_at_fork(after_in_child=self._after_fork)

    def write(self, note: str, **fields: Any) -> None:
        """Write one note: its name, the process, the time (monotonic seconds), and ``fields``."""
        record = {"note": note, "pid": os.getpid(), "mono": clock.monotonic(), **fields}
        line = json.dumps(record, default=str, ensure_ascii=True).encode() + b"\n"
        with self._lock:
            if self._descriptor < 0:
                self._open()
            os.write(self._descriptor, line)

    def _open(self) -> None:
        self._pid = os.getpid()
        path = os.path.join(self._folder, f"{self._pid}-{os.urandom(4).hex()}{SUFFIX}")
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _after_fork(self) -> None:
        # The lock may be held by a thread that does not exist here.
        self._lock = threading.Lock()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_notes(folder: Path) -> Iterator[dict[str, Any]]:
    """All notes in ``folder``, process by process; a torn last line is left out."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        for line in path.read_bytes().split(b"\n")[:-1]:
            note: dict[str, Any] = json.loads(line)
            yield note
