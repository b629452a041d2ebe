"""One request to arrivals: every kind of item, every outcome."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.model.arrival import Arrival, Discarded
from pytest_sentry_harness.protocol.envelope import Limits
from pytest_sentry_harness.store.contents import Raw, check_contents, read_contents
from pytest_sentry_harness.store.digest import digest
from pytest_sentry_harness.store.query import COLUMNS, from_row, to_row
from pytest_sentry_harness.store.rows import NewRequest, StoredRequest

from ..examples import examples
from .build import envelope, event, new

TRACE = "0123456789abcdef0123456789abcdef"


def stored(row: NewRequest, seq: int = 7) -> StoredRequest:
    return StoredRequest(*msgspec.structs.astuple(row), seq)


def arrivals(row: NewRequest, *, first: bool = True) -> tuple[Arrival, ...]:
    return digest(stored(row), first_cursor=100, first_of_its_id=lambda project, event_id: first)


def one(kind: str, payload: Any, **headers: object) -> Arrival:
    [arrival] = arrivals(new(envelope([(kind, payload)], **headers)))
    return arrival


def test_an_event() -> None:
    """All that reconciling needs is on the row."""
    event_id = uuid.uuid4().hex
    payload = {
        "event_id": uuid.uuid4().hex,
        "level": "fatal",
        "release": "a@1",
        "environment": "test",
        "transaction": "/orders",
        "exception": {"values": [{"type": "KeyError", "value": "'a'"}, {"type": "OrderError"}]},
        "contexts": {"trace": {"trace_id": TRACE.upper(), "span_id": "b" * 16}},
    }
    arrival = one("event", payload, event_id=event_id)
    assert arrival == Arrival(
        cursor=100,
        request=7,
        position=0,
        project="1",
        received_at=1000.0,
        received_mono=10.0,
        status=200,
        outcome="accepted",
        item_type="event",
        category="error",
        event_id=event_id,
        trace_id=TRACE,
        exceptions=(("KeyError", "'a'"), ("OrderError", "")),
        level="fatal",
        release="a@1",
        environment="test",
        transaction="/orders",
        size=len(json.dumps(payload)),
    )


ODD: dict[str, Any] = {
    "number": 5,
    "large": 10**30,
    "fraction": 1.5,
    "yes": True,
    "object": {"code": 7},
    "list": [1, {"a": None}],
    "nothing": None,
}


def place(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """An event with ``value`` at ``path``; a number stands for the one entry of a list."""
    for step in reversed(path):
        value = [value] if isinstance(step, int) else {step: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
@pytest.mark.parametrize(
    "path",
    [
        *(("exception", "values", 0, name) for name in ("type", "value", "module", "mechanism")),
        *(("exception", "values", 0, "mechanism", name) for name in ("type", "handled")),
        ("exception",),
        ("exception", "values"),
        *((name,) for name in ("level", "release", "environment", "transaction", "event_id", "tags", "dist")),
        ("contexts",),
        ("contexts", "trace"),
        ("contexts", "trace", "trace_id"),
        ("tags", "region"),
    ],
    ids=lambda path: ".".join(map(str, path)),
)
def test_a_field_of_another_type_can_be_written_and_read(path: tuple[str | int, ...], value: Any) -> None:
    """One odd event must not hide all others: its row reads as what it was made from."""
    arrival = one("event", place(path, value), event_id="a" * 32)
    assert arrival.outcome == "accepted"
    assert from_row(tuple(to_row(arrival))) == arrival


def test_the_value_of_an_exception_is_text() -> None:
    """As Sentry shows it: what is no string as JSON."""
    values = [{"type": "A", "value": 5}, {"type": "B", "value": {"code": 7}}, {"type": "C", "value": None}]
    arrival = one("event", {"exception": {"values": values}}, event_id="a" * 32)
    assert arrival.exceptions == (("A", "5"), ("B", '{"code":7}'), ("C", ""))


def test_a_row_of_an_earlier_release_can_be_read() -> None:
    """It holds the value as it was sent."""
    row = to_row(one("event", {}, event_id="a" * 32))
    row[COLUMNS.index("exceptions")] = '[["A",5],["B",{"code":7}],["C","c"]]'
    assert from_row(tuple(row)).exceptions == (("A", "5"), ("B", '{"code":7}'), ("C", "c"))


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "exception",
                    "values",
                    "type",
                    "value",
                    "mechanism",
                    "contexts",
                    "trace",
                    "trace_id",
                    "tags",
                    "attrs",
                ]
                + [
                    "level",
                    "release",
                    "environment",
                    "transaction",
                    "discarded_events",
                    "reason",
                    "quantity",
                    "items",
                ]
            ),
            inner,
        )
    ),
    max_leaves=10,
)


@examples(60)
@given(
    st.sampled_from(
        ["event", "feedback", "transaction", "sessions", "session", "client_report", "check_in", "log"]
    ),
    ANYTHING,
)
def test_whatever_is_sent_can_be_written_and_read(kind: str, payload: Any) -> None:
    """Accepted or not."""
    arrival = one(kind, payload, event_id="a" * 32)
    assert from_row(tuple(to_row(arrival))) == arrival


def test_the_payload_names_the_event_when_the_envelope_does_not() -> None:
    """The id in the headers wins; without one the payload's is taken."""
    event_id = uuid.uuid4().hex
    assert one("event", {"event_id": event_id}).event_id == event_id
    assert one("session", {"started": "2026-01-01T00:00:00Z", "attrs": {"release": "a"}}).event_id is None


def test_the_trace_of_the_envelope() -> None:
    """Items that name no trace belong to the envelope's; a broken trace header is no trace."""
    assert one("event", {}, trace={"trace_id": TRACE}).trace_id == TRACE
    assert one("attachment", b"x", trace={"trace_id": TRACE}).trace_id == TRACE
    assert one("event", {}, trace={"trace_id": 5}).trace_id is None
    assert one("event", {}).trace_id is None


def test_other_items() -> None:
    """Transactions, sessions, check-ins, profiles, reports, logs and unknown ones."""
    trace = {"trace": {"trace_id": TRACE, "span_id": "a" * 16}}
    timed = {"start_timestamp": 1.0, "timestamp": 2.0, "contexts": trace, "transaction": "/a", "release": "r"}
    transaction = one("transaction", timed, event_id=TRACE)
    assert (transaction.trace_id, transaction.transaction, transaction.release) == (TRACE, "/a", "r")
    session = one(
        "session", {"started": "2026-01-01T00:00:00Z", "attrs": {"release": "r", "environment": "e"}}
    )
    assert (session.category, session.release, session.environment) == ("session", "r", "e")
    lines = {"discarded_events": [{"reason": "before_send", "category": "error", "quantity": 2}]}
    report = one("client_report", lines)
    assert report.discarded == (Discarded(reason="before_send", category="error", quantity=2),)
    check_in = one("check_in", {"check_in_id": TRACE, "monitor_slug": "m", "status": "ok", "release": "r"})
    assert (check_in.category, check_in.release) == ("monitor", "r")
    unknown = one("news", b"?")
    assert (unknown.outcome, unknown.category, unknown.size) == ("accepted", "unknown", 1)


def test_logs_of_one_trace_and_of_several() -> None:
    """A container has the trace all its entries share."""

    def log(*traces: str) -> Arrival:
        entries = [{"timestamp": 1.0, "level": "info", "body": "x", "trace_id": trace} for trace in traces]
        payload = json.dumps({"items": entries}).encode()
        head = {
            "type": "log",
            "length": len(payload),
            "item_count": len(entries),
            "content_type": "application/vnd.sentry.items.log+json",
        }
        [arrival] = arrivals(new(b"{}\n" + json.dumps(head).encode() + b"\n" + payload))
        return arrival

    assert log(TRACE, TRACE).trace_id == TRACE
    assert log(TRACE, "f" * 32).trace_id is None
    assert log(TRACE).category == "log_item"


def test_a_profile() -> None:
    """A profile carries its transaction's name and trace."""
    profile = {
        "version": "1",
        "event_id": TRACE,
        "platform": "python",
        "release": "r",
        "environment": "e",
        "timestamp": "2026-01-01T00:00:00Z",
        "transaction": {"id": TRACE, "name": "/a", "trace_id": TRACE, "active_thread_id": "1"},
        "profile": {
            "samples": [
                {"elapsed_since_start_ns": "0", "stack_id": 0, "thread_id": "1"},
                {"elapsed_since_start_ns": "9", "stack_id": 0, "thread_id": "1"},
            ],
            "stacks": [[0]],
            "frames": [{"function": "f"}],
            "thread_metadata": {},
        },
    }
    arrival = one("profile", profile, event_id=TRACE)
    assert (arrival.outcome, arrival.reason) == ("accepted", "")
    assert (arrival.trace_id, arrival.transaction) == (TRACE, "/a")


def test_an_invalid_item() -> None:
    """It says why, and keeps its size; the others of the envelope are accepted."""
    body = envelope([("transaction", {}), ("attachment", b"x")], event_id=TRACE)
    first, second = arrivals(new(body))
    assert (first.outcome, first.size) == ("invalid", 2)
    assert "contexts.trace.trace_id is missing" in first.reason or "timestamp is missing" in first.reason
    assert (second.outcome, second.position, second.cursor) == ("accepted", 1, 101)


def test_a_duplicate() -> None:
    """Only events and transactions are; what comes along with them is not."""
    row = new(envelope([("event", {}), ("attachment", b"x")], event_id=TRACE))
    assert [a.outcome for a in arrivals(row, first=False)] == ["duplicate", "accepted"]
    assert arrivals(row, first=False)[0].reason == "duplicate"


def test_a_refused_request() -> None:
    """Its items are told apart as far as they can be; ids of refused events are not remembered."""
    row = new(envelope([("event", {})], event_id=TRACE), outcome="refused", reason="key_unknown", status=403)

    def never(project: str, event_id: str) -> bool:
        raise AssertionError

    [arrival] = digest(stored(row), first_cursor=1, first_of_its_id=never)
    assert (arrival.outcome, arrival.reason, arrival.item_type, arrival.status) == (
        "refused",
        "key_unknown",
        "event",
        403,
    )
    [unreadable] = arrivals(new(b"garbage", outcome="refused", reason="malformed", status=400))
    assert (unreadable.item_type, unreadable.outcome, unreadable.size) == ("", "refused", 7)
    [elsewhere] = arrivals(new(b"x", route="", outcome="refused", reason="no_endpoint", status=404))
    assert elsewhere.item_type == ""


def test_an_accepted_request_that_is_broken_after_all() -> None:
    """It is shown as invalid, never passed over."""
    [arrival] = arrivals(new(b"garbage"))
    assert arrival.outcome == "invalid"
    assert "not valid JSON" in arrival.reason


def test_a_store_request_without_an_id() -> None:
    """The id the server made up and answered is the event's; a refused one gets none."""
    row = new(b"{}", route="store", event_id=TRACE, headers="[]")
    assert arrivals(row)[0].event_id == TRACE
    refused = new(b"{}", route="store", event_id=None, outcome="refused", reason="auth_missing")
    [arrival] = arrivals(refused)
    assert (arrival.item_type, arrival.event_id) == ("event", None)


def raw(plain: bytes) -> Raw:
    return Raw(
        route="envelope",
        method="POST",
        query="",
        content_type="",
        encoding="gzip",
        body=gzip.compress(plain),
        fallback_event_id="",
    )


@pytest.mark.parametrize("tail", [b"", b"\n"])
def test_a_large_envelope_is_only_looked_into(tail: bytes) -> None:
    """The short look finds the same ids as reading it whole."""
    plain = envelope(
        [("event", b"x" * 50_000)], event_id=TRACE, dsn="http://a@b/1", trace={"trace_id": TRACE}
    )
    short = check_contents(raw(plain[:-1] + tail))
    whole = read_contents(raw(plain[:-1] + tail))
    assert short.parts() == ()
    assert len(whole.parts()) == 1
    assert (short.event_id, short.dsn, short.trace) == (whole.event_id, whole.dsn, whole.trace)


@pytest.mark.parametrize(
    "plain",
    [
        envelope([("event", b"x" * 100)], event_id=TRACE),
        envelope([("event", b"x" * 50_000), ("attachment", b"y")], event_id=TRACE),
        b"{}\n" + json.dumps({"type": "event"}).encode() + b"\n" + b"x" * 50_000,
        b'{"a":"' + b"x" * 50_000 + b'"}\n{"type":"event","length":0}\n',
    ],
)
def test_other_envelopes_are_read_whole(plain: bytes) -> None:
    """Small ones, several items, items without length, long headers."""
    assert check_contents(raw(plain)).parts() == read_contents(raw(plain)).parts() != ()


def test_a_large_body_that_only_pretends() -> None:
    """No gzip at all behind a large size, or an item header that is none, is refused as it always was."""
    garbage = msgspec.structs.replace(raw(b""), body=b"garbage" * 100 + (1 << 16).to_bytes(4, "little"))
    for broken in (garbage, raw(b'{}\n{"type":5}\n' + b"x" * 50_000), raw(b"no\n{}\n" + b"x" * 50_000)):
        with pytest.raises(ProtocolError) as caught:
            check_contents(broken)
        assert caught.value.status == 400


def test_limits_hold_for_the_short_look() -> None:
    """An item or envelope over the limit is refused by both."""
    plain = envelope([("event", b"x" * 50_000)], event_id=TRACE)
    for limits in (Limits(envelope_bytes=40_000), Limits(item_bytes={"event": 40_000})):
        with pytest.raises(ProtocolError) as caught:
            check_contents(raw(plain), limits)
        assert caught.value.status == 413


def test_hostile_values_do_not_stop_the_digest() -> None:
    """What cannot be stored as text, is huge, or nested without end gives a row all the same."""
    for payload in (
        b'{"exception":{"values":[{"type":"\\ud800","value":"\\udfff\\u0000"}]}}',
        b'{"message":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"timestamp":1e999,"level":5}',
        b'{"level":"' + b"x" * 100_000 + b'"}',
    ):
        arrival = one("event", payload, event_id=TRACE)
        assert arrival.outcome in ("accepted", "invalid")
        json.dumps(arrival.reason).encode()
        for kind, value in arrival.exceptions:
            (kind + value).encode()


def test_the_first_of_two_equal_events_is_accepted() -> None:
    """``first_of_its_id`` decides, with project and plain id."""
    asked: list[tuple[str, str]] = []

    def ask(project: str, event_id: str) -> bool:
        asked.append((project, event_id))
        return True

    row = event("ABCDEF00" + "0" * 24)
    digest(stored(row), first_cursor=1, first_of_its_id=ask)
    assert asked == [("1", "abcdef00" + "0" * 24)]
