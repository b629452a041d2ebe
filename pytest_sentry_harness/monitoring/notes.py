"""The files a monitor writes beside its audit trail: what was put to which issue, and how it ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..channels.lines import Lines
from ..errors import EvidenceError
from ..model.alerting import Ending, Put

ISSUES, TRAIL, ENDING, RECEIPTS = "issues.jsonl", "trail.jsonl", "ending.json", "receipts"
_HINT = "the files of a run are append-only; restore them, or run it again"
_PUT = msgspec.json.Decoder(Put)


class Puts(Lines):
    """Writes ``issues.jsonl``."""

    def write(self, put: Put) -> None:
        """Append one."""
        self.append(msgspec.json.encode(put) + b"\n")


def read_puts(path: Path) -> Iterator[Put]:
    """The events that were put to issues, in their order. Raises ``EvidenceError``; a torn last line is passed over."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                try:
                    yield _PUT.decode(line)
                except msgspec.DecodeError as error:
                    raise EvidenceError(
                        f"a line of the issues cannot be read: {error}", where=f"{path}:{number}", hint=_HINT
                    ) from error


def write_ending(path: Path, ending: Ending) -> None:
    """Write it whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(msgspec.json.encode(ending) + b"\n")
    os.replace(part, path)


def read_ending(path: Path) -> Ending | None:
    """How the monitor ended; None: it was killed. Raises ``EvidenceError``."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Ending)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise EvidenceError(
            f"how the monitor ended cannot be read: {error}", where=str(path), hint=_HINT
        ) from error
