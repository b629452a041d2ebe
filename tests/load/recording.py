"""A tiny HTTP server that remembers what it was asked, and an arming file for it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pytest_sentry_harness.injection import lease
from pytest_sentry_harness.ledger.reader import JournalState, read_ledger
from pytest_sentry_harness.model.arming import ArmedFault, Arming
from pytest_sentry_harness.model.ledger import Record
from pytest_sentry_harness.plan.arming_file import ENVIRONMENT_VARIABLE, write_arming
from pytest_sentry_harness.targets.command import free_port


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Recorder:
    url: str
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def recording_server(fail_paths: frozenset[str] = frozenset()) -> Iterator[Recorder]:
    """Serve until the block ends. ``/redirect`` answers 302; ``/hangup`` closes without an answer."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            with lock:
                headers = {name.lower(): value for name, value in self.headers.items()}
                recorder.seen.append(Seen(self.command, self.path, headers))
            if self.path == "/hangup":
                self.close_connection = True
                return
            self.send_response(500 if self.path in fail_paths else 200)
            self.send_header("content-length", "2")
            if self.close_connection:
                self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients may go away when a test ends."""

    with Server(("127.0.0.1", 0), Handler) as server:
        recorder = Recorder(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield recorder
        finally:
            server.shutdown()
            thread.join()


def two_workers() -> list[str]:
    """Options for a master with two workers, on a port that no other test's master has."""
    port = str(free_port())
    return [
        *("--processes", "2", "--master-bind-host", "127.0.0.1"),
        *("--master-bind-port", port, "--master-port", port),
    ]


def arm(
    folder: Path, *faults: ArmedFault, most: int | None = None, hosts: tuple[str, ...] | None = None
) -> Arming:
    """Write ``arming.json`` into ``folder``."""
    arming = Arming(
        run_id="run-1",
        key="k" * 64,
        seed=7,
        faults=faults,
        journal_dir=str(folder / "ledger"),
        lease=str(folder / "lease"),
        lease_seconds=3600.0,
        stop_after_faults=most,
        **({} if hosts is None else {"hosts": hosts}),
    )
    write_arming(arming, folder / "arming.json")
    lease.renew(arming.lease)
    return arming


def fault(
    name: str = "boom", do: str = "raise(TimeoutError)", *on: str, select: str = "request"
) -> ArmedFault:
    return ArmedFault(name=name, at="app:work", do=do, on=on, select=select)


def driven_environment(folder: Path) -> dict[str, str]:
    """What the harness gives a Locust process that it drives."""
    return {**os.environ, ENVIRONMENT_VARIABLE: str(folder / "arming.json")}


def ledger(folder: Path) -> tuple[list[Record], list[JournalState]]:
    states: list[JournalState] = []
    return list(read_ledger(folder / "ledger", states)), states


LOCUSTFILE = """
from locust import FastHttpUser, HttpUser, constant, events, task
from pytest_sentry_harness.locust_ext import add_options, attach

events.init_command_line_parser.add_listener(add_options)


@events.init.add_listener
def on_init(environment, **kwargs):
    attach(environment)


class Fast(FastHttpUser):
    wait_time = constant(0.005)

    @task
    def orders(self):
        self.client.post("/orders?x=1", json={"a": 1}, headers={"Authorization": "Bearer t"})
        self.client.get("/quotes/ABC", name="/quotes/{symbol}")


class Slow(HttpUser):
    wait_time = constant(0.005)

    @task
    def orders(self):
        self.client.post("/orders?x=1", json={"a": 1}, headers={"Authorization": "Bearer t"})
        with self.client.rename_request("/quotes/{symbol}"):
            self.client.get("/quotes/ABC")
"""

LOCUST = [sys.executable, "-m", "locust", "--headless", "--only-summary"]
