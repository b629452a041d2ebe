"""The live monitor at work: followed, sent, worked off, and ended in each way it can end."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sentry_sdk

from pytest_sentry_harness import clock
from pytest_sentry_harness.channels.lines import read_receipts, read_trail
from pytest_sentry_harness.channels.receivers import HttpReceiver, Manner
from pytest_sentry_harness.model.alerting import Ending, Put
from pytest_sentry_harness.model.delays import Delays
from pytest_sentry_harness.model.notified import Raised, Receipt
from pytest_sentry_harness.monitoring.config import MonitorConfig, write_config
from pytest_sentry_harness.monitoring.notes import ENDING, ISSUES, TRAIL, read_ending, read_puts
from pytest_sentry_harness.monitoring.process import Monitor
from pytest_sentry_harness.server.client import EmbeddedServer
from tests.store.build import event, new, write

from .building import FREQUENT, SECRET, config, rule, write_rules

NOTIFY = """
[[channel]]
name = "webhook"
kind = "webhook"
url = "https://ops.example.com/hook"
secret_env = "NOBODY_SET_THIS"
{more}
[[route]]
channels = ["webhook"]
"""
WAIT = 60.0


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpReceiver]:
    with HttpReceiver(tmp_path / "receipts.jsonl", name="webhook", secret=SECRET) as found:
        yield found


class Running:
    """A monitor in a thread."""

    def __init__(self, told: MonitorConfig) -> None:
        self.folder = Path(told.folder)
        self.monitor = Monitor(told)
        self.endings: list[Ending] = []
        self.thread = threading.Thread(target=lambda: self.endings.append(self.monitor.run()))
        self.thread.start()

    def wait_for(self, path: Path, lines: int = 1) -> None:
        """Until so many lines stand in a file."""
        deadline = clock.monotonic() + WAIT
        while not path.exists() or path.read_bytes().count(b"\n") < lines:
            assert clock.monotonic() < deadline
            self.thread.join(0.02)
            assert self.thread.is_alive()

    def end(self, *signals: int) -> Ending:
        for number in signals or (signal.SIGTERM,):
            self.monitor.end(number)
        self.thread.join(WAIT)
        (ending,) = self.endings
        return ending

    @property
    def puts(self) -> list[Put]:
        return list(read_puts(self.folder / ISSUES))


def arrive(folder: Path, *messages: str) -> None:
    """Events come in now, each of an issue of its own."""
    now = clock.wall()
    rows = [event(message=message, fingerprint=[message]) for message in messages]
    write(folder / "store", [new(each.body, encoding="gzip", received_at=now) for each in rows])


def taken(receiver: HttpReceiver) -> list[Receipt]:
    return list(read_receipts(receiver.journal))


def test_an_alert_is_delivered(tmp_path: Path, receiver: HttpReceiver) -> None:
    """What was there before and what comes later; signed with the channel's secret, wherever its settings lead."""
    arrive(tmp_path, "one")
    notify = tmp_path / "notify.toml"
    notify.write_text(NOTIFY.format(more=""), encoding="utf-8")
    running = Running(config(tmp_path, receiver.port, notify=str(notify), project="1"))
    running.wait_for(receiver.journal)
    arrive(tmp_path, "two", "one")
    running.wait_for(receiver.journal, 2)
    running.wait_for(running.folder / ISSUES, 3)
    ending = running.end()
    assert (ending.followed, ending.pending, ending.trouble) == (3, (), "")
    assert [(put.issue, put.is_new) for put in running.puts] == [(1, True), (2, True), (1, False)]
    assert [receipt.signature for receipt in taken(receiver)] == ["valid", "valid"]
    raised = [each for each in read_trail(running.folder / TRAIL) if isinstance(each, Raised)]
    assert [each.alert_id for each in raised] == [receipt.alert_id for receipt in taken(receiver)]
    assert [each.notice.at for each in raised] == [put.at for put in running.puts[:2]]


@pytest.mark.slow
def test_what_is_under_way_is_worked_off(tmp_path: Path, receiver: HttpReceiver) -> None:
    """Told to end with an ingest delay still to come, a slow receiver, and a first try that fails."""
    receiver.behave(Manner(status=503, takes=0.1), Manner(takes=0.1))
    told = config(tmp_path, receiver.port, delays=Delays(ingest=0.4))
    arrive(tmp_path, "one")
    running = Running(told)
    ending = running.end()
    assert (ending.pending, ending.followed) == ((), 1)
    (put,) = running.puts
    assert put.at - put.received_at >= 0.4
    assert [receipt.status for receipt in taken(receiver)] == [503, 200]
    (raised,) = [each for each in read_trail(running.folder / TRAIL) if isinstance(each, Raised)]
    assert taken(receiver)[0].at - raised.at >= 0.1


def test_its_patience_ends(tmp_path: Path, receiver: HttpReceiver) -> None:
    """What was not worked off by then is told."""
    receiver.behave(Manner(status=503, retry_after=50))
    arrive(tmp_path, "one")
    running = Running(config(tmp_path, receiver.port, patience=0.3))
    running.wait_for(receiver.journal)
    assert running.end().pending == ("deliveries to webhook: 1",)


def test_it_ends_at_once_when_it_has_to(tmp_path: Path, receiver: HttpReceiver) -> None:
    """By SIGINT, or by SIGTERM a second time."""
    arrive(tmp_path, "one", "two")
    for signals in ((signal.SIGINT,), (signal.SIGTERM, signal.SIGTERM)):
        running = Running(config(tmp_path, receiver.port, delays=Delays(ingest=500.0)))
        ending = running.end(*signals)
        assert ending.pending[-1].startswith("arrivals that were not put to issues: ")
        assert running.puts == []


@pytest.mark.slow
@pytest.mark.parametrize(("per", "deliveries"), [("1s", 2), ("1h", 1)])
def test_summaries_are_waited_for_when_they_come_in_time(
    tmp_path: Path, receiver: HttpReceiver, per: str, deliveries: int
) -> None:
    """A throttle holds the second alert back and tells of it in a summary; one in an hour is nobody's to wait for."""
    notify = tmp_path / "notify.toml"
    notify.write_text(NOTIFY.format(more=f'throttle = {{ most = 1, per = "{per}" }}'), encoding="utf-8")
    arrive(tmp_path, "one", "two")
    running = Running(config(tmp_path, receiver.port, notify=str(notify)))
    running.wait_for(receiver.journal)
    assert running.end().pending == ()
    assert len(taken(receiver)) == deliveries


def start(folder: Path, told: MonitorConfig) -> subprocess.Popen[bytes]:
    """The process itself, once it is ready."""
    write_config(told, folder / "monitor.json")
    process = started(folder)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def started(folder: Path) -> subprocess.Popen[bytes]:
    """The process, as the harness starts it."""
    command = [sys.executable, "-m", "pytest_sentry_harness.monitoring", str(folder / "monitor.json")]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)


def test_a_real_event_becomes_a_real_delivery(tmp_path: Path, receiver: HttpReceiver) -> None:
    """A server that writes, a monitor that follows, and an SDK that sends; then it ends in order."""
    with EmbeddedServer.start(tmp_path / "store") as server, server.client() as client:
        project = client.create_project("shop")
        process = start(tmp_path, config(tmp_path, receiver.port))
        sdk = sentry_sdk.Client(project.dsn, default_integrations=False)
        sdk.capture_event({"message": "the shop is shut", "level": "error"})
        sdk.close(WAIT)
        process.terminate()
        process.wait(WAIT)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (0, b"")
    ending = read_ending(tmp_path / ENDING)
    assert ending is not None
    assert (ending.pending, ending.trouble, ending.followed) == ((), "", 1)
    (receipt,) = taken(receiver)
    assert (receipt.title, receipt.signature) == ("the shop is shut", "valid")


def test_it_ends_with_its_parent(tmp_path: Path, receiver: HttpReceiver) -> None:
    """However that ended: its standard input is at its end, and there is no ending to be taken for one."""
    arrive(tmp_path, "one")
    process = start(tmp_path, config(tmp_path, receiver.port))
    process.communicate(timeout=WAIT)
    assert process.returncode == 1
    assert read_ending(tmp_path / ENDING) is None


def test_what_breaks_it_is_told(tmp_path: Path, receiver: HttpReceiver) -> None:
    """A disk that takes no more: the ending says so, and the log has the traceback."""
    arrive(tmp_path, "one")
    process = start(tmp_path, config(tmp_path, receiver.port))
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
    arrive(tmp_path, *(str(number) for number in range(100)))
    assert process.wait(WAIT) == 1
    _, errors = process.communicate()
    assert b"Traceback" in errors
    ending = read_ending(tmp_path / ENDING)
    assert ending is not None
    assert "Error: " in ending.trouble


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["alerts.json", "store", "monitor.json"])
def test_it_does_not_start_without_what_it_needs(tmp_path: Path, missing: str) -> None:
    """It says what is missing, and nothing is left behind."""
    if missing != "store":
        arrive(tmp_path)
    told = config(tmp_path, 1)
    write_config(told, tmp_path / "monitor.json")
    if missing != "store":
        os.unlink(tmp_path / missing)
    process = started(tmp_path)
    assert process.wait(WAIT) == 2
    _, errors = process.communicate()
    assert missing in errors.decode()
    assert "Traceback" not in errors.decode()
    assert not (tmp_path / ENDING).exists()


def test_rules_that_decide_late_are_waited_for(tmp_path: Path, receiver: HttpReceiver) -> None:
    """A decision put off comes at its time, and the process ends after it."""
    told = config(
        tmp_path,
        receiver.port,
        delays=Delays(slow_after=0.5),
        rules=(str(write_rules(tmp_path, rule("many", dict(FREQUENT, value=0)), name="slow.json")),),
    )
    arrive(tmp_path, "one")
    running = Running(told)
    running.wait_for(running.folder / ISSUES)
    assert running.end().pending == ()
    (raised,) = [each for each in read_trail(running.folder / TRAIL) if isinstance(each, Raised)]
    assert raised.at - running.puts[0].at >= 0.5
