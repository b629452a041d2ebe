"""Typed views: what they read, what they forgive, what they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol.envelope import parse_envelope, split_envelope
from pytest_sentry_harness.protocol.items import (
    AggregateView,
    CheckInView,
    ClientReportView,
    EventView,
    LogsView,
    MetricsView,
    ProfileView,
    SessionsView,
    SessionView,
    SpansView,
    TransactionView,
    category_of,
    creates_event,
    view,
)

from .real_sdk import envelope_with

TRACE, SPAN, ID = "ab" * 16, "cd" * 8, "ef" * 16


def dump(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def event(**fields: Any) -> EventView:
    """The view of an event with these fields."""
    found = view("event", dump(**fields), {})
    assert isinstance(found, EventView)
    return found


def test_real_event() -> None:
    """A real SDK's event: chain, frames, trace, user, tags; nothing had to be corrected."""
    split = split_envelope(envelope_with("event"))
    found = view("event", split.payload(split.items[0]), split.items[0].headers)
    assert isinstance(found, EventView)
    assert found.errors == ()
    assert found.event_id == split.event_id
    assert [(e.type, e.text, e.handled) for e in found.exceptions] == [
        ("TimeoutError", "database did not answer: 9 6", True),
        ("ValueError", "order was not saved", True),
    ]
    assert found.exceptions[0].mechanism_type
    crash = found.exceptions[0].frames()[-1]
    assert (crash.function, crash.module) == ("_fail", "tests.protocol.real_sdk")
    assert (found.release, found.environment, found.level) == ("shop@1.2.3", "test", "error")
    assert found.user == {"id": "7", "email": "somebody@example.com"}
    assert found.tags == {"team": "orders"}
    assert found.trace_id is not None
    assert len(found.trace_id) == 32
    assert found.timestamp is not None
    assert found.sdk_name == "sentry.python"


def test_real_transaction() -> None:
    """A real SDK's transaction with its one child span."""
    item = parse_envelope(envelope_with("transaction")).items[0]
    found = view(item.type, item.payload, item.headers)
    assert isinstance(found, TransactionView)
    assert (found.name, found.op, found.source) == ("POST /orders", "http.server", "custom")
    assert found.duration >= 0
    assert [span["op"] for span in found.spans()] == ["db"]
    assert found.errors == ()


def test_real_session_and_log() -> None:
    """A real SDK's session and log records."""
    item = parse_envelope(envelope_with("session")).items[0]
    session = view(item.type, item.payload, item.headers)
    assert isinstance(session, SessionView)
    assert (session.init, session.release, session.environment) == (True, "shop@1.2.3", "test")
    item = parse_envelope(envelope_with("log")).items[0]
    logs = view(item.type, item.payload, item.headers)
    assert isinstance(logs, LogsView)
    assert [(entry.level, entry.body) for entry in logs.entries] == [("info", "order 7 failed")]
    assert logs.notes == ()


def test_defaults_of_an_empty_event() -> None:
    """An event may be empty: level error, platform other."""
    found = event()
    assert (found.level, found.platform, found.exceptions, found.tags, found.user) == (
        "error",
        "other",
        (),
        {},
        {},
    )
    assert (found.event_id, found.timestamp, found.message, found.trace_id, found.errors) == (
        None,
        None,
        None,
        None,
        (),
    )


@pytest.mark.parametrize(
    ("fields", "attribute", "expected"),
    [
        ({"event_id": ID.upper()}, "event_id", ID),
        ({"timestamp": 1.5}, "timestamp", 1.5),
        ({"timestamp": 1}, "timestamp", 1.0),
        ({"timestamp": "1970-01-01T00:01:00Z"}, "timestamp", 60.0),
        ({"timestamp": "1970-01-01T00:01:00"}, "timestamp", 60.0),
        ({"timestamp": "1970-01-01T02:00:00.250000+02:00"}, "timestamp", 0.25),
        ({"level": "log"}, "level", "info"),
        ({"level": "critical"}, "level", "fatal"),
        ({"level": 30}, "level", "warning"),
        ({"release": 5}, "release", "5"),
        ({"release": True}, "release", "True"),
        ({"release": 2.5}, "release", "2"),
        ({"message": "hi"}, "message", "hi"),
        ({"message": {"message": "a %s", "params": ["b"]}}, "message", "a b"),
        ({"logentry": {"message": "a {} %d %%", "params": ["b", 3]}}, "message", "a b 3 %"),
        ({"logentry": {"message": "a %s %s", "params": ["b"]}}, "message", "a %s %s"),
        ({"logentry": {"message": "a %s", "params": {"x": 1}}}, "message", "a %s"),
        ({"logentry": {"message": "a %s", "formatted": "a z"}}, "message", "a z"),
        ({"logentry": {"message": "a %s", "formatted": "a z"}}, "template", "a %s"),
        ({"logentry": {"formatted": "a z"}}, "template", None),
        ({"message": "\N{SNAKE} é", "extra": "\N{SNAKE}"}, "message", "\N{SNAKE} é"),
        ({"logentry": "plain"}, "message", "plain"),
        ({"logentry": "wins", "message": "loses"}, "message", "wins"),
        ({"tags": [["a", 1], ["b", True], None, ["c", None]]}, "tags", {"a": "1", "b": "True"}),
        ({"tags": {"a": 1.5, "b": "x", "c": None, "d": 1e300}}, "tags", {"a": "1", "b": "x", "d": "1e+300"}),
        ({"fingerprint": ["{{ default }}", 1, None]}, "fingerprint", ("{{ default }}", "1")),
        ({"contexts": {"trace": {"trace_id": TRACE.upper(), "span_id": SPAN}}}, "trace_id", TRACE),
        ({"contexts": {"trace": {"trace_id": TRACE, "span_id": SPAN}, "other": [1]}}, "span_id", SPAN),
        ({"contexts": {"trace": {}}}, "trace_id", None),
        ({"contexts": {}}, "span_id", None),
        ({"sdk": {"name": "sentry.go", "version": "0.1"}}, "sdk_version", "0.1"),
    ],
)
def test_fields(fields: dict[str, Any], attribute: str, expected: object) -> None:
    """Every documented form of a field, without a note."""
    found = event(**fields)
    assert getattr(found, attribute) == expected
    assert found.errors == ()


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        ({"values": [{"type": "A", "value": "x"}, None]}, [("A", "x")]),
        ([{"type": "A", "value": "x"}], [("A", "x")]),
        ({"type": "A", "value": "x"}, [("A", "x")]),
        ({"values": [{"type": "A"}]}, [("A", "")]),
        ({"values": [{"type": "A", "value": {"a": [1]}}]}, [("A", '{"a":[1]}')]),
        ({"type": "A", "value": 2**70}, [("A", str(2**70))]),
        ({"values": None}, []),
        ({"values": []}, []),
        (None, []),
    ],
)
def test_exception_forms(exception: object, expected: list[tuple[str, str]]) -> None:
    """A list, ``values``, or one exception; values that are no text as JSON."""
    found = event(exception=exception)
    assert [(e.type, e.text) for e in found.exceptions] == expected
    assert found.errors == ()
    assert all(e.handled is None and e.mechanism_type is None and e.frames() == () for e in found.exceptions)


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        (
            {"level": "warn"},
            ["level: 'warn' is not one of fatal, error, warning, info, debug; taken as error"],
        ),
        ({"level": []}, ["level: expected a string or a whole number, got an array"]),
        ({"environment": 7}, ["environment: expected a string, got a number"]),
        ({"transaction": {}}, ["transaction: expected a string, got an object"]),
        ({"platform": True}, ["platform: expected a string, got a boolean"]),
        ({"event_id": "abc"}, ["event_id must be 32 hexadecimal digits or a dashed UUID, got 'abc'"]),
        ({"timestamp": "yesterday"}, ["timestamp: 'yesterday' is not a time"]),
        ({"timestamp": 1e300}, ["timestamp: 1e+300 is not a time"]),
        (
            {"timestamp": "0001-01-01T00:00:00+14:00"},
            ["timestamp: -62135647200.0 is not a time"],
        ),
        ({"timestamp": {}}, ["timestamp: expected a string or a number, got an object"]),
        ({"tags": "x"}, ["tags: expected an object or an array, got a string"]),
        ({"tags": [["a"], "b", [[1], 2]]}, ["tags: expected pairs of key and value"] * 3),
        ({"tags": {"a": [1]}}, ["tags.a: expected a primitive value, got an array"]),
        ({"fingerprint": ["a", {}]}, ["fingerprint: expected primitive values"]),
        ({"fingerprint": "a"}, ["fingerprint: expected an array, got a string"]),
        ({"user": [1]}, ["user: expected an object, got an array"]),
        (
            {"contexts": {"trace": {"trace_id": 5}}},
            ["contexts.trace.trace_id: expected a string, got a number"],
        ),
        (
            {"contexts": {"trace": {"trace_id": "xyz", "span_id": "0"}}},
            [
                "contexts.trace.trace_id: 'xyz' is not a trace id",
                "contexts.trace.span_id: '0' is not a span id",
            ],
        ),
        ({"exception": "boom"}, ["exception: expected an object or an array, got a string"]),
        (
            {"exception": {"values": [{"type": 5}, 7, {"mechanism": {"handled": "no"}}]}},
            [
                "exception.values[0].type: expected a string, got a number",
                "exception.values[1]: expected an object, got a number",
                "exception.values[2].mechanism.handled: expected a boolean, got a string",
            ],
        ),
    ],
)
def test_wrong_fields_do_not_lose_the_event(fields: dict[str, Any], errors: list[str]) -> None:
    """The field is dropped, the sentence says where, and everything else is still read."""
    found = event(**{"release": "r", "logger": "kept", **fields})
    assert list(found.errors) == errors
    assert (found.release, found.logger, found.level) == ("r", "kept", "error")


def test_wrong_field_keeps_its_siblings() -> None:
    """Around a wrong field, chain, stack trace, numbers and trace are kept."""
    found = event(
        environment=7,
        timestamp=5,
        exception=[{"type": "A", "stacktrace": {"frames": [{"function": "f"}]}}, None],
        contexts={"trace": {"trace_id": TRACE}},
        user={"id": 5},
        spans=[2**70],
        message={"message": "%s", "params": [2**70]},
    )
    assert found.message == str(2**70)
    assert (found.timestamp, found.trace_id, found.user) == (5.0, TRACE, {"id": 5})
    assert [frame.function for frame in found.exceptions[0].frames()] == ["f"]


def test_many_errors_are_bounded() -> None:
    """A thousand wrong entries give fifty sentences."""
    assert len(event(exception=[1] * 1000).errors) == 50


@pytest.mark.parametrize(
    ("frames", "functions"),
    [
        ([{"function": "f", "lineno": 3}, None, {"function": "g"}], ["f", "g"]),
        ([{"function": "f", "lineno": "three"}, 5], ["f"]),
        ("nonsense", []),
        (None, []),
    ],
)
def test_frames(frames: object, functions: list[str]) -> None:
    """Frames are read on request; wrong fields and entries do not lose the others."""
    found = event(exception=[{"type": "A", "stacktrace": {"frames": frames}}])
    assert [frame.function for frame in found.exceptions[0].frames()] == functions


def transaction(**fields: Any) -> bytes:
    base = {
        "type": "transaction",
        "start_timestamp": 1.0,
        "timestamp": 3.5,
        "contexts": {"trace": {"trace_id": TRACE, "span_id": SPAN, "op": "x"}},
    }
    return dump(**{**base, **fields})


def test_transaction() -> None:
    """The fields of a transaction, with times in either form."""
    found = view(
        "transaction",
        transaction(timestamp="1970-01-01T00:00:03.5Z", tags={"a": 1}, spans=[{"op": "db"}, 5]),
        {},
    )
    assert isinstance(found, TransactionView)
    assert (found.duration, found.trace_id, found.span_id, found.op, found.tags) == (
        2.5,
        TRACE,
        SPAN,
        "x",
        {"a": "1"},
    )
    assert (found.source, found.name, found.spans()) == (None, None, [{"op": "db"}])


@pytest.mark.parametrize("spans", [{}, None, "x"])
def test_transaction_without_spans(spans: object) -> None:
    """Spans that are no list are none."""
    found = view("transaction", transaction(spans=spans), {})
    assert isinstance(found, TransactionView)
    assert found.spans() == []


@pytest.mark.parametrize(
    ("fields", "causes"),
    [
        ({"start_timestamp": None}, ["start_timestamp is missing"]),
        ({"timestamp": None}, ["timestamp is missing"]),
        ({"timestamp": "x"}, ["timestamp is missing", "timestamp: 'x' is not a time"]),
        ({"timestamp": 0.5}, ["timestamp is before start_timestamp"]),
        (
            {"contexts": None},
            [
                "contexts.trace.trace_id is missing or not valid",
                "contexts.trace.span_id is missing or not valid",
            ],
        ),
        (
            {"contexts": {"trace": {"trace_id": TRACE, "span_id": "1"}}},
            [
                "contexts.trace.span_id is missing or not valid",
                "contexts.trace.span_id: '1' is not a span id",
            ],
        ),
    ],
)
def test_invalid_transactions(fields: dict[str, Any], causes: list[str]) -> None:
    """Without times or trace context a transaction is not one."""
    with pytest.raises(ProtocolError) as caught:
        view("transaction", transaction(**fields), {})
    assert caught.value.what == "the transaction is not valid"
    assert list(caught.value.causes) == causes


def test_sessions() -> None:
    """Aggregates with omitted counters, and one session's update."""
    found = view(
        "sessions",
        dump(
            attrs={"release": "r"},
            aggregates=[{"started": "t", "exited": 4, "crashed": 1, "errored": 1}, None],
        ),
        {},
    )
    assert found == SessionsView(
        release="r", environment=None, aggregates=(AggregateView("t", None, 4, 1, 1),), notes=()
    )
    assert isinstance(found, SessionsView)
    assert found.aggregates[0].total == 6
    session = view(
        "session", dump(sid="s", started="t", attrs={"release": "r"}, errors=-3, duration="long"), {}
    )
    assert isinstance(session, SessionView)
    assert (session.status, session.init, session.errors, session.duration) == ("ok", False, 0, None)
    assert session.notes == ("duration: expected a number, got a string",)


def test_client_report() -> None:
    """Good lines count, bad lines are named."""
    good = {"reason": "queue_overflow", "category": "error", "quantity": 3}
    payload = dump(
        timestamp="t",
        discarded_events=[
            good,
            None,
            {"reason": "x"},
            {**good, "quantity": -1},
            {**good, "quantity": "many"},
        ],
        rate_limited_events=[good],
    )
    found = view("client_report", payload, {})
    assert isinstance(found, ClientReportView)
    assert [(line.reason, line.category, line.quantity) for line in found.discarded] == [
        ("queue_overflow", "error", 3)
    ]
    assert len(found.rate_limited) == 1
    assert list(found.notes) == [
        "discarded_events[4].quantity: expected a whole number, got a string",
        "discarded_events[2]: reason, category and a quantity of at least 0 are needed",
        "discarded_events[3]: reason, category and a quantity of at least 0 are needed",
        "discarded_events[4]: reason, category and a quantity of at least 0 are needed",
    ]
    empty = view("client_report", dump(discarded_events=[None]), {})
    assert isinstance(empty, ClientReportView)
    assert (empty.discarded, empty.notes) == ((), ())


def test_check_in() -> None:
    """A check-in with its monitor's configuration."""
    payload = dump(
        check_in_id=ID, monitor_slug="nightly", status="ok", duration=3, monitor_config={"timezone": "UTC"}
    )
    found = view("check_in", payload, {})
    assert isinstance(found, CheckInView)
    assert (found.check_in_id, found.status, found.duration) == (ID, "ok", 3.0)
    assert found.monitor_config == {"timezone": "UTC"}


LOG = {"content_type": "application/vnd.sentry.items.log+json", "item_count": 2}
METRIC = {"content_type": "application/vnd.sentry.items.trace-metric+json", "item_count": 2}
SPANS = {"content_type": "application/vnd.sentry.items.span.v2+json", "item_count": 1}


def test_containers() -> None:
    """Entries of each container; those with odd fields are kept and noted."""
    logs = view("log", dump(version=2, items=[{"level": "info", "body": "a"}, {"level": "loud"}]), LOG)
    assert isinstance(logs, LogsView)
    assert [entry.body for entry in logs.entries] == ["a", None]
    assert logs.notes == ("items[1]: level must be one of trace, debug, info, warn, error, fatal",)
    metrics = view(
        "trace_metric", dump(items=[{"type": "counter", "name": "n", "value": 1}, {"type": "sum"}]), METRIC
    )
    assert isinstance(metrics, MetricsView)
    assert metrics.entries[0].value == 1.0
    assert metrics.notes == ("items[1]: name, value and a type of counter, gauge, distribution are needed",)
    spans = view("span", dump(items=[{"span_id": SPAN, "start_timestamp": 1, "end_timestamp": 2.5}]), SPANS)
    assert isinstance(spans, SpansView)
    assert spans.entries[0].end_timestamp == 2.5
    logs = view("log", dump(items=[{"level": "info", "body": 5}, 7]), LOG)
    assert isinstance(logs, LogsView)
    assert len(logs.entries) == 1
    assert logs.notes == (
        "items[0].body: expected a string, got a number",
        "items[1]: expected an object, got a number",
    )
    legacy = view("span", dump(span_id=SPAN), {})
    assert isinstance(legacy, SpansView)
    assert legacy.legacy == {"span_id": SPAN}


PROFILE = {
    "version": "1",
    "event_id": ID,
    "platform": "python",
    "transaction": {"id": ID, "name": "t", "trace_id": TRACE},
    "profile": {
        "samples": [
            {"stack_id": 0, "elapsed_since_start_ns": "1"},
            {"stack_id": 1, "elapsed_since_start_ns": "2"},
        ],
        "stacks": [[0], [0, 1]],
        "frames": [{"function": "f"}, {"function": "g"}],
    },
}
CHUNK = {**PROFILE, "version": "2", "profiler_id": "p", "chunk_id": "c"}


def test_profiles() -> None:
    """A profile and a chunk."""
    found = view("profile", dump(**PROFILE), {})
    assert isinstance(found, ProfileView)
    assert (found.profile_id, found.transaction_id, found.stacks) == (ID, ID, ((0,), (0, 1)))
    chunk = view("profile_chunk", dump(**CHUNK), {})
    assert isinstance(chunk, ProfileView)
    assert (chunk.profile_id, chunk.chunk_id) == ("p", "c")


def test_unknown_types_have_no_view() -> None:
    """A type without a view is kept raw: None, whatever the payload."""
    assert view("from_the_future", b"\xff not json") is None
    assert view("attachment", b"") is None


@pytest.mark.parametrize(
    ("item_type", "category"),
    [
        ("event", "error"),
        ("transaction", "transaction"),
        ("sessions", "session"),
        ("client_report", "internal"),
        ("check_in", "monitor"),
        ("log", "log_item"),
        ("replay_recording", "replay"),
        ("statsd", "metric_bucket"),
        ("raw_security", "security"),
        ("from_the_future", "unknown"),
    ],
)
def test_categories(item_type: str, category: str) -> None:
    """The data category of each type, ``unknown`` for new ones."""
    assert category_of(item_type) == category


def test_text_that_is_not_ascii() -> None:
    """UTF-8 in the payload, in fields that are read and in others."""
    found = view("event", '{"message":"é","extra":"\N{SNAKE}"}'.encode())
    assert isinstance(found, EventView)
    assert (found.message, found.errors) == ("é", ())


def test_which_items_need_an_event_id() -> None:
    """Events and what belongs to them."""
    assert creates_event("event")
    assert creates_event("attachment")
    assert not creates_event("log")
