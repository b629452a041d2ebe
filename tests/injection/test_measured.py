"""The agent in a process that is measured: a parked thread that flushes the SDK, and an SDK that can be switched off."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_sentry_harness.harness.overhead.inside import Inside, Told
from pytest_sentry_harness.injection.environment import agent_environment
from pytest_sentry_harness.model.arming import ArmedMeasuring, Arming
from pytest_sentry_harness.plan.arming_file import write_arming
from pytest_sentry_harness.server.embedded import EmbeddedServer

DEADLINE = 60.0
# Says that it is set up by a file, and ends when its stdin does.
PROGRAM = """
import os, pathlib, sys
import sentry_sdk
from sentry_sdk import init
found = init(os.environ["DSN"], release="p@1")
if {entered}:
    with found:
        pass
{more}
pathlib.Path(os.environ["READY"]).write_text(str(os.getpid()))
sys.stdin.read()
os._exit(0)
"""


def arming(folder: Path, init: bool) -> Path:
    path = folder / "arming.json"
    write_arming(
        Arming(
            run_id="r",
            key="k" * 32,
            seed=0,
            faults=(),
            journal_dir=str(folder),
            lease=str(folder / "lease"),
            measuring=ArmedMeasuring(folder=str(folder), init=init),
        ),
        path,
    )
    return path


@contextmanager
def program(
    folder: Path, dsn: str, *, init: bool = True, entered: bool = False, more: str = ""
) -> Iterator[int]:
    """Such a program while it runs: its process id."""
    ready = folder / "ready"
    text = textwrap.dedent(PROGRAM).format(more=more, entered=entered)
    env = agent_environment(arming(folder, init), {**os.environ, "DSN": dsn, "READY": str(ready)})
    process = subprocess.Popen([sys.executable, "-c", text], env=env, stdin=subprocess.PIPE, cwd=folder)
    try:
        deadline = time.monotonic() + DEADLINE
        while not (ready.exists() and ready.read_text()):
            assert process.poll() is None, "the program ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process.pid
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(DEADLINE) == 0


def ask(folder: Path, *pids: int, key: str = "k" * 32) -> list[Told]:
    return Inside(folder, key).flush(pids, 10.0)


@pytest.mark.slow
def test_flushing_sends_what_the_sdk_holds(tmp_path: Path) -> None:
    """Sessions wait for a minute: a flush sends them, and the process says what it is set up as."""
    with EmbeddedServer.start(tmp_path / "store") as server, server.client() as client:
        project = client.create_project("p")
        more = "sentry_sdk.capture_message('hello')\nsentry_sdk.get_client().transport.record_lost_event('queue_overflow', 'error')"
        with program(tmp_path, project.dsn, more=more) as pid:
            (told,) = ask(tmp_path, pid)
            arrived = client.wait_for(timeout=DEADLINE, at_least=2, project=project.project_id)
    assert (told.pid, told.active, told.initialised, told.error, told.cut_off) == (pid, True, True, "", ())
    assert told.version is not None
    assert {arrival.item_type for arrival in arrived} == {"event", "client_report"}


@pytest.mark.slow
@pytest.mark.parametrize("entered", [False, True])
def test_init_does_nothing_when_it_is_to(tmp_path: Path, entered: bool) -> None:
    """Whichever way ``init`` was imported; what it gives may be entered, as that of the SDK."""
    more = "assert not sentry_sdk.get_client().is_active()\nsentry_sdk.capture_message('to nobody')"
    with program(tmp_path, "http://key@127.0.0.1:9/1", init=False, entered=entered, more=more) as pid:
        (told,) = ask(tmp_path, pid)
    assert (told.active, told.initialised, told.inits_withheld) == (False, False, 1)


@pytest.mark.slow
def test_a_client_without_a_dsn_is_told(tmp_path: Path) -> None:
    """It has nowhere to send to, and patches and works as any other."""
    with program(tmp_path, "") as pid:
        (told,) = ask(tmp_path, pid)
    assert (told.active, told.initialised, told.error) == (False, True, "")


@pytest.mark.slow
def test_a_client_that_was_made_by_hand_is_told(tmp_path: Path) -> None:
    """Without init, and bound to a scope that no other thread sees: its integrations have patched all the same."""
    more = "sentry_sdk.get_isolation_scope().set_client(sentry_sdk.Client(''))"
    with program(tmp_path, "", init=False, more=more) as pid:
        (told,) = ask(tmp_path, pid)
    assert (told.active, told.initialised, told.inits_withheld) == (False, True, 1)


@pytest.mark.slow
def test_other_hosts_are_out_of_reach(tmp_path: Path) -> None:
    """A DSN of somewhere else gives a client without a transport, and is told."""
    more = "assert sentry_sdk.get_client().transport is None"
    with program(tmp_path, "https://key@o1.ingest.sentry.io/1", more=more) as pid:
        (told,) = ask(tmp_path, pid)
    assert (told.active, told.cut_off) == (False, ("o1.ingest.sentry.io",))


@pytest.mark.slow
def test_a_forked_child_has_a_thread_of_its_own(tmp_path: Path) -> None:
    """Servers fork their workers; each of them can be flushed."""
    more = textwrap.dedent(
        """
        child = os.fork()
        if not child:
            sys.stdin.read()
            os._exit(0)
        """
    )
    with program(tmp_path, "http://key@127.0.0.1:9/1", more=more) as pid:
        deadline = time.monotonic() + DEADLINE
        while len(doors := list(tmp_path.glob("[0-9]*.json"))) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        pids = sorted(int(door.stem) for door in doors)
        told = ask(tmp_path, *pids)
    assert pid in pids
    assert sorted(each.pid for each in told) == pids


@pytest.mark.slow
def test_nobody_else_is_answered(tmp_path: Path) -> None:
    """Another run's key, and what is no question at all."""
    with program(tmp_path, "http://key@127.0.0.1:9/1") as pid:
        (told,) = ask(tmp_path, pid, key="another")
        port = json.loads((tmp_path / f"{pid}.json").read_text())["port"]
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
            answer = connection.makefile().readline()
        assert ask(tmp_path, pid)[0].pid == pid
    assert told.error == "another run's key"
    assert json.loads(answer) == {"error": "not understood"}


def test_processes_without_the_agent_say_nothing(tmp_path: Path) -> None:
    """Another language, ``python -I``, or a process that has ended."""
    assert ask(tmp_path, os.getpid()) == []
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    (tmp_path / "1.json").write_text(json.dumps({"pid": 1, "port": port}))
    assert ask(tmp_path, 1) == []
