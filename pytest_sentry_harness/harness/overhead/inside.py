"""Talk to what the agent parks in the processes of an arm: flush the SDK, and ask what it is set up as."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

_MORE = 5.0
"""Seconds an answer may take beyond the flush itself."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one process said."""

    pid: int = 0
    version: str | None = None
    """Of the SDK; None: not imported."""
    active: bool = False
    """It has somewhere to send to."""
    initialised: bool = False
    """There is a client, with a DSN or without: what the SDK patches is patched, and works."""
    cut_off: tuple[str, ...] = ()
    """Hosts it wanted to send to, and was not allowed."""
    inits_withheld: int = 0
    """Calls of ``sentry_sdk.init`` that did nothing."""
    error: str = ""


class _Door(msgspec.Struct, frozen=True):
    pid: int
    port: int


@dataclass(frozen=True, slots=True)
class Inside:
    """The agent's threads in the processes of one arm."""

    folder: Path
    key: str

    def flush(self, pids: Iterable[int], timeout: float) -> list[Told]:
        """Flush the SDK in each of ``pids`` that listens, at once in all of them; what they said.

        ``timeout`` in seconds bounds the flush of each. Processes without the agent (another language, ``python -I``) and those that have ended say nothing.
        """
        asked: list[socket.socket] = []
        told: list[Told] = []
        line = json.dumps({"key": self.key, "flush": timeout}).encode() + b"\n"
        try:
            for pid in pids:
                path = self.folder / f"{pid}.json"
                if not path.exists():
                    continue
                door = msgspec.json.decode(path.read_bytes(), type=_Door)
                try:
                    connection = socket.create_connection(("127.0.0.1", door.port), timeout=timeout + _MORE)
                    asked.append(connection)
                    connection.sendall(line)
                except OSError:  # it ends just now; whoever needs it alive finds out
                    continue
            for connection in asked:
                told += _answer(connection)
        finally:
            for connection in asked:
                connection.close()
        return told


def _answer(connection: socket.socket) -> list[Told]:
    try:
        with connection.makefile("rb") as stream:
            return [msgspec.json.decode(stream.readline(), type=Told)]
    except (OSError, msgspec.DecodeError):  # as above
        return []
