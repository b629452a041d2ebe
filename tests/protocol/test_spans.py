"""Transactions and spans as monitoring tells them: static, streamed, alone, hostile, and from a real SDK."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Literal

import pytest
import sentry_sdk
from hypothesis import given
from hypothesis import strategies as st
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol import spans as protocol
from pytest_sentry_harness.protocol.spans import SpanTold, TransactionTold, spans_told, told, transaction_told

TRACE, ROOT, CHILD = "a1" * 16, "b2" * 8, "c3" * 8


def transaction(**more: Any) -> bytes:
    payload = {
        "event_id": "D" * 32,
        "transaction": "/orders",
        "start_timestamp": "2026-01-01T00:00:00.250000Z",
        "timestamp": 1767225601.5,
        "contexts": {
            "trace": {
                "trace_id": TRACE.upper(),
                "span_id": ROOT,
                "op": "http.server",
                "status": "ok",
                "data": {"thread.id": "7"},
            },
            "profile": {"profile_id": "e" * 32, "profiler_id": "f" * 32},
        },
        "spans": [
            {
                "span_id": CHILD,
                "parent_span_id": ROOT,
                "op": "db",
                "description": "SELECT 1",
                "start_timestamp": "2026-01-01T00:00:00.500000+00:00",
                "timestamp": "2026-01-01T00:00:01+00:00",
                "status": "ok",
                "origin": "auto.db",
                "data": {"db.system": "sqlite", "profiler_id": "f" * 32},
            }
        ],
    }
    return json.dumps(payload | more).encode()


def v2(span_id: str, **more: Any) -> dict[str, Any]:
    span: dict[str, Any] = {
        "trace_id": TRACE,
        "span_id": span_id,
        "name": "SELECT 1",
        "status": "ok",
        "is_segment": False,
        "start_timestamp": 100.0,
        "end_timestamp": 100.5,
        "attributes": {
            "sentry.op": {"value": "db", "type": "string"},
            "sentry.segment.id": {"value": ROOT, "type": "string"},
            "sentry.segment.name": {"value": "/orders", "type": "string"},
        },
    }
    return span | more


def container(*spans: object) -> bytes:
    return json.dumps({"version": 2, "items": spans}).encode()


def test_a_transaction_with_its_spans() -> None:
    """Every field a timing needs, ISO texts and epoch numbers alike."""
    found = transaction_told(transaction())
    assert (found.mode, found.event_id, found.trace_id, found.span_id) == ("static", "d" * 32, TRACE, ROOT)
    assert (found.name, found.op, found.status, found.data) == (
        "/orders",
        "http.server",
        "ok",
        {"thread.id": "7"},
    )
    assert found.duration == pytest.approx(1.25)
    assert (found.profile_id, found.profiler_id, found.whole, found.notes) == ("e" * 32, "f" * 32, True, ())
    (span,) = found.spans
    assert span == SpanTold(
        trace_id=TRACE,
        span_id=CHILD,
        parent_span_id=ROOT,
        segment_id=ROOT,
        op="db",
        description="SELECT 1",
        start=1767225600.5,
        end=1767225601.0,
        status="ok",
        origin="auto.db",
        data={"db.system": "sqlite", "profiler_id": "f" * 32},
    )
    assert (span.duration, span.profiler_id) == (0.5, "f" * 32)


def test_what_is_wrong_with_a_span_leaves_the_others() -> None:
    """A span without an end is left out and noted; one that ends before it starts stays as it was told."""
    spans = [
        {"span_id": CHILD, "start_timestamp": 1},
        None,
        "no span",
        {"span_id": CHILD, "start_timestamp": 5, "timestamp": 3, "data": {"profiler_id": 4}},
    ]
    found = transaction_told(
        transaction(spans=spans, contexts={"trace": {"trace_id": TRACE, "span_id": ROOT}})
    )
    (span,) = found.spans
    assert (span.duration, span.profiler_id, found.profile_id) == (-2.0, None, None)
    assert "spans[0]: ids, start and end are needed" in found.notes


@pytest.mark.parametrize(
    "payload,cause",
    [
        (b"{", "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (transaction(contexts=None), "contexts.trace.trace_id is missing or not valid"),
        (transaction(timestamp="later"), "timestamp is missing or not valid"),
        (transaction(start_timestamp=1e300), "start_timestamp is missing or not valid"),
    ],
)
def test_a_transaction_that_cannot_be_timed(payload: bytes, cause: str) -> None:
    """Ids and times are needed; what is missing is named."""
    with pytest.raises(ProtocolError) as error:
        transaction_told(payload)
    assert cause in "; ".join([error.value.what, *error.value.causes])


def test_a_container_of_streamed_spans() -> None:
    """Attributes lose their types; entries that cannot be timed are noted."""
    spans, notes = spans_told(container(v2(CHILD), None, v2("zz"), v2(ROOT, is_segment=True)))
    assert [span.span_id for span in spans] == [CHILD, ROOT]
    assert (spans[0].op, spans[0].description, spans[0].segment_id) == ("db", "SELECT 1", ROOT)
    assert spans[0].data["sentry.segment.name"] == "/orders"
    assert notes == ("items[2]: ids, start and end are needed",)


def test_a_span_by_itself() -> None:
    """A legacy item is one span, with the names of a transaction's spans."""
    alone = {"trace_id": TRACE, "span_id": CHILD, "description": "GET", "start_timestamp": 1, "timestamp": 2}
    (span,), notes = spans_told(json.dumps(alone).encode())
    assert (span.duration, span.description, notes) == (1.0, "GET", ())
    with pytest.raises(ProtocolError, match="the span cannot be timed"):
        spans_told(b"{}")


def test_too_many_spans_are_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hostile sender packs into one item does not grow without bound."""
    monkeypatch.setattr(protocol, "MOST_SPANS", 2)
    spans, notes = spans_told(container(*[v2(CHILD)] * 3))
    assert len(spans) == 2
    assert notes == ("items: 3 entries, of which the first 2 are read",)


def test_both_ways_come_in_one_shape() -> None:
    """Streamed segments are put together over items; what cannot be read is noted and left out."""
    notes: list[str] = []
    other = "d4" * 8
    items = [
        ("span", container(v2(CHILD))),
        ("transaction", transaction()),
        ("event", b"{}"),
        ("transaction", b"{}"),
        ("span", container(v2(ROOT, is_segment=True, name="/orders", end_timestamp=102.0))),
        ("span", container(v2(other, end_timestamp=109, attributes={"sentry.segment.id": other, "x": 1}))),
        ("span", container(v2("e5" * 8, attributes=None))),
    ]
    static, whole, broken, loose = told(items, notes)
    assert (static.mode, static.name) == ("static", "/orders")
    assert (whole.mode, whole.span_id, whole.name, whole.duration, whole.whole) == (
        "stream",
        ROOT,
        "/orders",
        2.0,
        True,
    )
    assert [span.span_id for span in whole.spans] == [CHILD]
    assert (broken.whole, broken.span_id, broken.name, broken.end) == (False, other, "", 109.0)
    assert broken.notes == ("the first span of the segment never came",)
    assert (loose.whole, loose.span_id) == (False, "")
    assert len(notes) == 1
    assert notes[0].startswith("the transaction cannot be timed; start_timestamp is missing")
    assert [each.mode for each in told(items)] == ["static", "stream", "stream", "stream"]


def test_streamed_spans_without_attributes() -> None:
    """Names and times are the same; of a segment without its first span, too."""
    named = {"sentry.segment.id": {"value": "d4" * 8}, "sentry.segment.name": {"value": "/late"}, "x": 1}
    items = [
        ("span", container(v2(CHILD), v2(ROOT, is_segment=True, name="/orders", end_timestamp=102.0))),
        ("span", container(v2("e5" * 8, attributes=named))),
    ]
    full, lean = list(told(items)), list(told(items, attributes=False))
    for these in (full, lean):
        assert [(each.name, each.start, each.end) for each in these] == [
            ("/orders", full[0].start, 102.0),
            ("/late", full[1].start, full[1].end),
        ]
    told_of = [
        [(each.op, each.description, each.start, each.end) for each in these[0].spans]
        for these in (full, lean)
    ]
    assert told_of[0] == told_of[1]
    assert [each.data for each in lean[0].spans] == [{"sentry.segment.name": "/orders"}]


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    ["spans", "items", "contexts", "trace_id", "span_id", "start_timestamp", "timestamp", "end_timestamp"]
    + ["attributes", "data", "op", "name", "status", "is_segment", "transaction", "event_id"]
)


@given(st.dictionaries(_FIELDS, _JSON), st.binary(max_size=40))
def test_hostile_payloads(changes: dict[str, Any], noise: bytes) -> None:
    """Nothing but ``ProtocolError`` comes out, whatever goes in."""
    span = v2(CHILD) | changes
    for payload in (
        transaction(**changes),
        container(span, changes),
        json.dumps(span).encode(),
        noise,
        b"[" * 5000,
    ):
        for read in (transaction_told, spans_told):
            with contextlib.suppress(ProtocolError):
                read(payload)
    list(told([("span", container(span)), ("span", noise)]))


class _Kept(Transport):
    """Keeps envelopes instead of sending them."""

    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[Envelope] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.envelopes.append(envelope)


@pytest.mark.parametrize("mode", ["static", "stream"])
def test_what_the_sdk_really_sends(mode: Literal["static", "stream"]) -> None:
    """One span in one transaction, made by the installed SDK in either mode, is read the same."""
    kept = _Kept()
    client = sentry_sdk.Client(
        dsn="http://k@127.0.0.1:1/1",
        transport=kept,
        traces_sample_rate=1.0,
        trace_lifecycle=mode,
        default_integrations=False,
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        if mode == "static":
            with (
                sentry_sdk.start_transaction(op="task", name="job"),
                sentry_sdk.start_span(op="function", name="work"),
            ):
                pass
        else:
            with (
                sentry_sdk.traces.start_span(name="job", attributes={"sentry.op": "task"}),
                sentry_sdk.traces.start_span(name="work", attributes={"sentry.op": "function"}),
            ):
                pass
        client.flush()
        client.close()
    items = [(item.type or "", item.get_bytes()) for each in kept.envelopes for item in each.items]
    notes: list[str] = []
    (found,) = told(items, notes)
    assert isinstance(found, TransactionTold)
    assert (found.mode, found.op, found.name, notes, found.notes) == (mode, "task", "job", [], ())
    (span,) = found.spans
    assert (span.op, span.description, span.segment_id, span.trace_id) == (
        "function",
        "work",
        found.span_id,
        found.trace_id,
    )
    assert 0 <= span.duration <= found.duration
