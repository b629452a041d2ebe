"""Lines that workers on other hosts hand in: all arrive once and in order, and nothing else gets in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.errors import LoadError
from pytest_sentry_harness.ledger.journal import encode_record
from pytest_sentry_harness.ledger.reader import JournalState, read_journal
from pytest_sentry_harness.model.arming import Arming
from pytest_sentry_harness.model.ledger import (
    Answered,
    Beat,
    Fired,
    Goodbye,
    Hello,
    Intent,
    Note,
    Record,
    SdkInit,
)

from .recording import arm, fault

pytestmark = pytest.mark.locust

NOW = {"at": 1000.0, "mono": 50.0}
HELLO = Hello(
    run_id="run-1", role="load", pid=1, parent_pid=0, argv=("locust",), python="3", harness="1", **NOW
)
INTENT = Intent(fault_id="boom-w0-000000", fault="boom", trace_id="a" * 32, request="GET /", **NOW)
ANSWERED = Answered(fault_ids=("boom-w0-000000",), trace_id="a" * 32, status=500, seconds=0.1, **NOW)
PROVOKED = Fired(
    fault_id="own-w0-000001", fault="own", point="", effect="provoked", term="GET /", trace_id="b" * 32, **NOW
)
NOTE = Note(level="error", text="line one\nline two \x1b[2J", **NOW)
GOODBYE = Goodbye(reason="locust quits", **NOW)


def lines(*records: Record) -> bytes:
    return b"".join(map(encode_record, records))


@pytest.fixture(scope="module")
def modules() -> tuple[Any, Any]:
    """What is under test, without Locust in this process: it replaces parts of the standard library."""
    return _without_locust("merging"), _without_locust("relay")


def _without_locust(name: str) -> Any:
    import importlib

    return importlib.import_module(f"pytest_sentry_harness.locust_ext.{name}")


@pytest.fixture
def arming(tmp_path: Path) -> Arming:
    return arm(tmp_path, fault("boom"), fault("own", select="provoked"))


def test_these_modules_leave_the_standard_library_alone() -> None:
    """They run in processes without Locust as well: judged by whether the import brings it in."""
    code = (
        "import sys, pytest_sentry_harness.locust_ext.merging, pytest_sentry_harness.locust_ext.relay\n"
        "assert 'locust' not in sys.modules and 'gevent' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_a_worker_wrote_is_written(arming: Arming, modules: tuple[Any, Any]) -> None:
    """Under a name of the master's own, readable by its owner only, closed when the worker said goodbye."""
    merged = modules[0].MergedJournal(arming, "w0")
    wanted = [HELLO, INTENT, ANSWERED, PROVOKED, NOTE, Beat(seconds=1.0, lag={-3: 2}, **NOW), GOODBYE]
    merged.take(b"")
    assert not merged.path.exists()
    merged.take(lines(*wanted[:3]))
    assert not merged.closed
    merged.take(lines(*wanted[3:]))
    assert merged.closed
    merged.close()
    merged.close()
    states: list[JournalState] = []
    assert list(read_journal(merged.path, states)) == wanted
    assert states[0].closed
    assert merged.path.parent == Path(arming.journal_dir)
    assert merged.path.name.startswith("load-w0-")
    assert merged.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (lines(INTENT), "a journal that begins with 'intent'"),
        (lines(HELLO, HELLO), "a second hello"),
        (lines(HELLO, GOODBYE, INTENT), "a record 'intent' after its goodbye"),
        (lines(replace(HELLO, role="target")), "the journal of a 'target' of run 'run-1'"),
        (lines(replace(HELLO, run_id="run-2")), "the journal of a 'load' of run 'run-2'"),
        (
            lines(HELLO, SdkInit(version="2", active=True, dsn=None, **NOW)),
            "'sdk_init', which no load generator writes",
        ),
        (lines(HELLO, replace(PROVOKED, effect="raise")), "a fault 'own' that fired outside of the target"),
        (
            lines(HELLO, replace(PROVOKED, fault="boom", fault_id="boom-w0-000001")),
            "a fault 'boom' that fired outside of the target",
        ),
        (
            lines(HELLO, replace(INTENT, fault_id="boom-w1-000000")),
            "'boom-w1-000000', which is not one of this worker's",
        ),
        (
            lines(HELLO, replace(INTENT, fault_id="boom-w0-x")),
            "'boom-w0-x', which is not one of this worker's",
        ),
        (lines(HELLO, replace(INTENT, fault="other")), "which is not one of this worker's"),
        (
            lines(HELLO, replace(ANSWERED, fault_ids=("../../etc-w0-000000",))),
            "which is not one of this worker's",
        ),
        (lines(HELLO) + b'["intent",{}]\n', "a line that is no record"),
        (lines(HELLO) + b"\n", "a line that is no record"),
        (lines(HELLO) + b"\xff\xfe\n", "a line that is no record"),
        (lines(HELLO)[:-1], "bytes that are no batch of whole lines"),
        (lines(HELLO) + lines(NOTE) * 5000, "bytes that are no batch of whole lines"),
    ],
)
def test_what_no_load_generator_of_this_run_can_have_written(
    arming: Arming, modules: tuple[Any, Any], data: bytes, told: str
) -> None:
    """Is refused as a whole, and says what it was and who may not reach the port."""
    merged = modules[0].MergedJournal(arming, "w0")
    with pytest.raises(LoadError) as caught:
        merged.take(data)
    assert told in str(caught.value)
    assert "worker w0 sent" in str(caught.value)
    assert "nobody else may reach the master's port" in str(caught.value)
    assert not merged.path.exists()


def test_a_line_is_one_line_whatever_its_spaces(arming: Arming, modules: tuple[Any, Any]) -> None:
    """It is written anew: a carriage return within it, which JSON allows, cannot split it."""
    merged = modules[0].MergedJournal(arming, "w0")
    merged.take(lines(HELLO) + lines(NOTE).replace(b'["note",', b'[ \r "note" ,\r\t'))
    assert merged.path.read_bytes() == lines(HELLO, NOTE)


def test_one_worker_cannot_fill_the_disk(
    arming: Arming, modules: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a most, and what came before stays."""
    monkeypatch.setattr(modules[0], "MOST_BYTES", 1000)
    merged = modules[0].MergedJournal(arming, "w0")
    merged.take(lines(HELLO))
    with pytest.raises(LoadError, match="more than 1000 bytes"):
        merged.take(lines(NOTE) * 20)
    assert merged.path.read_bytes() == lines(HELLO)


class Master:
    """Takes reports as the real one does, and loses some."""

    def __init__(self, loses: Callable[[int], bool]) -> None:
        self.got = b""
        self.seq = 0
        self.reports = 0
        self.finished = False
        self._loses = loses
        self.relay: Any = None

    def send(self, report: dict[str, Any]) -> None:
        self.reports += 1
        number = self.reports
        if self._loses(2 * number):
            return  # on its way to the master
        if report["lines"] and report["seq"] == self.seq + 1:
            self.got += report["lines"]
            self.seq = report["seq"]
        self.finished = self.finished or report["last"]
        if not self._loses(2 * number + 1):
            self.relay.taken({"seq": self.seq, "last": self.finished, "refused": ""})


@pytest.mark.parametrize("every", [0, 3, 4, 5, 7])
def test_every_line_arrives_once_and_in_order(
    tmp_path: Path, modules: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """Whichever message is lost, reports or answers; half a line waits for its other half."""
    relay_module = modules[1]
    now = [0.0]
    monkeypatch.setattr(relay_module.clock, "monotonic", lambda: now[0])
    monkeypatch.setattr(relay_module, "MOST_BATCH", 300)
    master = Master(lambda number: bool(every) and number % every == 0)
    relay = master.relay = relay_module.Relay(master.send)
    path = tmp_path / "load.journal"
    path.write_bytes(b"")
    relay.follow(path)
    written = b""
    for number in range(100):
        now[0] += 0.5
        line = encode_record(Note(level="info", text=f"note {number}", **NOW))
        written += line
        with path.open("ab") as file:
            file.write(line[:7])
        relay.tick()
        with path.open("ab") as file:
            file.write(line[7:])
        relay.tick()
    relay.end()
    while not relay.done:
        now[0] += 0.5
        relay.tick()
        assert now[0] < 2000, "never finished"
    assert master.got == written
    assert relay.finished


def test_a_relay_gives_signs_of_life(modules: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a second, also before there is a journal; none after a refusal."""
    now = [100.0]
    monkeypatch.setattr(modules[1].clock, "monotonic", lambda: now[0])
    sent: list[dict[str, Any]] = []
    relay = modules[1].Relay(sent.append)
    for _ in range(50):
        now[0] += 0.1
        relay.tick()
    assert 4 <= len(sent) <= 6
    assert all(report == {"seq": 0, "lines": b"", "last": False} for report in sent)
    relay.taken({"seq": 0, "last": False, "refused": "a bad line"})
    now[0] += 60.0
    relay.tick()
    assert relay.done
    assert len(sent) <= 6


def test_a_line_too_long_to_be_sent_is_named(
    tmp_path: Path, modules: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of waiting for its end for ever."""
    monkeypatch.setattr(modules[1], "MOST_BATCH", 50)
    path = tmp_path / "load.journal"
    path.write_bytes(b"x" * 60)
    relay = modules[1].Relay(lambda report: None)
    relay.follow(path)
    with pytest.raises(LoadError, match="a line of more than 50 bytes cannot be sent to the master"):
        relay.tick()
