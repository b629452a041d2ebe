"""Command targets: real processes that start, die, hang and leave children."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pytest_sentry_harness.errors import ScenarioError, TargetError
from pytest_sentry_harness.model.scenario import Target
from pytest_sentry_harness.targets import command as commands
from pytest_sentry_harness.targets import guard
from pytest_sentry_harness.targets.command import CommandTarget, free_port, free_ports, start_command
from pytest_sentry_harness.targets.logfile import last_lines
from pytest_sentry_harness.targets.process import ProcessGroup

SERVER = """
import http.server, os, signal, subprocess, sys, threading, time
mode = os.environ.get("MODE", "")
print("starting", mode, flush=True)
if mode == "early":
    print("no such table: users", flush=True)
    sys.exit(3)
if mode == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "child" in mode:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print("child", child.pid, flush=True)
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = 503 if mode == "sick" else 404 if self.path == "/nothing" else 200
        if self.path == "/die":
            os.kill(os.getpid(), signal.SIGKILL)
        self.send_response(status)
        self.end_headers()
    def log_message(self, *args):
        pass
time.sleep(0.2)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
"""

Start = Callable[..., CommandTarget]


def test_ports_are_different_and_out_of_the_kernels_way() -> None:
    """Many at once, none of which an outgoing connection could be given before the target listens."""
    ports = free_ports(200)
    assert len(set(ports)) == 200
    assert all(10_000 <= port < commands._first_ephemeral() for port in ports)


def test_a_machine_that_hides_its_ports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the file, or with a range that leaves no room, the usual range counts; with all taken, any port will do."""
    monkeypatch.setattr(commands, "_EPHEMERAL", tmp_path / "missing")
    assert commands._first_ephemeral() == 32_768
    (tmp_path / "range").write_text("1024 65000")
    monkeypatch.setattr(commands, "_EPHEMERAL", tmp_path / "range")
    assert commands._first_ephemeral() == 32_768
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(commands, "_LOWEST", port)
        monkeypatch.setattr(commands, "_first_ephemeral", lambda: port + 1)
        assert free_port() != port


@pytest.fixture
def start(tmp_path: Path) -> Start:
    (tmp_path / "server.py").write_text(SERVER)

    def begin(mode: str = "", **changes: object) -> CommandTarget:
        port = free_port()
        target = replace(Target(command="x", ready="/health", ready_timeout=60.0), **changes)  # type: ignore[arg-type]
        return start_command(
            target,
            f"{sys.executable} server.py {port}",
            env={**os.environ, "MODE": mode},
            cwd=tmp_path,
            log=tmp_path / "logs" / "target.log",
            port=port,
        )

    return begin


def gone(pid: int, seconds: float = 20.0) -> bool:
    """Whether the process has ended; a zombie that nobody buried counts as ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def child_pid(log: Path) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if line.startswith("child "):
                return int(line.split()[1])
        time.sleep(0.05)
    raise TimeoutError(log)


def test_a_target_starts_answers_and_stops(start: Start) -> None:
    """Ready when its path answers below 500; ended by the signal the scenario names."""
    with start(ready="/nothing") as target:
        assert target.running
        assert target.ready_seconds > 0
        target.check_alive()
        assert target.base_url.startswith("http://127.0.0.1:")
        ending = target.stop()
        assert (ending.exit_code, ending.signal, ending.killed) == (None, "SIGTERM", False)
        assert str(ending).startswith("was ended by SIGTERM after")
        assert target.stop() is ending
        assert not target.running
    assert "starting" in target.log.read_text()


def test_without_a_ready_path_it_is_ready_at_once(start: Start) -> None:
    """Scripts have no port to ask."""
    with start(ready=None) as target:
        assert target.ready_seconds == 0
        assert target.pid > 0


def test_an_early_death_is_told_with_exit_code_and_last_lines(start: Start) -> None:
    """The error says how it ended, what it printed last, and where the whole log is."""
    with pytest.raises(TargetError) as caught:
        start("early")
    text = str(caught.value)
    assert "the target ended with exit code 3 on its own" in text
    assert "| no such table: users" in text
    assert "run it by hand" in text


@pytest.mark.slow
def test_a_target_that_is_never_ready_is_ended(start: Start) -> None:
    """The error says what the last attempt met; nothing keeps running."""
    with pytest.raises(TargetError, match=r"not ready within 1 s; the last attempt said: status 503"):
        start("sick", ready_timeout=1.0)


def test_nobody_listening_is_told_too(tmp_path: Path) -> None:
    """Connection errors are named."""
    with pytest.raises(TargetError, match="ConnectionRefusedError"):
        start_command(
            Target(command="x", ready="/", ready_timeout=0.2),
            "sleep 600",
            env=dict(os.environ),
            cwd=tmp_path,
            log=tmp_path / "log",
            port=free_port(),
        )


def test_a_deaf_target_is_killed_after_its_time(start: Start) -> None:
    """It had its time to stop; then it goes, and the ending says so."""
    with start("deaf", stop_timeout=0.5) as target:
        ending = target.stop()
    assert ending.killed
    assert ending.signal == "SIGKILL"
    assert ending.seconds >= 0.5
    assert "did not stop in time" in str(ending)


def test_children_do_not_survive(start: Start) -> None:
    """The whole group goes, also when the leader stops at once."""
    with start("child") as target:
        child = child_pid(target.log)
    assert gone(child)


def test_children_of_a_dead_leader_do_not_survive(start: Start) -> None:
    """A crash in mid-run is told, and what it left is cleared away."""
    target = start("child")
    child = child_pid(target.log)
    os.kill(target.pid, signal.SIGKILL)
    assert gone(target.pid)
    with pytest.raises(TargetError, match="the target was ended by SIGKILL on its own"):
        while True:
            target.check_alive()
            time.sleep(0.02)
    assert gone(child)
    assert target.stop().signal == "SIGKILL"


def test_a_script_is_waited_for(tmp_path: Path) -> None:
    """Its exit code is reported; a script that does not end is killed."""

    def run(code: str) -> ProcessGroup:
        command = f'{sys.executable} -c "{code}"'
        return ProcessGroup(command, env=dict(os.environ), cwd=tmp_path, log=tmp_path / "log")

    ending = run("raise SystemExit(4)").wait(60)
    assert (ending.exit_code, ending.signal, ending.killed) == (4, None, False)
    assert str(ending).startswith("ended with exit code 4 after")
    with run("import time; time.sleep(600)") as endless:
        assert endless.wait(0.3).killed


@pytest.mark.parametrize(
    ("command", "error", "text"),
    [
        ("no-such-program --x", TargetError, "No such file or directory: no-such-program"),
        ("echo 'unclosed", ScenarioError, "cannot be split into words: No closing quotation"),
        ("  ", ScenarioError, "the command is empty"),
    ],
)
def test_a_command_that_cannot_start_is_told(
    tmp_path: Path, command: str, error: type[Exception], text: str
) -> None:
    """The error names the command and says what to do."""
    with pytest.raises(error, match=text):
        ProcessGroup(command, env=dict(os.environ), cwd=tmp_path, log=tmp_path / "log")


def test_a_target_that_printed_nothing_is_told_as_such(tmp_path: Path) -> None:
    """An empty log is no reason for an empty message."""
    assert last_lines(tmp_path / "none") == "  (it wrote nothing)"
    (tmp_path / "empty").touch()
    assert last_lines(tmp_path / "empty") == "  (it wrote nothing)"
    (tmp_path / "long").write_text("\n".join(str(n) for n in range(100_000)))
    assert last_lines(tmp_path / "long", 2) == "  | 99998\n  | 99999"


def test_a_script_target_is_waited_for(start: Start) -> None:
    """What does not end in its time is killed."""
    with start(ready=None) as target:
        assert target.wait(0.2).killed


def test_an_unknown_stop_signal_is_refused(start: Start) -> None:
    """Before anything starts; the error lists what may be written."""
    with pytest.raises(ScenarioError, match="unknown signal 'SIGTREM'"):
        start(stop_signal="SIGTREM")


HARNESS = """
import os, sys, time
from pathlib import Path
from pytest_sentry_harness.targets.logfile import last_lines
from pytest_sentry_harness.targets.process import ProcessGroup
group = ProcessGroup(sys.argv[1], env=dict(os.environ, MODE="deaf child"), cwd=Path(sys.argv[2]), log=Path(sys.argv[2]) / "log")
print(group.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize("whole_group", [False, True], ids=["killed", "its-group-told-to-end"])
def test_the_target_ends_with_a_harness_that_was_killed(tmp_path: Path, whole_group: bool) -> None:
    """SIGKILL leaves the harness no chance to clear up, nor does SIGTERM by default, which timeout(1) sends to the
    whole group, the guard included; the guard does it, down to the children.
    """
    (tmp_path / "server.py").write_text(SERVER)
    command = f"{sys.executable} server.py {free_port()}"
    with subprocess.Popen(
        [sys.executable, "-c", HARNESS, command, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as harness:
        assert harness.stdout is not None
        target = int(harness.stdout.readline())
        child = child_pid(tmp_path / "log")
        if whole_group:
            os.killpg(harness.pid, signal.SIGTERM)
        else:
            harness.kill()
        harness.wait()
    assert gone(target)
    assert gone(child)


def test_the_guard_leaves_when_it_is_told_to() -> None:
    """One byte means that the harness has seen to everything itself."""
    reading, writing = os.pipe()
    os.write(writing, b"x")
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        guard.main(process.pid, reading)
        assert process.poll() is None
        process.kill()
    os.close(reading)
    os.close(writing)


def test_the_guard_ends_the_group_when_the_pipe_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    """First politely, then not; somebody who went at once is not waited for."""
    monkeypatch.setattr(guard, "GRACE_SECONDS", 0.3)
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); "
    for prologue, expected in (("", signal.SIGTERM), (deaf, signal.SIGKILL)):
        reading, writing = os.pipe()
        os.close(writing)
        code = f"{prologue}import time; print('up', flush=True); time.sleep(600)"
        with subprocess.Popen(
            [sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            reaper = threading.Thread(target=process.wait)
            reaper.start()
            guard.main(process.pid, reading)
            reaper.join(30)
            assert process.returncode == -expected
        os.close(reading)
