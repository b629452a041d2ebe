"""No input makes the protocol raise anything but ``ProtocolError``, nor use memory without bound."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol.envelope import parse_envelope, split_envelope, to_json, write_envelope
from pytest_sentry_harness.protocol.items import EventView, TransactionView, view
from pytest_sentry_harness.protocol.minidump import parse_minidump
from pytest_sentry_harness.protocol.security import parse_nel, parse_security
from pytest_sentry_harness.protocol.store_endpoint import store_envelope, store_payload, store_query

from .outcome import refusal
from .real_sdk import record
from .test_envelope import JSON

ID = "ab" * 16
CONTAINERS = {
    "log": "application/vnd.sentry.items.log+json",
    "trace_metric": "application/vnd.sentry.items.trace-metric+json",
    "span": "application/vnd.sentry.items.span.v2+json",
}
TYPES = [
    "event", "feedback", "transaction", "session", "sessions", "client_report",
    "check_in", "log", "trace_metric", "span", "profile", "profile_chunk",
]  # fmt: skip
SEEDS = [
    b'{"event_id":"' + ID.encode() + b'"}\n{"type":"event","length":13}\n{"level":"a"}\n',
    b'{}\n{"type":"log","item_count":1,"length":14}\n{"items":[{}]}\n{"type":"x"}\n\n',
    *record(deep=False),
]


def look_at(view_: object) -> None:
    """Everything of a view that is decoded late."""
    if isinstance(view_, EventView):
        for exception in view_.exceptions:
            assert isinstance(exception.text, str)
            exception.frames()
    if isinstance(view_, TransactionView):
        view_.spans()


def read_all(data: bytes) -> None:
    """Everything that is done with the body of an envelope request; ``ProtocolError`` is an answer."""
    split_refusal = refusal(lambda: split_envelope(data))
    parse_refusal = refusal(lambda: parse_envelope(data))
    if parse_refusal is not None:
        return
    assert split_refusal is None
    envelope = parse_envelope(data)
    assert parse_envelope(write_envelope(envelope)) == envelope
    for item in envelope.items:
        refusal(lambda item=item: look_at(view(item.type, item.payload, item.headers)))  # type: ignore[misc]


@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    """Random bytes, everywhere a body is read."""
    read_all(data)
    read_all(b"{}\n" + data)
    read_all(b'{}\n{"type":"event"}\n' + data)
    calls: list[Callable[[], object]] = [
        lambda: store_envelope(store_payload(data), ID),
        lambda: store_query("sentry_data=" + data.decode("latin-1")),
        lambda: parse_security(data, "application/json", data.decode("latin-1")),
        lambda: parse_nel(data, "application/json"),
        lambda: parse_minidump(data, "application/x-dmp"),
        lambda: parse_minidump(data, data.decode("latin-1")),
        lambda: parse_minidump(b"--X" + data, "multipart/form-data; boundary=X"),
        lambda: parse_minidump(
            b"--X\r\nContent-Disposition: form-data; " + data + b"\r\n\r\nMDMP\r\n--X--",
            "multipart/form-data; boundary=X",
        ),
        lambda: parse_minidump(data, "multipart/form-data;" + data.decode("latin-1")),
    ]
    for call in calls:
        refusal(call)


@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(
        st.tuples(
            st.floats(0, 1),
            st.integers(0, 30),
            st.binary(max_size=12) | st.sampled_from([b"\n", b'"', b"{", b"}"]),
        ),
        max_size=6,
    ),
    cut=st.floats(0, 1),
)
def test_mutated_envelopes(seed: bytes, edits: list[tuple[float, int, bytes]], cut: float) -> None:
    """Valid envelopes with pieces replaced, removed, put in, and cut off."""
    data = seed
    for place, length, piece in edits:
        start = int(place * len(data))
        data = data[:start] + piece + data[start + length :]
    read_all(data)
    read_all(data[: int(cut * len(data))])


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_every_truncation(number: int) -> None:
    """Cut anywhere, an envelope is read or refused, never misread into a longer one."""
    seed = SEEDS[number]
    for length in range(min(len(seed), 600)):
        read_all(seed[:length])


DOCUMENT_KEYS = st.sampled_from(
    [
        "event_id",
        "timestamp",
        "start_timestamp",
        "level",
        "exception",
        "values",
        "type",
        "value",
        "mechanism",
        "stacktrace",
        "frames",
        "contexts",
        "trace",
        "trace_id",
        "span_id",
        "tags",
        "user",
        "fingerprint",
        "message",
        "logentry",
        "formatted",
        "params",
        "sdk",
        "transaction_info",
        "spans",
        "aggregates",
        "attrs",
        "release",
        "started",
        "exited",
        "discarded_events",
        "reason",
        "category",
        "quantity",
        "items",
        "version",
        "profile",
        "samples",
        "stack_id",
        "stacks",
        "profiler_id",
        "chunk_id",
        "check_in_id",
        "monitor_slug",
        "status",
        "transaction",
        "id",
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
DOCUMENTS = st.dictionaries(
    DOCUMENT_KEYS,
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(DOCUMENT_KEYS, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=8,
)


@given(document=DOCUMENTS, item_type=st.sampled_from(TYPES), count=st.integers(0, 3))
def test_any_document_as_any_item(document: dict[str, Any], item_type: str, count: int) -> None:
    """Known keys with values of every type: a view with notes, or a refusal with a sentence."""
    headers = {"content_type": CONTAINERS.get(item_type), "item_count": count}
    payload = json.dumps(document).encode()
    error = refusal(lambda: look_at(view(item_type, payload, headers)))
    assert error is None or error.what
    if item_type == "event":
        assert error is None, "no field loses an event"


@given(value=JSON, item_type=st.sampled_from(TYPES))
def test_any_json_as_any_item(value: object, item_type: str) -> None:
    """JSON of any shape."""
    refusal(lambda: look_at(view(item_type, json.dumps(value).encode(), {})))


BOMBS = [
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"exception":{"values":' + b"[" * 100_000,
    b'{"exception":[{"stacktrace":{"frames":' + b"[" * 100_000,
    b'{"user":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    b'{"level":5,"user":' + b'{"a":' * 500 + b"1" + b"}" * 501,
    b'{"n":' + b"9" * 100_000 + b"}",
    b'{"items":' + b"[" * 100_000,
]


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb[:24].decode())
@pytest.mark.parametrize("item_type", TYPES)
def test_nested_json(bomb: bytes, item_type: str) -> None:
    """Nesting beyond the stack is a refusal, in items, headers, store bodies and reports."""
    refusal(
        lambda: look_at(view(item_type, bomb, {"content_type": CONTAINERS.get(item_type), "item_count": 1}))
    )
    read_all(bomb)
    read_all(b"{}\n" + bomb)
    refusal(lambda: store_envelope(store_payload(bomb), ID))
    refusal(lambda: parse_security(bomb, "application/json"))


def test_writing_nested_json() -> None:
    """Nesting beyond the stack is a refusal on the way out as well."""
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    error = refusal(lambda: to_json(nested))
    assert error is not None
    assert error.what == "the JSON is nested too deeply"


def test_many_items_are_bounded() -> None:
    """A million tiny items are refused before they are built."""
    data = b"{}" + b'\n{"type":"x"}\n' * 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="the envelope has more than 10000 items"):
            parse_envelope(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


def test_messages_are_bounded() -> None:
    """A refusal quotes at most a short piece of what it refuses."""
    long = b"x" * 1_000_000
    for data in (
        b'{"event_id":"' + long[:200_000] + b'"}',
        b'{}\n{"type":"' + long[:200_000] + b'","length":9}\n',
        long,
    ):
        error = refusal(lambda data=data: parse_envelope(data))  # type: ignore[misc]
        assert error is not None
        assert len(str(error)) < 400
