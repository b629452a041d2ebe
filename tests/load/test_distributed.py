"""Workers that cannot reach the run's folder: one ledger all the same, with exactly what each of them wrote."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest
import zmq

from pytest_sentry_harness.ledger.journal import encode_record
from pytest_sentry_harness.ledger.reader import JournalState, read_journal
from pytest_sentry_harness.model.ledger import Answered, Goodbye, Hello, Intent, Record

from .distributed import Fleet, await_it, fleet
from .recording import LOCUSTFILE, Recorder, arm, driven_environment, fault, ledger, recording_server

pytestmark = [pytest.mark.locust, pytest.mark.slow]

NOWHERE = ("--sentry-harness-arming", "/nowhere/arming.json")
# What a worker on another host is: one that cannot read what the master points at.
AWAY = """
import pytest_sentry_harness.locust_ext.member as member
import os

if os.environ.get("AWAY"):
    member._readable = lambda told: None
"""


@pytest.fixture
def server() -> Iterator[Recorder]:
    with recording_server() as recorder:
        yield recorder


@pytest.fixture
def locust(tmp_path: Path) -> Iterator[Fleet]:
    locustfile = tmp_path / "locustfile.py"
    locustfile.write_text("import locust\n" + AWAY + LOCUSTFILE)
    with fleet(tmp_path, locustfile) as started:
        yield started


def users(server: Recorder, *more: str) -> list[str]:
    load = ["--host", server.url, "-u", "4", "-r", "50", "-t", "60s", "--stop-timeout", "5"]
    return [*load, "--exit-code-on-error", "0", *more, "Fast"]


def records_of(path: Path) -> list[Record]:
    return list(read_journal(path))


def test_two_workers_elsewhere_give_exactly_the_sum_of_their_ledgers(
    tmp_path: Path, server: Recorder, locust: Fleet
) -> None:
    """Record for record: what the workers kept for themselves is what stands in the run's ledger."""
    arm(tmp_path, fault("boom", "raise(TimeoutError)", "POST /orders"), most=300)
    master = locust.master(*users(server), env=driven_environment(tmp_path), workers=2)
    for name in ("one", "two"):
        locust.worker(
            name, *NOWHERE, "--sentry-harness-journals", str(tmp_path / f"{name}-kept"), env={"AWAY": "1"}
        )
    assert [process.wait() for process in locust.processes] == [0, 0, 0], locust.logs()
    assert "sentry-harness:" not in master.text
    merged = {path.name.split("-")[1]: records_of(path) for path in (tmp_path / "ledger").iterdir()}
    kept = [records_of(path) for path in sorted(tmp_path.glob("*-kept/*/*.journal"))]
    assert sorted(merged) == ["w0", "w1"]
    assert len(kept) == 2
    # Compared as lines, which compare in order; the sum is of records, and each worker's order is kept.
    as_lines = [[encode_record(record) for record in records] for records in kept]
    assert sorted([encode_record(record) for record in records] for records in merged.values()) == sorted(
        as_lines
    )
    assert sum(isinstance(r, Intent) for rs in merged.values() for r in rs) >= 300
    for records in merged.values():
        assert isinstance(records[0], Hello)
        assert isinstance(records[-1], Goodbye)
        intents = {r.fault_id for r in records if isinstance(r, Intent)}
        assert intents == {i for r in records if isinstance(r, Answered) for i in r.fault_ids}
    assert not list(tmp_path.glob("*/tmp/sentry-harness-*"))


@pytest.mark.usefixtures("unmeasured")
def test_one_worker_here_and_one_elsewhere(tmp_path: Path, server: Recorder, locust: Fleet) -> None:
    """Each keeps its journal where it can; the key goes only to the one that cannot read the file."""
    arm(tmp_path, fault("boom", "raise(TimeoutError)", "POST /orders"), most=100)
    locust.master(*users(server), env=driven_environment(tmp_path), workers=2)
    locust.worker("here")
    away = locust.worker("away", env={"AWAY": "1"})
    assert [process.wait() for process in locust.processes] == [0, 0, 0], locust.logs()
    _, states = ledger(tmp_path)
    assert sorted(state.path.name.split("-")[1][0] for state in states) == sorted(
        ["w", str(locust.processes[1].popen.pid)[0]]
    )
    assert all(state.closed for state in states)
    assert "the run's folder is out of reach" in away.text
    assert not list((tmp_path / "away" / "tmp").iterdir())


def test_a_worker_that_dies_leaves_what_was_taken(tmp_path: Path, server: Recorder, locust: Fleet) -> None:
    """SIGKILL: its journal on the master is readable, holds what it sent, and is not closed."""
    arm(tmp_path, fault("boom", "raise(TimeoutError)", "POST /orders"))
    master = locust.master(*users(server), env=driven_environment(tmp_path), workers=2)
    locust.worker("one", env={"AWAY": "1"})
    dying = locust.worker("two", env={"AWAY": "1"})

    def journals() -> list[Path]:
        return sorted((tmp_path / "ledger").glob("load-w*"))

    await_it(
        lambda: len(journals()) == 2 and all(p.read_bytes().count(b'["answered"') > 20 for p in journals()),
        locust.logs,
    )
    pids = {records_of(path)[0].pid: path for path in journals()}  # type: ignore[attr-defined]
    dying.popen.send_signal(signal.SIGKILL)
    dying.wait()
    master.popen.send_signal(signal.SIGTERM)
    master.wait()
    states: list[JournalState] = []
    for path in journals():
        list(read_journal(path, states))
    assert {state.path: state.closed for state in states} == {
        path: pid != dying.popen.pid for pid, path in pids.items()
    }, locust.logs()
    assert all(state.torn is None for state in states)
    # Kept for whoever looks after it: the process could not take it away.
    assert list((tmp_path / "two" / "tmp").glob("sentry-harness-*/*.journal"))


def test_a_terminated_worker_hands_in_everything(tmp_path: Path, server: Recorder, locust: Fleet) -> None:
    """SIGTERM to a worker: users end, the journal is closed, and the master has all of it before it leaves."""
    arm(tmp_path, fault("boom", "raise(TimeoutError)", "POST /orders"))
    master = locust.master(*users(server), env=driven_environment(tmp_path), workers=1)
    worker = locust.worker("one", env={"AWAY": "1"})
    await_it(lambda: len(server.seen) > 50, locust.logs)
    worker.popen.send_signal(signal.SIGTERM)
    assert worker.wait() == 0, locust.logs()
    master.wait()
    records, states = ledger(tmp_path)
    assert [(state.closed, state.torn) for state in states] == [(True, None)]
    posts = sum(seen.method == "POST" for seen in server.seen)
    # A user that is ended in the middle of a request has no answer to write down.
    assert sum(isinstance(record, Intent) for record in records) >= posts
    assert any(isinstance(record, Answered) for record in records)


def test_a_master_without_the_extension_is_named(
    tmp_path: Path, server: Recorder, locust: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that nobody tells of a run says what is missing, instead of sending unmarked requests for ever."""
    text = locust.locustfile.read_text()
    text = text.replace(
        "    attach(environment)", "    if os.environ.get('ATTACH'):\n        attach(environment)"
    )
    text = text.replace(
        "import locust\n",
        "import locust\nfrom pytest_sentry_harness.locust_ext import attachment\nattachment._TOLD_SECONDS = 1.0\n",
        1,
    )
    locust.locustfile.write_text(text)
    locust.master(*users(server), env=dict(os.environ), workers=1)
    worker = locust.worker("one", env={"ATTACH": "1"})
    await_it(lambda: "this worker was not told about a run" in worker.text, locust.logs)


class Stranger:
    """Somebody who reaches the master's port."""

    def __init__(self, port: str) -> None:
        self._socket = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, b"stranger")
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(f"tcp://127.0.0.1:{port}")

    def say(self, kind: str, data: object) -> None:
        self._socket.send(msgpack.dumps((kind, data, "stranger")))

    def hears(self, kind: str, milliseconds: int = 30_000) -> object:
        """The next message of that kind; None when none comes."""
        while self._socket.poll(milliseconds):
            heard, data, _ = msgpack.loads(self._socket.recv())
            if heard == kind:
                return data
        return None

    def close(self) -> None:
        self._socket.close()


@pytest.mark.usefixtures("unmeasured")
def test_strangers_get_no_key_and_nothing_into_the_ledger(
    tmp_path: Path, server: Recorder, locust: Fleet
) -> None:
    """Without registering nothing is told; with it, only this run's load records are taken, and the run is an error."""
    arming = arm(tmp_path, fault("boom", "raise(TimeoutError)", "POST /orders"))
    master = locust.master(*users(server), env=driven_environment(tmp_path), workers=2)
    await_it(lambda: "Waiting for workers" in master.text, locust.logs)
    stranger = Stranger(locust.port)
    try:
        stranger.say("sentry_harness_ask", {"content": True})
        stranger.say("sentry_harness_report", {"seq": 1, "lines": b"", "last": False})
        assert stranger.hears("sentry_harness_tell", 1000) is None
        assert "'stranger' asked, and is no worker here" in master.text
        assert "'stranger' reported, and was never told of the run" in master.text
        stranger.say("client_ready", -1)
        assert stranger.hears("ack") is not None
        stranger.say("sentry_harness_ask", {"content": False})
        place = stranger.hears("sentry_harness_tell")
        assert isinstance(place, dict)
        assert arming.key not in json.dumps(place)
        stranger.say("sentry_harness_ask", {"content": True})
        assert arming.key in json.dumps(stranger.hears("sentry_harness_tell"))
        hello = Hello(
            run_id="run-1",
            role="target",
            pid=1,
            parent_pid=0,
            argv=(),
            python="",
            harness="",
            at=1.0,
            mono=1.0,
        )
        stranger.say("sentry_harness_report", {"seq": 1, "lines": encode_record(hello), "last": False})
        answer = stranger.hears("sentry_harness_taken")
        assert isinstance(answer, dict)
        assert "the journal of a 'target' of run 'run-1'" in answer["refused"]
        stranger.say("sentry_harness_report", "nonsense")
        assert stranger.hears("sentry_harness_taken") == answer
    finally:
        stranger.close()
    # Locust can be ended in order once it has its workers.
    locust.worker("one", env={"AWAY": "1"})
    await_it(lambda: bool(server.seen), locust.logs)
    master.popen.send_signal(signal.SIGTERM)
    assert master.wait() == 12, locust.logs()
    _, states = ledger(tmp_path)
    assert [(state.path.name.split("-")[1], state.closed) for state in states] == [("w1", True)]


def test_what_is_out_of_reach(tmp_path: Path) -> None:
    """No such file; a file of another run at the same path; a ledger that is no folder here; and what is in reach."""
    arm(tmp_path, fault("boom"))
    code = f"""
import locust
import pathlib, shutil
from pytest_sentry_harness.locust_ext.crew import fingerprint
from pytest_sentry_harness.locust_ext.member import _readable
folder = pathlib.Path({str(tmp_path)!r})
path = folder / "arming.json"
told = {{"path": str(path), "fingerprint": fingerprint(path.read_bytes())}}
assert _readable(told).run_id == "run-1"
assert _readable(told | {{"path": "/nowhere/arming.json"}}) is None
assert _readable(told | {{"fingerprint": fingerprint(b"that of another run")}}) is None
(folder / "ledger").rmdir()
(folder / "ledger").write_text("")
assert _readable(told) is None
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
