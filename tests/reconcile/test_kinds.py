"""What many rows have in common is written once, and a million rows still come out one by one."""

from __future__ import annotations

import sqlite3

import pytest

from pytest_sentry_harness.model.account import State
from pytest_sentry_harness.model.arrival import Arrival
from pytest_sentry_harness.model.ledger import Fired, Hello, Record, SdkSaw
from pytest_sentry_harness.reconcile import evidence, fired, kinds
from pytest_sentry_harness.reconcile.reconcile import reconcile


def _fault(number: int) -> list[Record]:
    """A fault of a type of its own, of which the SDK made two events."""
    seen = [
        SdkSaw(at=number, mono=number, fault_ids=(f"f-{number}",), event_id=f"{number:031x}{copy}")
        for copy in range(2)
    ]
    shot = Fired(
        at=number,
        mono=number,
        fault_id=f"f-{number}",
        fault="f",
        point="app:save",
        effect="raise",
        term="raise",
        trace_id=f"{number:032x}",
        exception_type=f"Error{number}",
    )
    return [shot, *seen]


def _event(number: int, copy: int) -> Arrival:
    return Arrival(
        cursor=number + 1,
        request=number + 1,
        position=0,
        project="1",
        received_at=number,
        received_mono=number,
        status=200,
        outcome="accepted",
        item_type="event",
        event_id=f"{number:031x}{copy}",
        trace_id=f"{number:032x}",
        exceptions=((f"Error{number}", ""),),
    )


HELLO = Hello(at=0, mono=0, run_id="r", role="target", pid=1, parent_pid=0, argv=(), python="3", harness="0")


def test_kinds_are_written_once_and_again_when_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind has one number while it is remembered; a forgotten one is written again."""
    monkeypatch.setattr(kinds, "_MOST", 2)
    database = sqlite3.connect("")
    try:
        database.execute("CREATE TABLE colour (kind INTEGER PRIMARY KEY, name TEXT)")
        numbers = kinds.Kinds(database, "colour")
        assert [numbers[(name,)] for name in ("red", "blue", "red", "green", "red")] == [0, 1, 0, 2, 3]
        assert database.execute("SELECT name FROM colour ORDER BY kind").fetchall() == [
            ("red",),
            ("blue",),
            ("green",),
            ("red",),
        ]
    finally:
        database.close()


@pytest.mark.parametrize("copy", [0, 1])
def test_more_kinds_than_are_remembered(copy: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults of many types, of which one of two events arrived, are all captured, in several batches."""
    monkeypatch.setattr(kinds, "_MOST", 3)
    monkeypatch.setattr(fired, "_MOST_PAIRS", 3)
    monkeypatch.setattr(evidence, "_BATCH", 4)
    records = [HELLO, *(record for number in range(25) for record in _fault(number))]
    account = reconcile(records, [_event(number, copy) for number in range(25)], {}).account
    assert account.states[State.CAPTURED] == account.injected == 25
    assert not account.unexpected
    assert not account.findings
