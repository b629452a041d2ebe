"""Envelopes: framing, headers, limits, and writing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol.envelope import (
    DEFAULT_LIMITS,
    Envelope,
    Item,
    normalise_event_id,
    parse_envelope,
    split_envelope,
    write_envelope,
)

from .real_sdk import deep

ID = "9ec79c33ec9942ab8353589fcb2e04dc"
HEAD = b'{"event_id":"%s"}' % ID.encode()


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (b"{}", []),
        (b"{}\n", []),
        (b'{}\n{"type":"a"}', [("a", b"")]),
        (b'{}\n{"type":"a"}\n', [("a", b"")]),
        (b'{}\n{"type":"a"}\n\n', [("a", b"")]),
        (b'{}\n{"type":"a","length":0}\n', [("a", b"")]),
        (b'{}\n{"type":"a","length":0}\n\n', [("a", b"")]),
        (b'{}\n{"type":"a","length":0}', [("a", b"")]),
        (b'{}\n{"type":"a"}\nbody', [("a", b"body")]),
        (b'{}\n{"type":"a"}\nbody\n', [("a", b"body")]),
        (b'{}\n{"type":"a","length":6}\nab\ncd\n\n', [("a", b"ab\ncd\n")]),
        (b'{}\n{"type":"a","length":6}\nab\ncd\n', [("a", b"ab\ncd\n")]),
        (b'{}\n{"type":"a","length":null}\nbody\n', [("a", b"body")]),
        (b'{}\r\n{"type":"a"}\r\nbody\r\n', [("a", b"body\r")]),
        (b'{}\n{"type":"a","length":2}\n\r\n\n{"type":"b"}\nx', [("a", b"\r\n"), ("b", b"x")]),
        (b'{}\n{"type":"a","length":0}\n\n{"type":"b","length":0}\n\n', [("a", b""), ("b", b"")]),
        (b'{}\n{"type":"a"}\n\n{"type":"b"}\n\n', [("a", b""), ("b", b"")]),
        (b'{}\n{"length":1,"type":"a","x":{"length":9}}\n\xff', [("a", b"\xff")]),
    ],
)
def test_framing(data: bytes, items: list[tuple[str, bytes]]) -> None:
    """Where items begin and end, with and without length, terminator and final newline."""
    envelope = parse_envelope(data)
    assert [(item.type, item.payload) for item in envelope.items] == items
    split = split_envelope(data)
    assert [(item.type, bytes(split.payload(item))) for item in split.items] == items
    assert [item.size for item in split.items] == [len(payload) for _, payload in items]


def test_documented_example() -> None:
    """An event with a text attachment that holds newlines."""
    data = (
        b'{"event_id":"9EC79C33-EC99-42AB-8353-589FCB2E04DC","dsn":"http://k@h/1","future":[1]}\n'
        b'{"type":"event","length":41,"content_type":"application/json"}\n'
        b'{"message":"hello world","level":"error"}\n'
        b'{"type":"attachment","length":6,"filename":"a.txt"}\n'
        b"ab\ncd\n\n"
    )
    envelope = parse_envelope(data)
    assert envelope == Envelope(
        {"event_id": ID, "dsn": "http://k@h/1", "future": [1]},
        (
            Item("event", {"content_type": "application/json"}, b'{"message":"hello world","level":"error"}'),
            Item("attachment", {"filename": "a.txt"}, b"ab\ncd\n"),
        ),
    )
    assert (envelope.event_id, envelope.dsn) == (ID, "http://k@h/1")
    split = split_envelope(data)
    assert (split.event_id, split.headers.dsn) == (ID, "http://k@h/1")
    assert split.items[0].headers == {"content_type": "application/json", "item_count": None}


def test_split_knows_trace_and_counts() -> None:
    """The hot path sees what a server acts on: trace context, sent_at, item_count."""
    split = split_envelope(
        b'{"sent_at":"2026-01-02T03:04:05Z","trace":{"trace_id":"a"}}\n{"type":"log","item_count":3}\n{}'
    )
    assert bytes(split.headers.trace) == b'{"trace_id":"a"}'
    assert split.headers.sent_at == "2026-01-02T03:04:05Z"
    assert split.items[0].headers["item_count"] == 3
    assert split.event_id is None


def test_unknown_is_kept() -> None:
    """Unknown types and headers of any kind pass."""
    data = b'{"x":null}\n{"type":"from_the_future","deep":{"a":[1,"\xc3\xa9"]},"item_count":"many"}\nraw\n'
    item = parse_envelope(data).items[0]
    assert item == Item("from_the_future", {"deep": {"a": [1, "é"]}, "item_count": "many"}, b"raw")


@pytest.mark.parametrize("headers", [{}, {"event_id": None}, {"event_id": 5, "dsn": 5}])
def test_no_event_id(headers: dict[str, Any]) -> None:
    """An envelope built by hand without usable id or DSN says None."""
    envelope = Envelope(headers)
    assert envelope.event_id is None
    assert envelope.dsn is None


@pytest.mark.parametrize("value", [ID, ID.upper(), "9ec79c33-ec99-42ab-8353-589fcb2e04dc"])
def test_event_id_forms(value: str) -> None:
    """Dashes and case do not matter."""
    assert normalise_event_id(value) == ID


@pytest.mark.parametrize(
    "value", ["", ID[:-1], ID + "0", "g" + ID[1:], "9ec79c33ec99-42ab-8353-589fcb2e04dc", ID + "\n", "٣" * 32]
)
def test_event_id_refusals(value: str) -> None:
    """Anything else is not an id."""
    with pytest.raises(ProtocolError, match="event_id must be 32 hexadecimal digits or a dashed UUID, got "):
        normalise_event_id(value)


@pytest.mark.parametrize(
    ("limits", "data", "message"),
    [
        (
            replace(DEFAULT_LIMITS, envelope_bytes=10),
            b"{}" + b" " * 9,
            "the envelope has 11 bytes; at most 10",
        ),
        (
            replace(DEFAULT_LIMITS, items=1),
            b'{}\n{"type":"a"}\n\n{"type":"a"}\n',
            "the envelope has more than 1 items",
        ),
        (
            replace(DEFAULT_LIMITS, header_bytes=16),
            b'{"a":"0123456789"}',
            "the envelope headers have 18 bytes; at most 16",
        ),
        (
            replace(DEFAULT_LIMITS, header_bytes=16),
            b'{}\n{"type":"a","b":1}\n',
            "item 1: the headers have 18 bytes; at most 16",
        ),
        (
            replace(DEFAULT_LIMITS, item_bytes={"event": 3}),
            b'{}\n{"type":"event"}\n1234',
            "item 1 (event): the payload has 4 bytes; at most 3",
        ),
        (
            DEFAULT_LIMITS,
            b'{}\n{"type":"client_report","length":4097}\n' + b" " * 4097,
            "item 1 (client_report): the payload has 4097 bytes; at most 4096",
        ),
        (
            DEFAULT_LIMITS,
            b"{}" + b'\n{"type":"session"}\n{}' * 60 + b'\n{"type":"sessions"}\n{}' * 41,
            "the envelope has 101 session items; at most 100",
        ),
    ],
)
def test_too_large(limits: Any, data: bytes, message: str) -> None:
    """What exceeds a limit is a 413 that names thing, size and limit."""
    for read in (split_envelope, parse_envelope):
        with pytest.raises(ProtocolError) as caught:
            read(data, limits)
        assert (caught.value.status, caught.value.what) == (413, message)


def test_just_within_the_limits() -> None:
    """A hundred sessions and an event of exactly one MiB pass."""
    data = (
        HEAD + b'\n{"type":"session"}\n{}' * 100 + b'\n{"type":"event","length":1048576}\n' + b" " * (1 << 20)
    )
    assert len(split_envelope(data).items) == 101


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.dictionaries(st.text(max_size=9), JSON, max_size=4)
TYPES = st.sampled_from(["attachment", "event", "x", "é", "log", 'a"b\\']) | st.text(min_size=1, max_size=9)
ITEMS = st.lists(
    st.builds(
        Item,
        TYPES,
        HEADERS.map(lambda headers: {k: v for k, v in headers.items() if k not in ("type", "length")}),
        st.binary(max_size=80) | st.sampled_from([b"\n", b"\n\n", b"\r\n", b"{}\n{}"]),
    ),
    max_size=5,
).filter(lambda items: sum(item.type in ("event", "transaction") for item in items) < 2)
ENVELOPES = st.builds(
    lambda headers, items, event_id: Envelope(
        {**{k: v for k, v in headers.items() if k not in ("event_id", "dsn", "sent_at")}, **event_id},
        tuple(items),
    ),
    HEADERS,
    ITEMS,
    st.sampled_from([{}, {"event_id": ID}]),
)


@given(ENVELOPES)
def test_writing_then_reading_is_identity(envelope: Envelope) -> None:
    """Any headers and any payload bytes come back as they were."""
    data = write_envelope(envelope)
    assert parse_envelope(data) == envelope
    split = split_envelope(data)
    assert tuple(bytes(split.payload(item)) for item in split.items) == tuple(
        i.payload for i in envelope.items
    )


def test_writing_wins_over_stale_headers() -> None:
    """Type and length in the headers of a hand-made item do not contradict its fields."""
    data = write_envelope(Envelope({}, (Item("event", {"type": "x", "length": 99}, b"{}"),)))
    assert data == b'{}\n{"type":"event","length":2}\n{}\n'


def test_real_sdk() -> None:
    """What a real SDK wrote is read, and reads the same after being written again."""
    kinds = []
    for body in deep():
        envelope = parse_envelope(body)
        kinds += [item.type for item in envelope.items]
        assert parse_envelope(write_envelope(envelope)) == envelope
    assert sorted(kinds) == ["event", "log", "session", "transaction"]
