"""A follower gives what was accepted, once each and in order, whoever digests the store."""

from __future__ import annotations

from pathlib import Path

from pytest_sentry_harness.monitoring.follow import Follower
from pytest_sentry_harness.store.reader import StoreReader
from tests.store.build import envelope, event, new, write

ATTRIBUTES = {"release": "1", "environment": "prod"}
TRACE = {"trace_id": "b" * 32, "span_id": "c" * 16}


def taken(follower: Follower) -> list[tuple[int, str, bytes]]:
    """Everything there is now."""
    found = []
    while follower.look() is not None or follower.behind():
        if follower.look() is not None:
            arrival, payload = follower.take()
            found.append((arrival.cursor, arrival.item_type, payload))
    return found


def test_what_was_accepted_is_followed(tmp_path: Path) -> None:
    """Refused, repeated and other items are passed over; what comes later is seen by the same follower."""
    report = new(envelope([("client_report", {"discarded_events": []})]))
    first = event("a" * 32, message="one")
    write(
        tmp_path,
        [report, first, event("a" * 32, message="one"), new(b"x", status=401, outcome="refused"), report],
    )
    follower = Follower(tmp_path)
    assert taken(follower) == [(2, "event", b'{"message": "one"}')]
    assert (follower.followed, follower.behind()) == (5, 0)
    session = {
        "sid": "a" * 32,
        "init": True,
        "started": "2026-01-01T00:00:00Z",
        "status": "ok",
        "attrs": ATTRIBUTES,
    }
    totals = {"aggregates": [{"started": "2026-01-01T00:00:00Z", "exited": 1}], "attrs": ATTRIBUTES}
    transaction = {
        "type": "transaction",
        "start_timestamp": 1.0,
        "timestamp": 2.0,
        "contexts": {"trace": TRACE},
    }
    items = (("session", session), ("sessions", totals), ("transaction", transaction))
    write(tmp_path, [new(envelope([item])) for item in items])
    assert follower.behind() == 3
    assert [(cursor, kind) for cursor, kind, _ in taken(follower)] == [
        (6, "session"),
        (7, "sessions"),
        (8, "transaction"),
    ]
    follower.close()


def test_others_may_digest_the_same_store(tmp_path: Path) -> None:
    """Turn by turn, more than a page of it: no cursor is missing and none comes twice."""
    write(tmp_path, [event(message=str(number)) for number in range(600)])
    follower, other = Follower(tmp_path), StoreReader(tmp_path)
    seen = []
    while len(seen) < 600:
        other.advance(7)
        if follower.look() is not None:
            seen.append(follower.take()[0].cursor)
            assert follower.followed == seen[-1]
    assert seen == list(range(1, 601))
    assert follower.behind() == 0
    other.close()
    follower.close()
