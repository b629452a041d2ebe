"""Rows of which only some fields are kept answer as the whole rows do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pytest_sentry_harness.model.monitored import Event
from pytest_sentry_harness.monitor.fields import (
    Joined,
    KeptRows,
    Row,
    fields_of_event,
    fields_of_transaction,
    span_rows,
)
from pytest_sentry_harness.protocol.spans import transaction_told

PAYLOADS: list[dict[str, Any]] = [
    {"timestamp": 10.0, "level": "error", "tags": {"server": "a"}, "user": {"id": 1}},
    {"timestamp": 20.0, "level": "fatal", "release": "shop@1", "user": {"id": True}},
    {"timestamp": 30.0, "tags": {"server": "a", "size": "1"}},
]


class Source:
    """Gives the rows anew each time, and counts how often."""

    passes = 0

    def __call__(self) -> Iterator[Row]:
        self.passes += 1
        for number, data in enumerate(PAYLOADS):
            yield fields_of_event(
                Event(cursor=number, received_at=100.0 + number, project="7", event_id="", data=data)
            )


def test_they_answer_as_the_rows_themselves() -> None:
    """Fields and tags, foreseen or not; each field that was not foreseen takes one more pass."""
    source = Source()
    kept = KeptRows("event", source, ["level", "level", "tags[server]"])
    assert (len(kept), source.passes) == (3, 1)
    whole = list(Source()())
    for name in ("level", "tags[server]", "release", "user.id", "timestamp", "project", "nothing"):
        assert [row(name) for row in kept] == [row(name) for row in whole]
        assert [list(map(type, row(name))) for row in kept] == [list(map(type, row(name))) for row in whole]
    assert source.passes == 6
    assert [(row.at, row.received_at, row.project, row.kind) for row in kept] == [
        (row.at, row.received_at, row.project, row.kind) for row in whole
    ]
    assert [row.type("level") for row in kept[-2:]] == ["text", "text"]
    assert kept[0]("tags[server]") is kept[2]("tags[server]")


def test_names_are_those_that_occur() -> None:
    """In any of the newest rows; asked for once."""
    source = Source()
    kept = KeptRows("event", source, [])
    names = kept[0].names()
    assert names == kept[1].names() == kept.names()
    assert {"release", "level", "user.id", "server", "size"} <= set(names)
    assert source.passes == 2


def test_units_are_those_that_were_sent() -> None:
    """Row by row: one field may come in several."""

    def read() -> Iterator[Row]:
        for unit in ("second", "byte"):
            data = {"timestamp": 2.0, "measurements": {"report": {"value": 3, "unit": unit}}}
            yield fields_of_transaction(data, received_at=3.0)

    kept = KeptRows("transaction", read, ["measurements.report"])
    assert [(row("measurements.report"), row.unit("measurements.report")) for row in kept] == [
        ((3000.0,), "millisecond"),
        ((3,), "byte"),
    ]


def test_rows_of_several_kinds_one_after_the_other() -> None:
    """Counted, looked at by number and by slice, and gone through more than once."""
    kept, others = KeptRows("event", Source(), []), list(Source()())[:1]
    joined = Joined([kept, (), others])
    assert len(joined) == len(list(joined)) == len(list(joined)) == 4
    assert [row.at for row in joined] == [10.0, 20.0, 30.0, 10.0]
    assert (joined[2].at, joined[-1].at) == (30.0, 10.0)
    assert [row.at for row in joined[-2:]] == [30.0, 10.0]
    with pytest.raises(IndexError):
        joined[4]


def test_an_event_can_know_its_issue() -> None:
    """Only when it is told; the payload does not say."""
    event = Event(cursor=1, received_at=1.0, project="1", event_id="", data=PAYLOADS[0])
    assert (fields_of_event(event, 3)("issue"), fields_of_event(event)("issue")) == ((3,), ())


def test_spans_have_environment_release_and_user_of_their_transaction() -> None:
    """Unless they say so themselves, as streamed spans do."""
    payload = (
        b'{"transaction": "/", "environment": "staging", "release": "shop@1", "user": {"id": "7"}, "start_timestamp": 1,'
        b'"timestamp": 3, "contexts": {"trace": {"trace_id": "0123456789abcdef0123456789abcdef", "span_id": '
        b'"0123456789abcdef"}}, "spans": [{"span_id": "1123456789abcdef", "start_timestamp": 1, "timestamp": 2, "data": '
        b'{"sentry.environment": "live"}}]}'
    )
    told = transaction_told(payload)
    event = {"environment": "staging", "release": "shop@1", "user": {"id": "7"}}
    rows = list(span_rows(told, event))
    assert [row("environment") for row in rows] == [("staging",), ("live",)]
    assert {(row("release"), row("user")) for row in rows} == {(("shop@1",), ("id:7",))}
    assert [row("release") for row in span_rows(told)] == [(), ()]
