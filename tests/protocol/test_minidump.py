"""Minidumps, raw and as forms."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol.envelope import DEFAULT_LIMITS, Item
from pytest_sentry_harness.protocol.minidump import parse_minidump
from pytest_sentry_harness.protocol.multipart import Part, parse_multipart

FORM = "multipart/form-data; boundary=XX"
DUMP = b"MDMP\x00\r\n--X\xff"
DUMP_ITEM = Item(
    "attachment",
    {"filename": "app.dmp", "content_type": "application/x-dmp", "attachment_type": "event.minidump"},
    DUMP,
)


def form(*parts: tuple[str, bytes]) -> bytes:
    """A form of ``(header lines, content)``."""
    body = b"".join(b"--XX\r\n%s\r\n\r\n%s\r\n" % (head.encode(), content) for head, content in parts)
    return body + b"--XX--\r\n"


def field(name: str, filename: str | None = None) -> str:
    suffix = "" if filename is None else f'; filename="{filename}"'
    return f'Content-Disposition: form-data; name="{name}"{suffix}'


DUMP_FIELD = (field("upload_file_minidump", "app.dmp"), DUMP)


@pytest.mark.parametrize("media_type", ["application/octet-stream", "application/x-dmp", ""])
def test_raw(media_type: str) -> None:
    """A dump as the whole body."""
    (item,) = parse_minidump(DUMP, media_type)
    assert item == Item("attachment", {**DUMP_ITEM.headers, "filename": "Minidump"}, DUMP)


def test_form() -> None:
    """The dump, fields that describe the event, further files and further fields."""
    body = form(
        (field("sentry[release]"), b"shop@1"),
        (field("sentry[tags][team]"), b"orders"),
        (field("sentry"), b'{"tags":{"a":"b","team":"json"},"level":"fatal"}'),
        DUMP_FIELD,
        (field("log", "app.log") + "\r\nContent-Type: text/plain", b"one\r\ntwo"),
        (field("bin", ""), b""),
        (field("guid"), "é".encode()),
    )
    event, dump, log, empty, data = parse_minidump(body, FORM)
    assert event.type == "event"
    assert json.loads(event.payload) == {
        "release": "shop@1",
        "tags": {"a": "b", "team": "orders"},
        "level": "fatal",
    }
    assert dump == DUMP_ITEM
    assert log == Item("attachment", {"filename": "app.log", "content_type": "text/plain"}, b"one\r\ntwo")
    assert empty == Item("attachment", {"filename": "bin", "content_type": "application/octet-stream"}, b"")
    assert (data.type, json.loads(data.payload)) == ("form_data", [["guid", "é"]])


def test_form_with_the_dump_only() -> None:
    """No fields: no event, no form data. Text before the first boundary and after the last is no part."""
    assert parse_minidump(b"preamble\r\n" + form(DUMP_FIELD) + b"epilogue", FORM) == (DUMP_ITEM,)


def test_size_limit() -> None:
    """Files are bounded one by one, forms as a whole."""
    small = replace(DEFAULT_LIMITS, item_bytes={"attachment": 4})
    with pytest.raises(ProtocolError, match=r"the file 'app.dmp' has 11 bytes; at most 4") as caught:
        parse_minidump(form(DUMP_FIELD), FORM, small)
    assert caught.value.status == 413
    with pytest.raises(ProtocolError, match=r"the form has 5 bytes; at most 4"):
        parse_multipart(b"12345", FORM, 4)


def test_too_many_parts() -> None:
    """A form has at most 200 parts."""
    with pytest.raises(ProtocolError, match="the form has more than 200 parts"):
        parse_multipart(form(*[(field("a"), b"")] * 201), FORM, 1 << 20)


@given(st.lists(st.tuples(st.from_regex("[a-z]{1,8}", fullmatch=True), st.binary(max_size=40)), max_size=5))
def test_any_content(fields: list[tuple[str, bytes]]) -> None:
    """Any bytes that do not hold the boundary come back."""
    fields = [(name, content.replace(b"--", b"")) for name, content in fields]
    found = parse_multipart(form(*[(field(name), content) for name, content in fields]), FORM, 1 << 20)
    assert list(found) == [Part(name, None, None, content) for name, content in fields]
