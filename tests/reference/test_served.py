"""The reference service as it is shipped: uvicorn, a real SDK, a real socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import brotli
import httpx
import pytest

from pytest_sentry_harness.reference import seed_data
from pytest_sentry_harness.targets.command import free_port


@contextmanager
def envelope_sink() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A DSN, and the events that were sent to it."""
    events: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = brotli.decompress(self.rfile.read(int(self.headers["content-length"])))
            lines = body.split(b"\n")
            if json.loads(lines[1])["type"] == "event":
                events.append(json.loads(lines[2]))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://key@127.0.0.1:{server.server_port}/1", events
        finally:
            server.shutdown()
            thread.join()


STORM = """
import uvicorn, sys
from pytest_sentry_harness.reference import orders, settlement
def save(session, order):
    raise TimeoutError("planted")
orders.save = save
uvicorn.run("pytest_sentry_harness.reference.app:app", port=int(sys.argv[1]), access_log=False)
"""


@pytest.mark.slow
def test_every_error_is_sent_before_the_process_ends(tmp_path: Path) -> None:
    """Unhandled errors answer 500, each is sent exactly once, and SIGTERM right after loses none of them."""
    port = free_port()
    with envelope_sink() as (dsn, events), (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", STORM, str(port)],
            env={**os.environ, "SENTRY_DSN": dsn, "REFERENCE_DATABASE": str(tmp_path / "t.sqlite")},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            base = f"http://127.0.0.1:{port}"
            _await_health(base)
            with httpx.Client(base_url=base, headers={"Connection": "close"}, timeout=30) as client:
                login = {"email": seed_data.emails(1, 1)[0], "password": seed_data.PASSWORD}
                token = client.post("/login", json=login).json()["access_token"]
                body = {"symbol": seed_data.symbols(1, 1)[0], "side": "buy", "quantity": 1}
                for _ in range(30):
                    answer = client.post("/orders", json=body, headers={"Authorization": f"Bearer {token}"})
                    assert answer.status_code == 500
        finally:
            process.terminate()
            process.wait(60)
    assert len(events) == 30
    assert {event["exception"]["values"][-1]["type"] for event in events} == {"TimeoutError"}
    assert {event["release"] for event in events} == {"reference-trading@1.4.2"}
    assert {event["transaction"] for event in events} == {"/orders"}
    text = json.dumps(events)
    assert token not in text
    assert seed_data.PASSWORD not in text


def _await_health(base: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{base}/health").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise TimeoutError(base)
