"""Locust as a process: real runs against a real server, and the journals they leave."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pytest_sentry_harness.errors import LoadError
from pytest_sentry_harness.injection import lease
from pytest_sentry_harness.load import process
from pytest_sentry_harness.load.process import arguments, run_load
from pytest_sentry_harness.model.ledger import Answered, Goodbye, Intent, Note
from pytest_sentry_harness.model.scenario import Load
from pytest_sentry_harness.protocol import fault_header

from .recording import (
    LOCUST,
    LOCUSTFILE,
    Recorder,
    arm,
    driven_environment,
    fault,
    ledger,
    recording_server,
    two_workers,
)

pytestmark = pytest.mark.locust


@pytest.fixture
def server() -> Iterator[Recorder]:
    with recording_server(frozenset({"/orders?x=1"})) as recorder:
        yield recorder


@pytest.fixture
def load(tmp_path: Path) -> Load:
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    return Load(locustfile=tmp_path / "locustfile.py", users=4, spawn_rate=50.0, run_time=60.0)


@pytest.mark.slow
@pytest.mark.parametrize("user_class", ["Fast", "Slow"])
def test_faults_are_asked_for_and_every_one_is_on_record(
    tmp_path: Path, server: Recorder, load: Load, user_class: str
) -> None:
    """Both HTTP clients: headers arrive, intents precede them, answers follow, and the load stops by itself."""
    arming = arm(tmp_path, fault("boom", "50%raise(TimeoutError)", "POST /orders"), most=40)
    polled: list[float] = []
    ending = run_load(
        replace(load, user_classes=(user_class,)),
        host=server.url,
        env=driven_environment(tmp_path),
        log=tmp_path / "load.log",
        on_poll=polled.append,
    )
    records, states = ledger(tmp_path)
    intents = [record for record in records if isinstance(record, Intent)]
    answers = [record for record in records if isinstance(record, Answered)]
    carried = {
        selected.fault_id: (seen, selection.trace_id)
        for seen in server.seen
        if fault_header.NAME.lower() in seen.headers
        for selection in [fault_header.decode(seen.headers[fault_header.NAME.lower()], arming.key)]
        for selected in selection.faults
    }
    assert len(intents) == 40
    assert {intent.fault_id for intent in intents} == set(carried)
    for intent in intents:
        seen, trace_id = carried[intent.fault_id]
        assert (seen.method, seen.path, intent.request) == ("POST", "/orders?x=1", "POST /orders")
        assert trace_id == intent.trace_id
        assert seen.headers["sentry-trace"].startswith(intent.trace_id)
        assert f"sentry-sample_rand={intent.sample_rand:.6f}" in seen.headers["baggage"]
        assert seen.headers["authorization"] == "Bearer t"
        assert seen.headers["connection"] == "close"
    assert {answer.fault_ids[0]: answer.status for answer in answers} == dict.fromkeys(carried, 500)
    order = {record.fault_id: n for n, record in enumerate(records) if isinstance(record, Intent)}
    assert all(
        order[record.fault_ids[0]] < n for n, record in enumerate(records) if isinstance(record, Answered)
    )
    assert all("sentry-trace" in seen.headers for seen in server.seen)
    assert [(state.closed, state.torn) for state in states] == [(True, None)]
    assert not [record for record in records if isinstance(record, Note)]
    assert ending.exit_code == 0
    assert ending.requests == len(server.seen)
    assert ending.failures == sum(seen.method == "POST" for seen in server.seen)
    assert polled
    assert polled == sorted(polled)


@pytest.mark.slow
def test_two_workers_keep_a_journal_each_and_the_master_stops_them(
    tmp_path: Path, server: Recorder, load: Load
) -> None:
    """Distributed: lanes of their own, no clash of ids, both journals closed."""
    arm(tmp_path, fault("boom", "raise(TimeoutError)", "POST /orders"), most=60)
    command = [*LOCUST, "-f", str(load.locustfile), *two_workers(), "--host", server.url]
    command += ["-u", "4", "-r", "50", "-t", "60s", "--stop-timeout", "10", "--exit-code-on-error", "0"]
    command += ["Fast"]
    done = subprocess.run(
        command, env=driven_environment(tmp_path), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    records, states = ledger(tmp_path)
    ids = [record.fault_id for record in records if isinstance(record, Intent)]
    assert len(ids) == len(set(ids)) >= 60
    assert {fault_id.split("-")[1] for fault_id in ids} == {"w0", "w1"}
    assert [state.closed for state in states] == [True, True]


@pytest.mark.slow
def test_a_terminated_locust_closes_its_journal(tmp_path: Path, server: Recorder, load: Load) -> None:
    """SIGTERM in mid-run: users end, answers are on record, and the journal says goodbye."""
    arm(tmp_path, fault("boom", "raise(TimeoutError)", "POST /orders"))
    command = arguments(replace(load, user_classes=("Fast",)), host=server.url, statistics=tmp_path / "s")
    with (tmp_path / "load.log").open("wb") as log:
        locust = subprocess.Popen(
            command, env=driven_environment(tmp_path), stdout=log, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + 60
    while len(server.seen) < 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    locust.send_signal(signal.SIGTERM)
    assert locust.wait(60) == 0
    records, states = ledger(tmp_path)
    assert isinstance(records[-1], Goodbye)
    assert states[0].closed
    intents = {record.fault_id for record in records if isinstance(record, Intent)}
    answered = {
        fault_id for record in records if isinstance(record, Answered) for fault_id in record.fault_ids
    }
    assert intents == answered


@pytest.mark.slow
def test_the_load_ends_when_the_harness_is_gone(tmp_path: Path, server: Recorder, load: Load) -> None:
    """Without its lease, Locust has nobody to work for: it stops, closes its journal and does not end with 0."""
    arming = arm(tmp_path, fault("boom", "raise(TimeoutError)", "POST /orders"))
    command = arguments(replace(load, user_classes=("Fast",)), host=server.url, statistics=tmp_path / "s")
    with (tmp_path / "load.log").open("wb") as log:
        locust = subprocess.Popen(
            command, env=driven_environment(tmp_path), stdout=log, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + 60
    while len(server.seen) < 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    lease.end(arming.lease)
    assert locust.wait(60) == 12
    assert "the load ends: the lease" in (tmp_path / "load.log").read_text()
    _, states = ledger(tmp_path)
    assert states[0].closed


@pytest.mark.slow
def test_a_connection_that_is_dropped_is_on_record(tmp_path: Path, server: Recorder) -> None:
    """No answer at all: status 0 and what happened, for both clients."""
    source = LOCUSTFILE.replace(
        '"/orders?x=1", json={"a": 1}, headers={"Authorization": "Bearer t"}', '"/hangup"'
    )
    (tmp_path / "locustfile.py").write_text(source)
    arm(tmp_path, fault("boom", "raise", "POST /hangup"), most=10)
    run_load(
        Load(locustfile=tmp_path / "locustfile.py", users=2, run_time=60.0),
        host=server.url,
        env=driven_environment(tmp_path),
        log=tmp_path / "load.log",
    )
    answers = [record for record in ledger(tmp_path)[0] if isinstance(record, Answered)]
    assert len(answers) == 10
    assert {answer.status for answer in answers} == {0}
    assert all(answer.error for answer in answers)


@pytest.mark.slow
def test_a_locustfile_that_fails_is_told_with_its_last_lines(tmp_path: Path, server: Recorder) -> None:
    """The error names the file, shows what Locust printed, and says how to try it alone."""
    (tmp_path / "broken.py").write_text("raise RuntimeError('not today')\n")
    with pytest.raises(LoadError) as caught:
        run_load(
            Load(locustfile=tmp_path / "broken.py"),
            host=server.url,
            env=dict(os.environ),
            log=tmp_path / "load.log",
        )
    text = str(caught.value)
    assert "Locust ended with exit code 1" in text
    assert "not today" in text
    assert f"try it alone: locust -f {tmp_path / 'broken.py'}" in text


@pytest.mark.slow
def test_a_load_without_requests_is_an_error(tmp_path: Path, server: Recorder) -> None:
    """Nothing sent means nothing known; it must not look like a finished load."""
    (tmp_path / "idle.py").write_text(
        "from locust import User, task\n\n\nclass Idle(User):\n    @task\n    def rest(self):\n"
        "        import gevent\n        gevent.sleep(0.1)\n"
    )
    with pytest.raises(LoadError, match="Locust sent no requests"):
        run_load(
            Load(locustfile=tmp_path / "idle.py", users=1, run_time=1.0),
            host=server.url,
            env=dict(os.environ),
            log=tmp_path / "load.log",
        )


@pytest.mark.slow
def test_a_locust_without_statistics_is_an_error(tmp_path: Path, server: Recorder) -> None:
    """A process that ends well but leaves nothing behind has not loaded anything that we know of."""
    (tmp_path / "gone.py").write_text("import os\nos._exit(0)\n")
    with pytest.raises(LoadError, match="Locust left no usable statistics"):
        run_load(
            Load(locustfile=tmp_path / "gone.py"),
            host=server.url,
            env=dict(os.environ),
            log=tmp_path / "load.log",
        )


@pytest.mark.slow
def test_a_load_that_never_ends_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time and some patience; the error shows what it printed last."""
    monkeypatch.setattr(process, "arguments", lambda *_, **__: ["sh", "-c", "echo $$ still here; sleep 600"])
    monkeypatch.setattr(process, "_GRACE_SECONDS", -10.0)
    with pytest.raises(
        LoadError, match=r"did not end within 1 s; its last lines:\n  \| (\d+) still here"
    ) as caught:
        run_load(
            Load(locustfile=tmp_path / "x.py", run_time=1.0),
            host="http://127.0.0.1:9",
            env=dict(os.environ),
            log=tmp_path / "load.log",
        )
    pid = int((tmp_path / "load.log").read_text().split()[0])
    assert f"process {pid}" in str(caught.value)
    assert not psutil.pid_exists(pid)


@pytest.mark.slow
def test_what_the_watcher_raises_ends_the_load(tmp_path: Path, server: Recorder, load: Load) -> None:
    """A dead target must not be driven on; nothing of Locust survives."""
    arm(tmp_path, fault("boom", "0%raise"))

    class Stop(Exception):
        pass

    def watch(seconds: float) -> None:
        if server.seen:
            raise Stop

    with pytest.raises(Stop):
        run_load(
            load, host=server.url, env=driven_environment(tmp_path), log=tmp_path / "load.log", on_poll=watch
        )
    count = len(server.seen)
    time.sleep(0.3)
    assert len(server.seen) <= count + 4


def test_without_locust_the_error_says_what_to_install(
    tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is named."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "locust" else real(name))
    with pytest.raises(LoadError, match=r"pip install 'pytest-sentry-harness\[load\]'"):
        run_load(load, host="http://127.0.0.1:9", env={}, log=tmp_path / "load.log")


def test_the_command_is_what_the_scenario_says(tmp_path: Path, load: Load) -> None:
    """Users, rate, time and classes reach Locust; provoked errors do not become its exit code."""
    chosen = replace(load, users=3, spawn_rate=2.5, run_time=0.4, user_classes=("Fast",))
    text = " ".join(arguments(chosen, host="http://h", statistics=tmp_path / "s"))
    assert "-u 3 -r 2.5 -t 1s" in text
    assert "--exit-code-on-error 0" in text
    assert text.endswith("Fast")
