"""Index and reader: made from the truth, made again whenever in doubt, and always the same."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

from pytest_sentry_harness.errors import EvidenceError
from pytest_sentry_harness.store import schema
from pytest_sentry_harness.store.index import Index
from pytest_sentry_harness.store.reader import open_store
from pytest_sentry_harness.store.rows import ProjectRow

from .build import envelope, event, new, write

TRACE = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A store with some of everything."""
    twin = event("b" * 32, message="twin")
    report = {"discarded_events": [{"reason": "r", "category": "error", "quantity": 1}]}
    exception = {"exception": {"values": [{"type": "E", "value": "v"}]}}
    rows = [
        event("a" * 32, contexts={"trace": {"trace_id": TRACE, "span_id": "a" * 16}}, **exception),
        twin,
        twin,
        new(b"garbage", outcome="refused", reason="malformed", status=400, project="2"),
        new(envelope([("client_report", report), ("attachment", b"file")], event_id="a" * 32)),
    ]
    write(tmp_path, [ProjectRow("1", "one", "k" * 32), *rows])
    return tmp_path


def test_questions(filled: Path) -> None:
    """Order, counts, ids, traces, reports, raw bytes, payloads, tallies."""
    with open_store(filled) as store:
        outcomes = ["accepted", "accepted", "duplicate", "refused", "accepted", "accepted"]
        found = list(store.arrivals())
        assert [arrival.outcome for arrival in found] == outcomes
        assert [arrival.cursor for arrival in found] == [1, 2, 3, 4, 5, 6]
        assert found[0].exceptions == (("E", "v"),)
        assert (store.count(), store.last_cursor, store.last_request, store.digested) == (6, 6, 5, 5)
        assert store.count(project="1", item_type="event", outcome="accepted") == 2
        assert [a.cursor for a in store.arrivals(since=2, project="1", limit=2)] == [3, 5]
        assert [a.cursor for a in store.by_event_id(str(uuid.UUID("a" * 32)))] == [1, 6]
        assert [a.cursor for a in store.by_trace_id(TRACE)] == [1]
        [report] = store.client_reports()
        assert report.discarded[0].reason == "r"
        assert list(store.client_reports(project="2")) == []
        assert store.raw(4) == b"garbage"
        assert store.payload(found[5]) == b"file"
        assert store.payload(found[3]) == b""
        assert [request.seq for request in store.requests(since=3)] == [4, 5]
        assert [(t.outcome, t.count) for t in store.tallies() if t.item_type == "event"] == [
            ("accepted", 2),
            ("duplicate", 1),
        ]
        assert [project.name for project in store.projects()] == ["one"]
        with pytest.raises(EvidenceError, match="requests are numbered from 1 to 5"):
            store.request(6)


def test_new_arrivals_after_refresh(filled: Path) -> None:
    """A reader sees what came later when it asks to; duplicates are known across."""
    with open_store(filled) as store:
        write(filled, [event("a" * 32), event("c" * 32)])
        assert store.last_cursor == 6
        store.refresh()
        assert [a.outcome for a in store.arrivals(since=6)] == ["duplicate", "accepted"]
        assert [a.cursor for a in store.by_event_id("c" * 32)] == [8]


def test_the_index_is_made_again_and_the_same(filled: Path) -> None:
    """Deleted, damaged, of another release, of another store, or ahead of the truth."""
    with open_store(filled) as store:
        expected = list(store.arrivals())
    index = filled / schema.INDEX

    def change(statement: str) -> None:
        connection = sqlite3.connect(index)
        connection.execute(statement)
        connection.commit()
        connection.close()

    def damage() -> None:
        index.write_bytes(b"no database at all" * 1000)

    for spoil in (
        index.unlink,
        damage,
        lambda: change("UPDATE state SET version = '0'"),
        lambda: change("UPDATE state SET store_id = 'other'"),
        lambda: change("UPDATE state SET digested = 99"),
        lambda: change("DELETE FROM state"),
        lambda: change("DROP TABLE state"),
        lambda: change("ALTER TABLE state ADD COLUMN more"),
    ):
        spoil()
        with open_store(filled) as store:
            assert list(store.arrivals()) == expected


def test_piecemeal_is_the_same_as_at_once(filled: Path) -> None:
    """Digesting one request at a time, by two hands in turn, gives the same index."""
    first, second = Index(filled), Index(filled)
    while first.advance(1) and second.advance(1):
        continue
    assert first.advance() == 0
    first.close()
    second.close()
    with open_store(filled) as store:
        piecemeal = list(store.arrivals())
    (filled / schema.INDEX).unlink()
    with open_store(filled) as store:
        assert list(store.arrivals()) == piecemeal


def test_a_copy_and_a_read_only_folder(filled: Path) -> None:
    """A copied store reads the same, also where nothing may be written; the index is in memory then."""
    with open_store(filled) as store:
        expected = list(store.arrivals())
    script = (
        "import os, pathlib, sys\n"
        "from pytest_sentry_harness.store.reader import open_store\n"
        "if os.geteuid() == 0:\n"
        "    os.setgid(65534)\n"
        "    os.setuid(65534)\n"
        "with open_store(pathlib.Path(sys.argv[1])) as store:\n"
        "    print(store.count(), len(store.by_event_id('a' * 32)))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "store"
        shutil.copytree(filled, copy)
        (copy / schema.INDEX).unlink()
        Path(folder).chmod(0o755)
        copy.chmod(0o555)
        command = [sys.executable, "-c", script, str(copy)]
        # A measured child could not write its figures as nobody.
        env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
        assert (result.stdout, result.stderr) == (f"{len(expected)} 2\n", "")
        assert not (copy / schema.INDEX).exists()
        copy.chmod(0o755)


def test_no_store(tmp_path: Path) -> None:
    """The error says what is missing and which folder is meant."""
    with pytest.raises(EvidenceError) as caught:
        open_store(tmp_path)
    assert "arrivals.sqlite is missing" in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_damaged_truth(filled: Path) -> None:
    """Damage is an error in words, not a traceback of the database."""
    with open_store(filled):
        pass
    for suffix in ("-wal", "-shm"):
        (filled / (schema.TRUTH + suffix)).unlink(missing_ok=True)
    (filled / schema.INDEX).unlink()
    path = filled / schema.TRUTH
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    path.write_bytes(bytes(data))
    with pytest.raises(EvidenceError, match="the store cannot be read"):
        open_store(filled)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(EvidenceError, match="the store cannot be read"):
        open_store(filled)


def test_damage_further_in(tmp_path: Path) -> None:
    """A truth whose rows cannot be read is an error in words as well."""
    write(tmp_path, [new(b"x" * 50_000) for _ in range(20)])
    path = tmp_path / schema.TRUTH
    connection = sqlite3.connect(path)
    root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'request'").fetchone()[0]
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(path.read_bytes())
    data[(root - 1) * 8192 : root * 8192] = b"\xff" * 8192
    path.write_bytes(bytes(data))
    with pytest.raises(EvidenceError, match=r"(?s)the store cannot be read: .*arrivals.sqlite is damaged"):
        open_store(tmp_path)


def test_an_index_that_cannot_be_replaced(filled: Path) -> None:
    """A damaged index in the way is named, with what to do."""
    (filled / schema.INDEX).mkdir()
    with pytest.raises(EvidenceError, match="the damaged index cannot be removed"):
        open_store(filled)


def test_a_digest_that_fails_leaves_the_index_as_it_was(filled: Path) -> None:
    """Whatever stops it in the middle, the next attempt begins where the last commit was."""
    index = Index(filled)
    index.connection.execute(
        "CREATE TRIGGER stop BEFORE INSERT ON item BEGIN SELECT RAISE(ABORT, 'stop'); END"
    )
    with pytest.raises(sqlite3.IntegrityError, match="stop"):
        index.advance()
    index.connection.execute("DROP TRIGGER stop")
    assert (index.digested, index.cursor) == (0, 0)
    assert index.advance() == 5
    index.close()


def test_large_bodies_are_read_piece_by_piece(tmp_path: Path) -> None:
    """About so many bytes at a time, and never none."""
    write(tmp_path, [new(b"x" * 1000) for _ in range(10)])
    truth = schema.open_truth(tmp_path)
    sizes = []
    since = 0
    while found := schema.read_requests(truth, since=since, most=100, most_bytes=2500):
        sizes.append(len(found))
        since = found[-1].seq
    truth.close()
    assert sizes == [3, 3, 3, 1]


@pytest.mark.slow
def test_many_arrivals_stream(tmp_path: Path) -> None:
    """A large store is iterated in pages that fit together, and found by id."""
    ids = [uuid.uuid4().hex for _ in range(6_000)]
    write(tmp_path, [event(event_id) for event_id in ids])
    with open_store(tmp_path) as store:
        assert [arrival.event_id for arrival in store.arrivals()] == ids
        assert store.by_event_id(ids[5_432])[0].cursor == 5_433
        assert sum(1 for _ in store.arrivals(limit=4500)) == 4500
