"""Journals: written before anything happens, readable whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from pytest_sentry_harness import __version__
from pytest_sentry_harness.errors import EvidenceError
from pytest_sentry_harness.ledger.journal import SUFFIX, Journal, encode_record
from pytest_sentry_harness.ledger.reader import JournalState, decode_line, read_journal, read_ledger
from pytest_sentry_harness.model import ledger
from pytest_sentry_harness.model.ledger import Fate, Goodbye, Hello, Note, Place, Record, SdkInit


def open_journal(folder: Path) -> Journal:
    return Journal(folder / "journals", run_id="run-1", role="target")


EXAMPLES: list[Record] = [
    Note(
        at=1.5,
        mono=2.5,
        level="info",
        text='quotes " and \n lines \U0001f600 \x00',
        place=Place(file="a.py", line=3),
    ),
    Fate(
        at=1.0,
        mono=2.0,
        fault_id="f-1",
        handling="caught",
        place=Place(file="a.py", line=1, function="f"),
        chain=(Place(file="a.py", line=1, function="f"), Place(file="b.py", line=2, function="g")),
    ),
    Goodbye(at=1.0, mono=2.0, reason="exit", opportunities={"f": 3}),
    SdkInit(
        at=1.0,
        mono=2.0,
        version="2.75.0",
        active=True,
        dsn=None,
        options={"release": None, "rate": 0.5, "list": ["x", {"y": 1}]},
        integrations=("dedupe",),
    ),
]


@pytest.mark.parametrize("record", EXAMPLES, ids=lambda record: record.KIND)
def test_records_come_back_as_they_went(record: Record) -> None:
    """One line each."""
    line = encode_record(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_line(line) == record


def test_every_record_type_is_known_once() -> None:
    """Each kind can be read back."""
    kinds = [kind.KIND for kind in ledger.RECORD_TYPES]
    assert len(set(kinds)) == len(kinds)
    assert set(ledger.RECORD_TYPES) == {
        kind
        for kind in vars(ledger).values()
        if isinstance(kind, type) and issubclass(kind, Record) and kind is not Record
    }
    with pytest.raises(msgspec.ValidationError, match="unknown record kind 'novelty'"):
        decode_line(b'["novelty",{}]\n')


def test_values_json_has_no_word_for_are_readable() -> None:
    """Infinities, sets, lone surrogates, keys that are no text."""
    record = SdkInit(
        at=1.0,
        mono=2.0,
        version="x\udcff",
        active=False,
        dsn=None,
        options={"inf": float("inf"), "set": {1}, "place": Place(file="a", line=1), 3: 4},  # type: ignore[dict-item]
    )
    read = decode_line(encode_record(record))
    assert isinstance(read, SdkInit)
    assert read.version == "x?"
    assert read.options == {
        "inf": "inf",
        "set": "{1}",
        "place": {"file": "a", "line": 1, "function": ""},
        "3": 4,
    }


def test_a_journal_begins_with_hello_and_ends_with_goodbye(tmp_path: Path) -> None:
    """Who wrote it; the file is its owner's only; nothing is written after the end."""
    journal = open_journal(tmp_path)
    assert journal.write(Note, level="info", text="first").text == "first"
    journal.close("done", {"f": 2})
    journal.close("again")
    journal.write(Note, level="info", text="too late")
    states: list[JournalState] = []
    hello, note, goodbye = read_journal(journal.path, states)
    assert isinstance(hello, Hello)
    assert (hello.run_id, hello.role, hello.pid, hello.harness) == (
        "run-1",
        "target",
        os.getpid(),
        __version__,
    )
    assert hello.argv == tuple(sys.orig_argv)
    assert isinstance(note, Note)
    assert note.at > 1e9
    assert isinstance(goodbye, Goodbye)
    assert (goodbye.reason, goodbye.opportunities) == ("done", {"f": 2})
    assert states == [JournalState(path=journal.path, hello=hello, records=3, torn=None, closed=True)]
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert journal.path.name.startswith(f"target-{os.getpid()}-")
    assert journal.path.suffix == SUFFIX


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    """Every line is whole."""
    journal = open_journal(tmp_path)

    def write(name: int) -> None:
        for number in range(200):
            journal.write(Note, level="info", text=f"{name}-{number}-" + "x" * 500)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close("done")
    texts = [record.text.split("-")[:2] for record in read_journal(journal.path) if isinstance(record, Note)]
    assert len(texts) == 800
    for name in range(4):
        assert [number for who, number in texts if who == str(name)] == [str(n) for n in range(200)]


def test_a_killed_process_loses_nothing_it_wrote(tmp_path: Path) -> None:
    """Once ``write`` returned, the kernel has the line."""
    code = f"""
import os, signal
from pytest_sentry_harness.ledger.journal import Journal
from pytest_sentry_harness.model.ledger import Note
journal = Journal({str(tmp_path)!r}, run_id="r", role="load")
for number in range(100):
    journal.write(Note, level="info", text=str(number))
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == -signal.SIGKILL
    states: list[JournalState] = []
    records = list(read_ledger(tmp_path, states))
    assert [record.text for record in records if isinstance(record, Note)] == [str(n) for n in range(100)]
    (state,) = states
    assert (state.closed, state.torn) == (False, None)


def test_forked_processes_write_journals_of_their_own(tmp_path: Path) -> None:
    """Also when a thread of the parent holds the lock; a child that wrote nothing leaves no journal."""
    code = f"""
import os, sys
from pytest_sentry_harness.ledger.journal import Journal
from pytest_sentry_harness.model.ledger import Note
journal = Journal({str(tmp_path)!r}, run_id="r", role="target")
for number in range(3):
    with journal._lock:
        child = os.fork()
    if child == 0:
        if number == 0:
            journal.write(Note, level="info", text="child")
        journal.close("child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
journal.write(Note, level="info", text="parent")
journal.close("parent")
child = os.fork()
if child == 0:
    journal.write(Note, level="info", text="never")
    journal.close("never")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    states: list[JournalState] = []
    records = list(read_ledger(tmp_path, states))
    assert sorted(record.text for record in records if isinstance(record, Note)) == ["child", "parent"]
    assert len({state.hello.pid for state in states if state.hello}) == len(states) == 2
    assert all(state.closed for state in states)


def written(tmp_path: Path) -> Path:
    journal = open_journal(tmp_path)
    journal.write(Note, level="info", text="one")
    journal.write(Note, level="info", text="two")
    return journal.path


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_last_line_is_told_and_tolerated(tmp_path: Path, cut: int) -> None:
    """The machine died in mid-write."""
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    states: list[JournalState] = []
    records = list(read_journal(path, states))
    if cut == 1:  # only the line's end is missing: the record itself is whole
        assert len(records) == 3
        return
    assert [record.KIND for record in records] == ["hello", "note"]
    assert (states[0].torn or "").startswith("line 3 is torn (")
    assert not states[0].closed


def test_a_broken_line_in_the_middle_is_not_evidence(tmp_path: Path) -> None:
    """Somebody changed the file."""
    path = written(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'["note",{}]\n' + lines[2])
    with pytest.raises(EvidenceError) as broken:
        list(read_journal(path))
    assert broken.value.where == f"{path}:2"
    assert "a journal line cannot be read" in str(broken.value)
    assert "journals are append-only" in str(broken.value)


def test_an_empty_journal_and_folder(tmp_path: Path) -> None:
    """No hello, no records, no error."""
    (tmp_path / f"target-1-x{SUFFIX}").touch()
    states: list[JournalState] = []
    assert list(read_ledger(tmp_path, states)) == []
    assert (states[0].hello, states[0].records, states[0].closed) == (None, 0, False)
    assert list(read_ledger(tmp_path / "nowhere")) == []


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """write(2) may take less than it is given."""
    journal = open_journal(tmp_path)
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data[:7])))
    journal.write(Note, level="info", text="in pieces")
    monkeypatch.undo()
    assert [record.KIND for record in read_journal(journal.path)] == ["hello", "note"]


def test_a_descriptor_that_others_took_is_left_alone(tmp_path: Path) -> None:
    """Daemons close every descriptor; the journal is opened again, and the file that got its number stays clean."""
    journal = Journal(tmp_path, run_id="run-1", role="target")
    os.close(journal._descriptor)
    os.close(journal._folder_descriptor)
    mine = tmp_path / "mine"
    taken = [os.open(mine, os.O_WRONLY | os.O_CREAT) for _ in range(2)]
    journal.write(Note, level="info", text="on")
    journal.close("done")
    for descriptor in taken:
        os.close(descriptor)
    assert mine.read_bytes() == b""
    kinds = [record.KIND for record in read_ledger(tmp_path)]
    assert kinds == ["hello", "note", "goodbye"]


def test_a_program_that_replaces_what_the_journal_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time, system calls and JSON are the real ones, whatever a program puts in their place."""
    journal = Journal(tmp_path, run_id="run-1", role="target")
    with monkeypatch.context() as patch:
        patch.setattr("os.write", None)
        patch.setattr("json.dumps", None)
        patch.setattr("time.time", lambda: 1.0)
        note = journal.write(Note, level="info", text="on")
    journal.close("done")
    assert note.at > 1_000_000
