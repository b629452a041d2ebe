"""The server as a process: how it starts, what it refuses, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_sentry_harness import __version__
from pytest_sentry_harness.errors import ServerError
from pytest_sentry_harness.server.client import EmbeddedServer
from pytest_sentry_harness.server.process import is_loopback
from pytest_sentry_harness.store.reader import open_store

from .wire import Bench, event, post_bytes

COMMAND = [sys.executable, "-m", "pytest_sentry_harness.server"]


def run(*options: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})}
    )


def bench_of(server: EmbeddedServer) -> Bench:
    client = server.client()
    return Bench(server, client, client.create_project("p"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_ready_line_and_an_orderly_end(tmp_path: Path, number: int) -> None:
    """Exactly one JSON line on standard output; exit code 0 after either signal."""
    command = [*COMMAND, "--store", str(tmp_path / "store")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready == {
        "event": "ready",
        "url": f"http://127.0.0.1:{ready['port']}",
        "port": ready["port"],
        "token": ready["token"],
        "pid": process.pid,
        "store": str((tmp_path / "store").resolve()),
        "version": __version__,
    }
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (0, "", "")


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """A parent that is killed takes the server with it."""
    script = (
        "import sys, time, pathlib\n"
        "from pytest_sentry_harness.server.client import EmbeddedServer\n"
        f"server = EmbeddedServer.start(pathlib.Path({str(tmp_path)!r}))\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(300)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait(30)
    parent.stdout.close()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_restart_knows_its_projects_and_arrivals(tmp_path: Path) -> None:
    """On the same folder and port, what was there goes on."""
    with EmbeddedServer.start(tmp_path) as first:
        bench = bench_of(first)
        event_id, body = event()
        assert bench.send(body).status == 200
        bench.client.change_project(bench.project.project_id, key_enabled=False)
        bench.client.close()
    with EmbeddedServer.start(tmp_path, port=first.port) as second:
        again = Bench(second, second.client(), bench.project)
        assert again.client.projects()[0].dsn == bench.project.dsn
        assert again.send(event()[1]).status == 403
        again.client.change_project("1", key_enabled=True)
        assert again.send(body).json() == {"id": event_id}
        assert [row[0] for row in again.outcomes()] == ["accepted", "refused", "duplicate"]
        assert again.client.create_project("next").project_id == "2"
        again.client.close()
    with open_store(tmp_path) as store:
        assert [arrival.outcome for arrival in store.arrivals()] == ["accepted", "refused", "duplicate"]


def test_stopping_lets_hung_requests_go(tmp_path: Path) -> None:
    """A request that hangs and a call that waits do not hold the end up, and a slow answer comes early."""
    from pytest_sentry_harness.server.behaviour import Rule

    with EmbeddedServer.start(tmp_path) as server:
        bench = bench_of(server)
        bench.client.behave("1", [Rule(hang=True, requests=1), Rule(delay=300)])
        with (
            socket.create_connection(("127.0.0.1", server.port)) as hung,
            socket.create_connection(("127.0.0.1", server.port)) as slow,
            socket.create_connection(("127.0.0.1", server.port)) as waiting,
        ):
            hung.sendall(post_bytes(bench, event()[1]))
            bench.client.wait_for(timeout=30)
            slow.sendall(post_bytes(bench, event()[1]))
            bench.client.wait_for(timeout=30, at_least=2)
            waiting.sendall(
                b"GET /api/harness/arrivals?wait=60&at_least=50 HTTP/1.1\r\nHost: localhost\r\n"
                b"Authorization: Bearer " + server.token.encode() + b"\r\n\r\n"
            )
            bench.client.close()
            assert server.stop(timeout=30) == 0
            slow.settimeout(10)
            assert slow.recv(100).startswith(b"HTTP/1.1 200")
            assert server.process.returncode == 0
    assert "running task" not in server.log()


@pytest.mark.slow
def test_two_servers_on_one_store(tmp_path: Path) -> None:
    """The second is refused, with the reason in the error."""
    with EmbeddedServer.start(tmp_path) as server:
        with pytest.raises(ServerError) as caught:
            EmbeddedServer.start(tmp_path)
        assert "ended before it was ready, with exit code 12" in str(caught.value)
        assert "another server writes to this store" in str(caught.value)
        assert server.alive()
    assert not server.alive()


def test_a_port_in_use(tmp_path: Path) -> None:
    """Exit code 12 and the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("--store", str(tmp_path), "--port", port)
    assert result.returncode == 12
    assert f"127.0.0.1:{port}: cannot listen here" in result.stderr
    assert "--port 0 takes a free one" in result.stderr


@pytest.mark.slow
def test_hosts_others_can_reach(tmp_path: Path) -> None:
    """Refused as wrong usage, with the option that permits it; unknown hosts are errors."""
    result = run("--store", str(tmp_path), "--host", "0.0.0.0")
    assert result.returncode == 2
    assert "can be reached from other machines" in result.stderr
    assert "--allow-remote" in result.stderr
    unknown = run("--store", str(tmp_path), "--host", "no.such.host.invalid", "--allow-remote")
    assert unknown.returncode == 12
    assert "this address is not known" in unknown.stderr
    assert [is_loopback(h) for h in ("127.9.9.9", "::1", "[::1]", "Localhost", "10.0.0.1", "x")] == [
        *(True, True, True, True),
        *(False, False),
    ]


@pytest.mark.slow
def test_a_token_of_ones_own(tmp_path: Path) -> None:
    """From a file or the environment; a bad file is wrong usage."""
    file = tmp_path / "token"
    file.write_text("my-token\n")
    with EmbeddedServer.start(tmp_path / "a", options=["--token-file", str(file)]) as server:
        assert server.token == "my-token"
    with EmbeddedServer.start(tmp_path / "b", env={"SENTRY_HARNESS_SERVER_TOKEN": "other"}) as server:
        assert server.token == "other"
    file.write_text("two words")
    result = run("--store", str(tmp_path / "c"), "--token-file", str(file))
    assert result.returncode == 2
    assert "one line of ASCII without blanks" in result.stderr
    missing = run("--store", str(tmp_path / "c"), "--token-file", str(tmp_path / "none"))
    assert "the token cannot be read" in missing.stderr


@pytest.mark.slow
def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """A file in place of the folder, and a store that is none."""
    file = tmp_path / "file"
    file.write_text("x")
    assert "the folder of the store cannot be used" in run("--store", str(file)).stderr
    (tmp_path / "arrivals.sqlite").write_bytes(b"no database" * 1000)
    result = run("--store", str(tmp_path))
    assert result.returncode == 12
    assert "the store cannot be read" in result.stderr


@pytest.mark.slow
def test_a_server_that_does_not_come_up(tmp_path: Path) -> None:
    """Waiting has an end."""
    with pytest.raises(ServerError, match=r"was not ready after 0\.001 s"):
        EmbeddedServer.start(tmp_path, timeout=0.001)


def test_killed_servers_are_noticed(tmp_path: Path) -> None:
    """After a kill the object knows, and the store opens."""
    server = EmbeddedServer.start(tmp_path)
    server.kill()
    assert not server.alive()
    assert server.stop() == -signal.SIGKILL
    with open_store(tmp_path) as store:
        assert store.last_cursor == 0


def test_a_server_that_does_not_react_is_killed(tmp_path: Path) -> None:
    """Stopping has an end."""
    server = EmbeddedServer.start(tmp_path)
    os.kill(server.pid, signal.SIGSTOP)
    assert server.stop(timeout=0.2) == -signal.SIGKILL


def test_a_full_disk_is_answered_with_503(tmp_path: Path) -> None:
    """What could not be kept is not acknowledged."""
    with EmbeddedServer.start(tmp_path) as server:
        bench = bench_of(server)
        connection = sqlite3.connect(tmp_path / "arrivals.sqlite")
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON request BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        answer = bench.send(event()[1])
        assert answer.status == 503
        assert answer.json()["detail"] == "the store could not be written; the request is not kept"
        connection.execute("DROP TRIGGER full")
        connection.close()
        assert bench.send(event()[1]).status == 200
        assert bench.client.stats().requests == 1
        bench.client.close()
    assert "disk full" in server.log()


@pytest.mark.slow
def test_a_digest_that_fails_is_told(tmp_path: Path) -> None:
    """Ingest goes on, questions are answered with what is wrong, and nothing is lost."""
    with EmbeddedServer.start(tmp_path) as server:
        bench = bench_of(server)
        bench.client.stats()
        assert bench.send(event()[1]).status == 200
        bench.client.wait_for(timeout=30)
        connection = sqlite3.connect(tmp_path / "index.sqlite")
        connection.execute("DROP TABLE seen")
        connection.close()
        assert bench.send(event()[1]).status == 200
        with pytest.raises(ServerError, match="what arrived cannot be digested") as caught:
            bench.client.arrivals(wait=30, at_least=2)
        assert "safe in arrivals.sqlite" in str(caught.value)
        assert bench.send(event()[1]).status == 200
        bench.client.close()
    (tmp_path / "index.sqlite").unlink()
    with open_store(tmp_path) as store:
        assert store.count() == 3
