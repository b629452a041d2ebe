"""Sentry's field names over events, transactions, spans and sessions."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_sentry_harness.monitor.fields import (
    KINDS,
    Row,
    field_type,
    fields_of_session,
    first_text,
    is_number,
    known_fields,
    number_of,
    pseudo_field,
    session_rows,
    span_rows,
    tag_name,
    text_of,
)
from pytest_sentry_harness.protocol.spans import SpanTold, TransactionTold

from .rows import T0, error, raised, transaction

FULL = error(
    event_id="e",
    timestamp="2023-11-14T22:13:20Z",
    platform="python",
    release="shop@1.2.0+7",
    dist="d",
    environment="prod",
    transaction="/orders",
    server_name="host",
    logger="shop",
    level="fatal",
    tags=[["server", "web-8"], ["n", 5]],
    user={"id": 7, "email": "a@b", "username": "jane", "ip_address": "1.2.3.4", "geo": {"city": "Wien"}},
    request={"method": "GET", "url": "http://x/a?b=1", "headers": [["Referer", "http://y"], ["X", "z"], "odd"]},
    sdk={"name": "sentry.python", "version": "2"},
    contexts={
        "trace": {"trace_id": "t", "span_id": "s", "data": {"http.response.status_code": 500}},
        "runtime": {"name": "CPython", "version": "3.11"},
        "os": {"name": "Linux"},
        "device": {"model": "M", "family": "F"},
    },
    exception={
        "values": [
            {"type": "KeyError", "value": "'a'", "mechanism": {"type": "chained", "handled": True}},
            {
                "type": "ValueError",
                "value": "boom\nsecond line",
                "mechanism": {"type": "starlette", "handled": False},
                "stacktrace": {
                    "frames": [
                        {"module": "shop.orders", "function": "save", "filename": "orders.py", "lineno": 3, "in_app": True},
                        {"module": "lib.db", "function": "run", "filename": "db.py", "abs_path": "/db.py", "lineno": 9},
                    ]
                },
            },
        ]
    },
)  # fmt: skip


@pytest.mark.parametrize(
    "name, values",
    [
        ("id", ("e",)),
        ("timestamp", (T0,)),
        ("event.timestamp", (T0,)),
        ("project", ("1",)),
        ("release", ("shop@1.2.0+7",)),
        ("release.version", ("1.2.0",)),
        ("release.package", ("shop",)),
        ("release.build", ("7",)),
        ("environment", ("prod",)),
        ("level", ("fatal",)),
        ("event.type", ("error",)),
        ("message", ("ValueError: boom",)),
        ("title", ("ValueError: boom",)),
        ("culprit", ("/orders",)),
        ("location", ("orders.py",)),
        ("user", ("id:7",)),
        ("user.display", ("a@b",)),
        ("user.ip", ("1.2.3.4",)),
        ("geo.city", ("Wien",)),
        ("http.url", ("http://x/a",)),
        ("http.referer", ("http://y",)),
        ("http.status_code", ("500",)),
        ("trace", ("t",)),
        ("runtime", ("CPython 3.11",)),
        ("os", ("Linux",)),
        ("os.version", ()),
        ("device.family", ("F",)),
        ("error.type", ("KeyError", "ValueError")),
        ("error.value", ("'a'", "boom\nsecond line")),
        ("error.mechanism", ("chained", "starlette")),
        ("error.handled", (False,)),
        ("error.unhandled", (True,)),
        ("handled", ("no",)),
        ("mechanism", ("starlette",)),
        ("stack.module", ("shop.orders", "lib.db")),
        ("stack.abs_path", ("/db.py",)),
        ("stack.lineno", (3, 9)),
        ("stack.in_app", (True,)),
        ("server", ("web-8",)),
        ("tags[n]", ("5",)),
        ('tags["server"]', ("web-8",)),
        ("server_name", ("host",)),
        ("nothing", ()),
        ("measurements.x", ()),
        ("spans.db", ()),
    ],
)
def test_event(name: str, values: tuple[object, ...]) -> None:
    """Each field of an event that has everything."""
    assert FULL(name) == values


@pytest.mark.parametrize(
    "data, name, values",
    [
        ({}, "environment", ("production",)),
        ({}, "level", ("error",)),
        ({}, "event.type", ("default",)),
        ({}, "title", ("<unlabeled event>",)),
        ({}, "error.handled", (True,)),
        ({}, "handled", ()),
        ({}, "mechanism", ()),
        ({}, "culprit", ()),
        ({}, "location", ()),
        ({}, "user", ()),
        ({}, "timestamp", (T0,)),
        ({"timestamp": float("nan")}, "timestamp", (T0,)),
        ({"message": "a\nb"}, "title", ("a",)),
        ({"logentry": {"message": "x %s", "params": ["y"]}}, "message", ("x y",)),
        ({"logentry": {"formatted": "done", "message": "x"}}, "message", ("done",)),
        ({"logentry": {}}, "message", ("<unlabeled event>",)),
        ({"message": {"message": "old"}}, "message", ("old",)),
        ({"exception": [{"type": "A"}]}, "error.type", ("A",)),
        ({"exception": {"type": "A", "value": 5}}, "title", ("A: 5",)),
        ({"exception": {"values": None}}, "error.type", ()),
        ({"exception": raised("A", mechanism={"handled": 0})}, "error.unhandled", (True,)),
        ({"exception": raised("A", stacktrace={"frames": [{"module": "m"}]})}, "culprit", ("m",)),
        ({"user": {"email": "a@b"}}, "user", ("email:a@b",)),
        ({"user": {"ip_address": "::1"}}, "user", ("ip:::1",)),
        ({"request": {"headers": {"Referer": "r"}}}, "http.referer", ("r",)),
        ({"request": {"headers": 5}}, "http.referer", ()),
        ({"contexts": {"response": {"status_code": 404}}}, "http.status_code", ("404",)),
        ({"tags": {"http.status_code": "503"}}, "http.status_code", ("503",)),
        ({"type": "csp"}, "event.type", ("csp",)),
        ({"tags": 5}, "x", ()),
        ({"release": "abc"}, "release.package", ()),
    ],
)
def test_sparse_event(data: dict[str, Any], name: str, values: tuple[object, ...]) -> None:
    """What is missing or odd, and what stands in for it."""
    assert error(**data)(name) == values


def test_transaction() -> None:
    """Fields of transactions, durations in milliseconds."""
    row = transaction(
        250.5,
        transaction="/orders",
        transaction_info={"source": "route"},
        measurements={
            "lcp": {"value": 1.5, "unit": "second"},
            "size": {"value": 3, "unit": "byte"},
            "odd": 5,
        },
    )
    assert row("transaction.duration") == (250.5,)
    assert row("transaction.status") == ("ok",)
    assert row("transaction.op") == ("http.server",)
    assert row("transaction.source") == ("route",)
    assert row("message") == row("title") == ("/orders",)
    assert row("level") == ("info",)
    assert row("measurements.lcp") == (1500.0,)
    assert row("measurements.odd") == ()
    assert (row.unit("measurements.lcp"), row.unit("measurements.size")) == ("millisecond", "byte")
    assert (row.unit("transaction.duration"), row.unit("transaction")) == ("millisecond", "")
    assert {"transaction.duration", "measurements.lcp"} <= set(row.names())
    assert transaction(-5)("transaction.duration") == ()
    assert transaction(status=None)("transaction.status") == ("unknown",)  # type: ignore[arg-type]


def test_spans() -> None:
    """The transaction's own span is a row like those below it."""
    inner = SpanTold(
        trace_id="t", span_id="b", op="db", description="select", start=1.0, end=1.25, status="ok",
        data={"sentry.exclusive_time": 200.0, "db.system": "sqlite", "list": [1]},
    )  # fmt: skip
    told = TransactionTold(
        mode="static", event_id=None, trace_id="t", span_id="a", name="/orders", op="http.server", start=0.5,
        end=2.0, spans=(inner,), data={"sentry.release": "shop@1", "user.id": 5},
    )  # fmt: skip
    own, below = span_rows(told, project="1", received_at=9.0)
    assert own("is_transaction") == (True,)
    assert own("span.duration") == own("transaction.duration") == (1500.0,)
    assert own("release") == ("shop@1",)
    assert own("user") == ("5",)
    assert below("transaction") == ("/orders",)
    assert below("transaction.duration") == ()
    assert below("span.self_time") == (200.0,)
    assert below("db.system") == ("sqlite",)
    assert below("list") == ()
    assert below("span.name") == below("span.description") == ("select",)
    assert (below.at, below.received_at) == (1.25, 9.0)
    assert (below("environment"), below("trace"), below("id")) == ((), ("t",), ("b",))


def session(status: str, **more: Any) -> dict[str, Any]:
    return {
        "sid": "s1",
        "started": "2023-11-14T22:00:00Z",
        "status": status,
        "attrs": {"release": "shop@1"},
    } | more


def test_sessions() -> None:
    """Aggregates and single sessions become rows of one status each; updates of one session are one."""
    items = [
        ({"attrs": {"release": "shop@1+5", "environment": "prod"},
          "aggregates": [{"started": "2023-11-14T22:00:00Z", "exited": 3, "crashed": 1, "errored": "x"}, 5]}, T0),
        (session("ok", init=True), T0),
        (session("exited", errors=1), T0 + 1),
        (session("crashed", sid="s2", did="u"), T0),
        (session("exited", sid="s2"), T0 + 9),
        (session("exited", sid=None), T0),
        ({"sid": "s3", "status": "ok"}, T0),
        ("odd", T0),
    ]  # fmt: skip
    rows = list(session_rows(items))
    assert [(row("session.status")[0], row("sessions")[0], row("release.version")[0]) for row in rows] == [
        ("healthy", 3, "1"),
        ("crashed", 1, "1"),
        ("errored", 1, "1"),
        ("crashed", 1, "1"),
    ]
    assert rows[0]("environment") == ("prod",)
    assert rows[0]("release.build") == ("5",)
    assert rows[2]("environment") == ("production",)
    assert rows[3]("user") == ("u",)
    assert rows[2].received_at == T0 + 1


def test_one_session() -> None:
    """A session's duration is in milliseconds like every other."""
    row = fields_of_session(session("exited", duration=1.5))
    assert row("session.duration") == (1500.0,)
    assert row("session.status") == ("healthy",)
    assert row.at == T0 - 800
    assert fields_of_session(None, received_at=5.0).at == 5.0


def test_types() -> None:
    """Known fields have types; other names are tags, hence text, or attributes."""
    assert field_type("transaction.duration") == "duration"
    assert field_type("transaction.duration", "event") is None
    assert field_type("measurements.lcp") == "duration"
    assert field_type("measurements.mine", "transaction") == "number"
    assert field_type("measurements.", "transaction") is None
    assert field_type("measurements.mine", "event") is None
    assert field_type("spans.db") == "duration"
    assert field_type("tags[a]") == "text"
    assert field_type("tags[a,number]") == "number"
    assert field_type("server") is None
    assert tag_name("tags[a b]") == "a b"
    assert tag_name("server") is None
    assert pseudo_field("has")
    assert not pseudo_field("level")
    assert all("release" in known_fields(kind) for kind in KINDS)


def test_reading() -> None:
    """What is text, what is a number, and what is neither."""
    assert [text_of(value) for value in ("a", True, 5, 1.0, float("inf"), None, [], {})] == [
        "a", "true", "5", "1", None, None, None, None,
    ]  # fmt: skip
    assert [number_of(value) for value in (1, 1.5, True, "1", None, float("nan"), 10**400)] == [
        1.0, 1.5, None, None, None, None, None,
    ]  # fmt: skip
    assert is_number(0)
    assert first_text([None, [], 5]) == "5"
    assert first_text([]) is None


def test_a_field_is_read_once() -> None:
    """Reading is lazy and remembered: rules ask the same few fields again and again."""
    calls = []
    row = Row("event", {}, {"x": lambda source: calls.append(1) or (1,)}, {}, at=0.0, received_at=0.0)
    assert row("x") == row("x") == (1,)
    assert len(calls) == 1
    assert row("project") == ()
