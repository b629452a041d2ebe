"""Start and stop a server process of our own. What the harness, the pytest plugin and tests use."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import ServerError
from .api_client import ServerClient

_LOG = "server.log"


@dataclass(slots=True)
class EmbeddedServer:
    """A server process of our own. It ends with ``stop``, with the ``with`` block, or with this process,
    whatever ends that.
    """

    url: str
    port: int
    token: str
    pid: int
    folder: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        port: int = 0,
        timeout: float = 30.0,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> EmbeddedServer:
        """Start one on the store in ``folder`` (made when missing) and wait until it answers.

        ``port`` 0 takes a free one; ``options`` are further command line options; ``env`` is added to the
        environment. Raises ``ServerError`` with the end of the server's log when it does not come up within
        ``timeout`` seconds.
        """
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / _LOG
        command = [
            *(sys.executable, "-m", "pytest_sentry_harness.server"),
            *("--store", str(folder), "--port", str(port), "--parent-pipe", *options),
        ]
        with log.open("ab") as stderr:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **(env or {})},
                start_new_session=True,  # Ctrl+C is for the harness, which then stops the server in its own order
            )
        try:
            ready = _ready_line(process, timeout)
        except ServerError as error:
            _end(process, 5.0)
            raise ServerError(
                error.what,
                where=" ".join(command),
                hint=f"the end of {log}:\n{_tail(log)}",
            ) from error
        return cls(
            url=ready["url"],
            port=ready["port"],
            token=ready["token"],
            pid=ready["pid"],
            folder=folder,
            process=process,
        )

    def client(self, *, timeout: float = 60.0) -> ServerClient:
        """A new client for this server."""
        return ServerClient(self.url, self.token, timeout=timeout)

    def stop(self, timeout: float = 30.0) -> int:
        """Stop it in an orderly way and return its exit code; what was acknowledged is in the store.

        Kills it when it has not ended after ``timeout`` seconds. May be called twice.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return _end(self.process, timeout)

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would, and wait until it is gone."""
        self.process.kill()
        _end(self.process, 30.0)

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def log(self) -> str:
        """The end of what the server wrote to its log."""
        return _tail(self.folder / _LOG)

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _ready_line(process: subprocess.Popen[bytes], timeout: float) -> dict[str, Any]:
    """The one line the server prints when it is ready."""
    assert process.stdout is not None
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.append(process.stdout.readline()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    reader.join(timeout)
    if not lines:
        raise ServerError(f"the embedded server was not ready after {timeout:g} s")
    if not lines[0]:
        raise ServerError(f"the embedded server ended before it was ready, with exit code {process.wait(10)}")
    document: dict[str, Any] = json.loads(lines[0])
    return document


def _end(process: subprocess.Popen[bytes], timeout: float) -> int:
    if process.stdin is not None:
        process.stdin.close()
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait(timeout)
    if process.stdout is not None:
        process.stdout.close()
    return code


def _tail(path: Path, most: int = 4000) -> str:
    if not path.exists():
        return "(no log)"
    data = path.read_bytes()[-most:]
    return data.decode("utf-8", "replace").strip() or "(nothing was written)"
