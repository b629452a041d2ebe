"""Several processes have the index of one store open: none takes another's work for damage."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from pytest_sentry_harness.store.index import Index
from pytest_sentry_harness.store.schema import INDEX

from .build import event, write


def digest_all(folder: Path) -> tuple[int, int, int]:
    """Open it, digest a little, again and again; inode of the index, arrivals, and the last cursor."""
    for _ in range(10):
        index = Index(folder)
        index.advance(3)
        index.close()
    index = Index(folder)
    index.catch_up()
    row = index.connection.execute("SELECT count(*), max(cursor) FROM item").fetchone()
    index.close()
    return (folder / INDEX).stat().st_ino, int(row[0]), int(row[1])


def test_processes_share_one_index(tmp_path: Path) -> None:
    """All of them open it at once where there is none yet: one file, nothing twice, nothing missing."""
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        for round_ in range(4):
            folder = tmp_path / str(round_)
            write(folder, [event() for _ in range(120)])
            results = set(pool.map(digest_all, [folder] * 4))
            assert {row[1:] for row in results} == {(120, 120)}
            assert len(results) == 1


def test_an_index_that_is_held_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for it too long is told so."""
    monkeypatch.setattr("pytest_sentry_harness.store.schema.BUSY_MS", 50)
    write(tmp_path, [event()])
    Index(tmp_path).close()
    holder = sqlite3.connect(tmp_path / INDEX, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    before = (tmp_path / INDEX).stat().st_ino
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Index(tmp_path)
    assert (tmp_path / INDEX).stat().st_ino == before
    holder.close()


def test_the_folder_is_let_go_of_before_it_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that closes later than it is told (gevent does) does not lock everybody else out."""
    write(tmp_path, [event()])
    later: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(os, "close", later.append)
        Index(tmp_path).close()
        Index(tmp_path).close()
    for descriptor in later:
        os.close(descriptor)
    assert len(later) == 2
