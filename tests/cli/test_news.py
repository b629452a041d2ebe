"""What each piece of news says in one line, and that nothing in it can steer a terminal."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.cli.exec_ import account_lines
from pytest_sentry_harness.cli.foreground import Ended
from pytest_sentry_harness.cli.news import of_arrival, of_note, of_record
from pytest_sentry_harness.cli.tail import Account, Watched
from pytest_sentry_harness.model.arrival import Arrival, Discarded
from pytest_sentry_harness.model.ledger import (
    Goodbye,
    Hello,
    Note,
    Place,
    Record,
    SdkDiscarded,
    SdkDropped,
    SdkInit,
    SdkPending,
)


def arrival(**fields: Any) -> Arrival:
    known: dict[str, Any] = {
        "cursor": 1,
        "request": 1,
        "position": 0,
        "project": "1",
        "received_at": 0.0,
        "received_mono": 0.0,
        "status": 200,
        "outcome": "accepted",
        "item_type": "event",
        "size": 12_345,
    }
    return Arrival(**{**known, **fields})


ARRIVALS = [
    (arrival(level="error", exceptions=(("A", "first"), ("B", "last"))), "event  error  B: last  12.3 kB"),
    (arrival(transaction="GET /x", trace_id="0123456789"), "event  in GET /x  trace 01234567  12.3 kB"),
    (arrival(release="r@1", size=5), "event  r@1/(no environment)  5 B"),
    (arrival(environment="test", size=5), "event  (no release)/test  5 B"),
    (
        arrival(outcome="refused", status=403, reason="key_unknown", item_type="", size=0),
        "request  REFUSED (403 key_unknown)  0 B",
    ),
    (
        arrival(item_type="client_report", discarded=(Discarded(reason="r", category="error", quantity=2),)),
        "client_report  the SDK says it dropped 2 error (r)  12.3 kB",
    ),
    (arrival(item_type="client_report"), "client_report  the SDK says it dropped nothing  12.3 kB"),
    (arrival(exceptions=(("X", "\x1b[2J\u202e\nnext"),)), "event  X: \ufffd[2J\ufffd next  12.3 kB"),
]


@pytest.mark.parametrize("item,words", ARRIVALS)
def test_arrivals_in_one_line(item: Arrival, words: str) -> None:
    """Kind, outcome when it is not accepted, and what is known; hostile text is made harmless."""
    line = of_arrival(item).line()
    assert line.split("] ", 1)[1] == words
    assert "\n" not in line


AT: dict[str, Any] = {"at": 0.0, "mono": 0.0}
PLACE = Place(file="app.py", line=3)
RECORDS: list[tuple[Record, str | None]] = [
    (
        SdkInit(**AT, version="2.75.0", active=False, dsn=None, options={"sample_rate": 0.5, "debug": False}),
        "initialised in process 7, WITHOUT A DSN: nothing is sent; sample_rate=0.5",
    ),
    (
        SdkInit(**AT, version="2.75.0", active=True, dsn="http://h/1", options={"x": "y" * 99}, place=PLACE),
        "in process 7 at app.py:3, to http://h/1; x=" + "y" * 77 + "...",
    ),
    (
        SdkDropped(
            **AT,
            fault_ids=(),
            event_id="0123456789",
            stage="before_send",
            reason="callback_error",
            culprit="before_send=f",
            place=PLACE,
            error="KeyError: 'x'",
        ),
        "DROPPED  by before_send=f at app.py:3 (callback_error, it raised KeyError: 'x')  event 01234567",
    ),
    (
        SdkDropped(**AT, fault_ids=(), event_id=None, stage="unknown", reason="unknown"),
        "DROPPED  by unknown (unknown)  event ?",
    ),
    (
        SdkDiscarded(
            **AT, event_id="0123456789", reason="network_error", category="error", detail="HTTP 500"
        ),
        "discarded  1 error (network_error: HTTP 500)  event 01234567",
    ),
    (
        SdkDiscarded(**AT, event_id=None, reason="queue_overflow", category="x", quantity=2),
        "discarded  2 x (que",
    ),
    (SdkDiscarded(**AT, event_id=None, reason="before_send", category="error"), None),
    (SdkDiscarded(**AT, event_id=None, reason="sample_rate", category="transaction"), None),
    (Note(**AT, level="warning", text="careful", place=PLACE), "WARNING  careful at app.py:3"),
    (Note(**AT, level="info", text="by the way"), None),
    (SdkPending(**AT, queued=3), None),
]


@pytest.mark.parametrize("record,words", RECORDS)
def test_records_in_one_line(record: Record, words: str | None) -> None:
    """What the watch saw; what others say better is left out."""
    news = of_record(record, 7)
    if words is None:
        assert news is None
        return
    assert news is not None
    assert words in news.line()
    assert json.loads(json.dumps(news.document(), default=str))["pid"] == 7


def test_notes_about_a_dsn_of_its_own() -> None:
    """Redirected, not possible, and others that are no news."""
    redirected = of_note({"note": "redirected", "mono": 1.0, "dsn": "https://***@x/1", "place": None}, 5.0)
    assert redirected is not None
    assert redirected.at == 6.0
    assert "set at an unknown place" in redirected.line()
    broken = of_note({"note": "cannot_redirect", "mono": 1.0, "why": "no make_transport"}, 0.0)
    assert broken is not None
    assert "ERROR  the application's own DSN cannot be redirected: no make_transport" in broken.line()
    assert of_note({"note": "init", "mono": 1.0}, 0.0) is None


def test_the_account_has_everything_that_was_counted() -> None:
    """Refusals, discards, queues of processes that ended, and those nobody knows."""
    account = Account()
    account.see_arrival(arrival(outcome="refused", status=429, reason="misbehaviour"))
    account.see_arrival(
        arrival(item_type="client_report", discarded=(Discarded(reason="r", category="error", quantity=2),))
    )
    path = Path("a.journal")
    hello = Hello(**AT, run_id="r", role="target", pid=7, parent_pid=1, argv=(), python="3.11", harness="0")
    records: list[Record] = [
        hello,
        SdkInit(**AT, version="2", active=True, dsn=None),
        SdkDiscarded(**AT, event_id=None, reason="queue_overflow", category="error", quantity=4),
        SdkPending(**AT, queued=3),
        Goodbye(**AT, reason="exit"),
    ]
    assert {account.see_record(path, record) for record in records} == {7}
    account.processes[Path("b.journal")] = Watched(pid=8, initialised=True)
    assert list(account_lines(account, Ended(-9))) == [
        "the command: ended by SIGKILL",
        "arrived: 1 client_report",
        "not accepted: 1 event: refused, 429 misbehaviour",
        "discarded by the transport: 4 error (queue_overflow)",
        "by the SDK's own reports, it dropped: 2 error (r)",
        "still queued when process 7 ended: 3 (lost)",
        "process 8 ended without running its exit handlers, or runs still: what its queue held is not known",
    ]
    assert account.dropped == Counter()
    assert Ended(-9).exit_code == 137
