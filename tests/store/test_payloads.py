"""Payloads of single types of items, as a stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.store import reader
from pytest_sentry_harness.store.contents import Contents, Raw, read_contents
from pytest_sentry_harness.store.reader import open_store
from pytest_sentry_harness.store.rows import ProjectRow

from .build import envelope, event, new, write


def test_payloads_of_some_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accepted items of these types in order, each body read once however many of its items are asked for."""
    report: dict[str, Any] = {"discarded_events": []}
    both = envelope(
        [("client_report", report), ("attachment", b"one"), ("attachment", b"two")], event_id="a" * 32
    )
    write(
        tmp_path,
        [
            ProjectRow("1", "one", "k" * 32),
            new(both),
            event("b" * 32),
            new(both, outcome="refused", status=429),
        ],
    )
    reads: list[Raw] = []

    def counted(raw: Raw) -> Contents:
        reads.append(raw)
        return read_contents(raw)

    monkeypatch.setattr(reader, "read_contents", counted)
    with open_store(tmp_path) as store:
        found = list(store.payloads(("attachment", "event")))
        assert [(arrival.item_type, arrival.outcome) for arrival, _ in found] == [
            ("attachment", "accepted"),
            ("attachment", "accepted"),
            ("event", "accepted"),
        ]
        assert [payload for _, payload in found[:2]] == [b"one", b"two"]
        assert len(reads) == 2
        assert len(list(store.payloads(("attachment",), outcome=None))) == 4
        assert list(store.payloads(())) == []


def test_a_body_that_cannot_be_taken_apart_has_no_payloads(tmp_path: Path) -> None:
    """A refused request that is no envelope gives nothing, and no error."""
    write(tmp_path, [ProjectRow("1", "one", "k" * 32), new(b"garbage", outcome="refused", status=400)])
    with open_store(tmp_path) as store:
        assert list(store.payloads(("",), outcome=None)) == []
