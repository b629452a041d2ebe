"""Helpers: real targets under the agent, and their ledgers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from pytest_sentry_harness.injection import lease
from pytest_sentry_harness.injection.environment import agent_environment
from pytest_sentry_harness.ledger.reader import read_ledger
from pytest_sentry_harness.model.arming import ArmedFault, Arming
from pytest_sentry_harness.model.ledger import Record
from pytest_sentry_harness.plan.arming_file import write_arming
from pytest_sentry_harness.protocol.fault_header import NAME, Selected, Selection, encode

R = TypeVar("R", bound=Record)
DEADLINE = 60.0
KEY = "key of the run"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def wait_until(true: Callable[[], Any], what: str) -> Any:
    """Poll until ``true()`` is truthy; fail with ``what`` after a generous deadline."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if answer := true():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Sink:
    """A server that answers every envelope with ``status``, and keeps the bodies."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[bytes] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sink.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(sink.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.dsn = f"http://publickey@127.0.0.1:{self.server.server_port}/42"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class TargetRun:
    """One run's folder, and targets started for it."""

    def __init__(self, folder: Path, *faults: ArmedFault, **arming: Any) -> None:
        self.folder = folder
        self.arming = Arming(
            **{
                "run_id": "run-1",
                "key": KEY,
                "seed": 1,
                "faults": faults,
                "journal_dir": str(folder / "journals"),
                "lease": str(folder / "lease"),
                "lease_seconds": 300.0,
                **arming,
            }
        )
        lease.renew(self.arming.lease)
        write_arming(self.arming, folder / "arming.json")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def env(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        base = {key: value for key, value in os.environ.items() if not key.startswith("SENTRY_")}
        return agent_environment(self.folder / "arming.json", {**base, **(more or {})})

    def script(
        self, text: str, *, env: Mapping[str, str] | None = None, python: list[str] | None = None
    ) -> Any:
        """Run a script to its end."""
        path = self.write("script.py", text)
        return subprocess.run(
            [*(python or [sys.executable]), str(path)],
            cwd=self.folder,
            env=self.env(env),
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    @contextmanager
    def server(self, *command: str, ready: str = "/ready") -> Iterator[str]:
        """Start a server (``{port}`` filled in), give its base URL, and stop it by SIGINT."""
        port = free_port()
        log = self.folder / "server.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [part.replace("{port}", str(port)) for part in command],
                cwd=self.folder,
                env=self.env(),
                stdout=out,
                stderr=out,
            )
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return get(url + ready)[0] < 500
            except OSError:
                return False

        try:
            wait_until(answers, "the server to be ready")
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def records(self, kind: type[R]) -> list[R]:
        journals = Path(self.arming.journal_dir)
        return [record for record in read_ledger(journals) if isinstance(record, kind)]


def header(*chosen: tuple[str, str, int], key: str = KEY, run_id: str = "run-1") -> dict[str, str]:
    """The fault header for ``(fault, fault id, term)``."""
    selection = Selection(run_id, TRACE, tuple(Selected(*each) for each in chosen))
    return {NAME: encode(selection, key)}


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Status and body."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
