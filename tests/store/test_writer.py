"""The writer: durable before it says so, in groups, and honest when it cannot."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from pytest_sentry_harness.errors import EvidenceError, ServerError
from pytest_sentry_harness.store import schema
from pytest_sentry_harness.store.rows import ProjectRow
from pytest_sentry_harness.store.writer import Writer

from .build import event, new, write


def rows_in(folder: Path) -> list[tuple[int, str]]:
    connection = sqlite3.connect(folder / schema.TRUTH)
    try:
        return connection.execute("SELECT seq, path FROM request ORDER BY seq").fetchall()
    finally:
        connection.close()


def test_rows_are_numbered_in_order(tmp_path: Path) -> None:
    """From 1, without gaps, also over several commits and a restart."""
    assert write(tmp_path, [new(path=str(n)) for n in range(150)]) == list(range(1, 151))
    assert write(tmp_path, [new(path="150")]) == [151]
    assert rows_in(tmp_path) == [(n + 1, str(n)) for n in range(151)]


def test_a_future_resolves_only_when_the_row_is_durable(tmp_path: Path) -> None:
    """Whoever sees the answer finds the row, through another connection."""

    async def check() -> None:
        seen: list[int] = []
        writer = Writer(tmp_path, on_commit=seen.append)
        for number in range(1, 21):
            assert await writer.submit(new()) == number
            assert len(rows_in(tmp_path)) == number
        await asyncio.to_thread(writer.close)
        assert seen[-1] == writer.progress.committed == 20
        assert writer.progress.at > 0

    asyncio.run(check())


def test_what_arrives_together_is_committed_together(tmp_path: Path) -> None:
    """Requests of one round of the event loop share a commit."""
    commits: list[int] = []

    async def check() -> None:
        writer = Writer(tmp_path, on_commit=commits.append)
        await asyncio.gather(*[writer.submit(new()) for _ in range(40)])
        await asyncio.to_thread(writer.close)

    asyncio.run(check())
    assert commits == [40]


def test_the_truth_is_synchronised(tmp_path: Path) -> None:
    """Write-ahead log, and every commit forced to disk."""
    connection = schema.create_truth(tmp_path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()


def test_projects_are_kept_and_changed(tmp_path: Path) -> None:
    """A project written again replaces itself."""
    first, second = ProjectRow("2", "two", "b" * 32), ProjectRow("10", "ten", "c" * 32, True, False)
    assert write(tmp_path, [first, second, event(), ProjectRow("2", "two", "b" * 32, False)]) == [0, 0, 1, 0]
    truth = schema.open_truth(tmp_path)
    assert schema.read_projects(truth) == [ProjectRow("2", "two", "b" * 32, False), second]
    truth.close()


def test_a_row_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The caller is told; the writer goes on with the next."""

    async def check() -> None:
        writer = Writer(tmp_path)
        writer._connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON request WHEN NEW.path = 'bad' BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        with pytest.raises(ServerError, match="could not be written: disk full"):
            await writer.submit(new(path="bad"))
        assert await writer.submit(new()) == 1
        await asyncio.to_thread(writer.close)

    asyncio.run(check())


def test_after_closing_nothing_is_taken(tmp_path: Path) -> None:
    """What was handed in before is written, what comes after is refused."""

    async def check() -> None:
        writer = Writer(tmp_path)
        waiting = writer.submit(new())
        await asyncio.to_thread(writer.close)
        await asyncio.to_thread(writer.close)
        assert await waiting == 1
        with pytest.raises(ServerError, match="the store is closed"):
            await writer.submit(new())

    asyncio.run(check())


def test_a_cancelled_request_is_written_all_the_same(tmp_path: Path) -> None:
    """Its client may have gone; what it sent has arrived."""

    async def check() -> None:
        writer = Writer(tmp_path)
        cancelled = writer.submit(new(path="cancelled"))
        cancelled.cancel()
        assert await writer.submit(new()) == 2
        await asyncio.to_thread(writer.close)

    asyncio.run(check())
    assert rows_in(tmp_path)[0] == (1, "cancelled")


def test_an_event_loop_that_ended_early(tmp_path: Path) -> None:
    """A commit under way when the loop closes stays committed, and the writer closes in peace."""
    held = threading.Event()
    writers: list[Writer] = []

    def slow(_: int) -> None:
        held.wait(30)

    async def leave() -> None:
        writer = Writer(tmp_path, on_commit=slow)
        writers.append(writer)
        await writer.submit(new())
        writer.submit(new()).cancel()
        await asyncio.sleep(0)

    asyncio.run(leave())
    held.set()
    writers[0].close()
    assert len(rows_in(tmp_path)) == 2


def test_a_store_of_another_format(tmp_path: Path) -> None:
    """It is neither read nor continued, and the error says with what it can be."""
    write(tmp_path, [event()])
    connection = sqlite3.connect(tmp_path / schema.TRUTH)
    connection.execute("UPDATE meta SET value = '99' WHERE name = 'version'")
    connection.commit()
    connection.close()
    for opening in (schema.create_truth, schema.open_truth):
        with pytest.raises(EvidenceError, match="has format 99, this release reads format 1"):
            opening(tmp_path)
