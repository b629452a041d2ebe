"""Every malformed request, with the status and the exact sentence a person gets."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from pytest_sentry_harness.errors import ProtocolError
from pytest_sentry_harness.protocol.auth import parse_auth
from pytest_sentry_harness.protocol.encodings import decompress
from pytest_sentry_harness.protocol.envelope import parse_envelope, split_envelope
from pytest_sentry_harness.protocol.items import view
from pytest_sentry_harness.protocol.minidump import parse_minidump
from pytest_sentry_harness.protocol.security import parse_nel, parse_security
from pytest_sentry_harness.protocol.store_endpoint import store_envelope, store_payload, store_query

LIMIT = 1 << 20
KEY = "0123456789abcdef" * 2
ID = "ab" * 16
DEEP = b"[" * 100_000
FORM = "multipart/form-data; boundary=XX"
DUMP_HEAD = b'--XX\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="a"\r\n\r\n'
LOG = {"content_type": "application/vnd.sentry.items.log+json", "item_count": 1}
SPAN = {"content_type": "application/vnd.sentry.items.span.v2+json", "item_count": 1001}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the envelope is empty, or its header line is"),
        (b"\n", "the envelope is empty, or its header line is"),
        (b'\n{"type":"event"}\n{}', "the envelope is empty, or its header line is"),
        (b"hello", "the envelope headers are not valid JSON"),
        (b'{"a":1', "the envelope headers are not valid JSON"),
        (b"{\n}", "the envelope headers are not valid JSON"),
        (b'{"a":"\xff"}', "the envelope headers are not valid JSON"),
        (b'{"dsn":"\\ud800"}', "the envelope headers are not valid JSON"),
        (b'{"a":' + DEEP + b"\n", "the envelope headers are not valid JSON"),
        (b"\xef\xbb\xbf{}\n", "the envelope headers are not valid JSON"),
        (b"[]\n", "the envelope headers must be a JSON object, got an array"),
        (b"null\n", "the envelope headers must be a JSON object, got null"),
        (b"17\n", "the envelope headers must be a JSON object, got a number"),
        (b'{"event_id":5}\n', "the envelope header event_id must be a string, got a number"),
        (b'{"dsn":{}}\n', "the envelope header dsn must be a string, got an object"),
        (b'{"sent_at":true}\n', "the envelope header sent_at must be a string, got a boolean"),
        (b'{"event_id":"xyz"}\n', "event_id must be 32 hexadecimal digits or a dashed UUID, got 'xyz'"),
        (b'{"event_id":""}\n', "event_id must be 32 hexadecimal digits or a dashed UUID, got ''"),
        (b"{}\n\n", "item 1: only one newline may follow the last item, and no other white space"),
        (b"{}\n  ", "item 1: only one newline may follow the last item, and no other white space"),
        (
            b'{}\n{"type":"a"}\nx\n\n',
            "item 2: only one newline may follow the last item, and no other white space",
        ),
        (b'{}\n\n{"type":"a"}\nx', "item 1: the header line is empty"),
        (b"{}\nfoo\nbar", "item 1: the headers are not valid JSON"),
        (b'{}\n{"type":"a","x":"\xff"}\n', "item 1: the headers are not valid JSON"),
        (b'{}\n{"type":"a","x":' + DEEP, "item 1: the headers are not valid JSON"),
        (b'{}\n["event"]\n{}', "item 1: the headers must be a JSON object, got an array"),
        (b'{}\n"event"\n{}', "item 1: the headers must be a JSON object, got a string"),
        (b"{}\n{}\n{}", "item 1: the header type is missing"),
        (b'{}\n{"type":null}\n{}', "item 1: the header type must be a string, got null"),
        (b'{}\n{"type":7}\n{}', "item 1: the header type must be a string, got a number"),
        (b'{}\n{"type":""}\n{}', "item 1: the header type is empty"),
        (
            b'{}\n{"type":"a","length":"2"}\n{}',
            "item 1: the header length must be a whole number of bytes, got a string",
        ),
        (
            b'{}\n{"type":"a","length":2.5}\n{}',
            "item 1: the header length must be a whole number of bytes, got a number",
        ),
        (
            b'{}\n{"type":"a","length":true}\n{}',
            "item 1: the header length must be a whole number of bytes, got a boolean",
        ),
        (b'{}\n{"type":"a","length":-1}\n{}', "item 1 (a): the header length is negative: -1"),
        (
            b'{}\n{"type":"a","length":3}\n{}',
            "item 1 (a): the header length says 3 bytes, but only 2 are left",
        ),
        (b'{}\n{"type":"a","length":1}', "item 1 (a): the header length says 1 bytes, but only 0 are left"),
        (
            b'{}\n{"type":"a","length":99999999999999999999999}\n{}',
            "item 1 (a): the header length says 99999999999999999999999 bytes, but only 2 are left",
        ),
        (
            b'{}\n{"type":"a","length":1}\n{}',
            "item 1 (a): a newline must follow the 1 bytes of the payload, got b'}'",
        ),
        (
            b'{}\n{"type":"a"}\nx\n{"type":"b","length":0}\nx\n',
            "item 2 (b): a newline must follow the 0 bytes of the payload, got b'x'",
        ),
        (
            b'{}\n{"type":"event"}\n{}\n{"type":"event"}\n{}',
            "the envelope has 2 items of type event; at most one is allowed",
        ),
        (
            b'{}\n{"type":"transaction"}\n{}\n{"type":"transaction"}\n{}',
            "the envelope has 2 items of type transaction; at most one is allowed",
        ),
        (
            b'{}\n{"type":"event"}\n{}\n{"type":"transaction"}\n{}',
            "the envelope has an event and a transaction; only one of the two is allowed",
        ),
    ],
)
def test_envelopes(data: bytes, message: str) -> None:
    """Reading and mere splitting refuse for the same reason."""
    for read in (parse_envelope, split_envelope):
        with pytest.raises(ProtocolError) as caught:
            read(data)
        assert (caught.value.status, caught.value.what) == (400, message)


SURROGATE = "an escape stands for half a character (a lone surrogate), which no UTF-8 text can hold"


def test_a_number_only_a_full_reading_refuses() -> None:
    """Values of unknown headers are looked at only when they are wanted."""
    data = b'{}\n{"type":"a","n":1e999}\n'
    split_envelope(data)
    with pytest.raises(ProtocolError) as caught:
        parse_envelope(data)
    assert caught.value.what == "item 1: the headers are not valid JSON"
    assert caught.value.causes[0].startswith("Number out of range")


def header(value: str, name: bytes = b"x-sentry-auth") -> list[tuple[bytes, bytes]]:
    return [(name, value.encode())]


@pytest.mark.parametrize(
    ("headers", "query", "message"),
    [
        (header(""), "", "bad authorization in x-sentry-auth: the value must start with the word Sentry"),
        (
            header(f"sentry_key={KEY}"),
            "",
            "bad authorization in x-sentry-auth: the value must start with the word Sentry",
        ),
        (
            header("Bearer x"),
            "",
            "bad authorization in x-sentry-auth: the value must start with the word Sentry",
        ),
        (header("Sentry"), "", "bad authorization in x-sentry-auth: sentry_key is missing"),
        (header("Sentry sentry_version=7"), "", "bad authorization in x-sentry-auth: sentry_key is missing"),
        (header("Sentry sentry_key="), "", "bad authorization in x-sentry-auth: sentry_key is missing"),
        (
            header("Sentry sentry_key=a b"),
            "",
            "bad authorization in x-sentry-auth: sentry_key must be up to 128 letters, digits, dots, dashes or underscores",
        ),
        (
            header(f"Sentry sentry_key={KEY},sentry_key={KEY}"),
            "",
            "bad authorization in x-sentry-auth: sentry_key is given twice",
        ),
        (
            header(f"Sentry sentry_key={KEY},sentry_version=new"),
            "",
            "bad authorization in x-sentry-auth: sentry_version must be a number, got 'new'",
        ),
        (
            header("Sentry " + "x" * 5000),
            "",
            "bad authorization in x-sentry-auth: the header is longer than 4096 bytes",
        ),
        (
            header("Sentry foo", b"authorization"),
            "",
            "bad authorization in authorization: sentry_key is missing",
        ),
        ([], "sentry_key=", "bad authorization in query: sentry_key is missing"),
        (
            [],
            "sentry_key=%00",
            "bad authorization in query: sentry_key must be up to 128 letters, digits, dots, dashes or underscores",
        ),
        ([], "sentry_key=" + "k" * 5000, "bad authorization in query: a value is longer than 4096 bytes"),
        (header(f"Sentry sentry_key={KEY}"), f"sentry_key={KEY}", "multiple authorization payloads"),
    ],
)
def test_credentials(headers: list[tuple[bytes, bytes]], query: str, message: str) -> None:
    """All of them are 401."""
    with pytest.raises(ProtocolError) as caught:
        parse_auth(headers, query)
    assert (caught.value.status, caught.value.what) == (401, message)


@pytest.mark.parametrize(
    ("body", "encoding", "status", "message"),
    [
        (b"", "gzip", 400, "the gzip body cannot be decompressed: the stream ends early"),
        (b"", "deflate", 400, "the deflate body cannot be decompressed: the stream ends early"),
        (b"", "br", 400, "the br body cannot be decompressed: the stream ends early"),
        (b"", "zstd", 400, "the zstd body cannot be decompressed: the stream ends early"),
        (
            gzip.compress(b"{}", mtime=0)[:-1],
            "gzip",
            400,
            "the gzip body cannot be decompressed: the stream ends early",
        ),
        (
            gzip.compress(b"{}", mtime=0) + b"{}",
            "gzip",
            400,
            "the gzip body cannot be decompressed: 2 bytes follow the end of the stream",
        ),
        (
            zlib.compress(b"{}") + b"{}",
            "deflate",
            400,
            "the deflate body cannot be decompressed: 2 bytes follow the end of the stream",
        ),
        (b"x", "deflate", 400, "the deflate body cannot be decompressed: the stream ends early"),
        (
            gzip.compress(bytes(LIMIT + 1), mtime=0),
            "gzip",
            413,
            "the body is larger than 1048576 bytes after decompression",
        ),
        (bytes(LIMIT + 1), "", 413, "the body is larger than 1048576 bytes after decompression"),
        (
            b"",
            "compress",
            415,
            "content encoding 'compress' is not supported; known are br, deflate, gzip, identity, zstd",
        ),
        (b"", "br,br,br,br,br", 400, "5 content encodings on top of each other; at most 4"),
    ],
)
def test_encodings(body: bytes, encoding: str, status: int, message: str) -> None:
    """Broken 400, too large 413, unknown 415."""
    with pytest.raises(ProtocolError) as caught:
        decompress(body, encoding, LIMIT)
    assert (caught.value.status, caught.value.what) == (status, message)


def b64(data: bytes) -> bytes:
    return base64.b64encode(data)


@pytest.mark.parametrize(
    ("call", "status", "message"),
    [
        (lambda: store_payload(b" \n"), 400, "the store body is empty"),
        (lambda: store_payload(b"<xml/>"), 400, "the store body is neither JSON nor base64"),
        (lambda: store_payload(b"A"), 400, "the store body is neither JSON nor base64"),
        (
            lambda: store_payload(b64(b"\xff\xff\xff")),
            400,
            "the store body is base64, but not of zlib-compressed JSON",
        ),
        (
            lambda: store_payload(b64(zlib.compress(b"{}")[:-2])),
            400,
            "the store body is base64, but not of zlib-compressed JSON",
        ),
        (
            lambda: store_payload(b64(zlib.compress(bytes(LIMIT + 1)))),
            413,
            "the body is larger than 1048576 bytes after decompression",
        ),
        (lambda: store_query("sentry_key=x"), 400, "the query has no sentry_data"),
        (lambda: store_query("sentry_data="), 400, "the store body is empty"),
        (lambda: store_envelope(b"{", ID), 400, "the event is not valid JSON"),
        (lambda: store_envelope(b"[]", ID), 400, "the event must be a JSON object, got an array"),
        (lambda: store_envelope(DEEP, ID), 400, "the event is not valid JSON"),
        (lambda: store_envelope(b'{"event_id":5}', ID), 400, "the event's event_id must be a string"),
        (
            lambda: store_envelope(b'{"event_id":"5"}', ID),
            400,
            "event_id must be 32 hexadecimal digits or a dashed UUID, got '5'",
        ),
        (
            lambda: parse_security(b"{}", "text/plain"),
            415,
            "media type 'text/plain' is not allowed here; allowed are application/csp-report, "
            "application/expect-ct-report, application/expect-ct-report+json, "
            "application/expect-staple-report, application/json, application/reports+json",
        ),
        (lambda: parse_security(b"", "application/json"), 400, "the report is empty"),
        (lambda: parse_security(b"{", "application/csp-report"), 400, "the report is not valid JSON"),
        (lambda: parse_security(DEEP, "application/csp-report"), 400, "the report is not valid JSON"),
        (
            lambda: parse_security(b"7", "application/json"),
            400,
            "a report must be a JSON object, got a number",
        ),
        (lambda: parse_security(b"[]", "application/json"), 400, "the list of reports is empty"),
        (lambda: parse_security(b"{}", "application/json"), 400, "the body is not a security report"),
        (
            lambda: parse_security(b"[" + b"{}," * 100 + b"{}]", "application/json"),
            413,
            "the request has 101 reports; at most 100",
        ),
        (
            lambda: parse_security(b"{}" + b" " * LIMIT, "application/json"),
            413,
            "the report has 1048578 bytes; at most 1048576",
        ),
        (
            lambda: parse_security(b"{}", "application/json", "&".join(["a=b"] * 101)),
            400,
            "the query cannot be read: Max number of fields exceeded",
        ),
        (lambda: parse_nel(b"{}", "application/nel+json"), 400, "the body is not a network error report"),
        (
            lambda: parse_minidump(b"MDMP", "text/html"),
            415,
            "media type 'text/html' is not allowed here; "
            "allowed are multipart/form-data, application/octet-stream, application/x-dmp",
        ),
        (lambda: parse_minidump(b"", "application/x-dmp"), 400, "the minidump is empty"),
        (
            lambda: parse_minidump(b"hello", "application/x-dmp"),
            400,
            "the minidump does not begin with MDMP, got b'hell'",
        ),
        (
            lambda: parse_minidump(b"", "multipart/form-data"),
            400,
            "the media type multipart/form-data has no boundary",
        ),
        (
            lambda: parse_minidump(b"", "multipart/form-data; boundary=" + "x" * 71),
            400,
            "the boundary of the form must be at most 70 ASCII characters",
        ),
        (lambda: parse_minidump(b"", FORM), 400, "the form does not contain its boundary"),
        (lambda: parse_minidump(b"--XX", FORM), 400, "part 1 of the form is not closed by the boundary"),
        (
            lambda: parse_minidump(b"--XX\r\nA: b\r\n\r\n", FORM),
            400,
            "part 1 of the form is not closed by the boundary",
        ),
        (
            lambda: parse_minidump(b"--XXy\r\n\r\n--XX--", FORM),
            400,
            "part 1 of the form: text follows the boundary",
        ),
        (
            lambda: parse_minidump(b"--XX\r\n--XX--", FORM),
            400,
            "part 1 of the form has no headers, or too long ones",
        ),
        (
            lambda: parse_minidump(b"--XX\r\nA: b\r\n\r\n\r\n--XX--", FORM),
            400,
            "part 1 of the form has no Content-Disposition: form-data",
        ),
        (
            lambda: parse_minidump(b"--XX\r\nContent-Disposition: form-data\r\n\r\n\r\n--XX--", FORM),
            400,
            "part 1 of the form has no name",
        ),
        (
            lambda: parse_minidump(b"--XX--", FORM),
            400,
            "the form needs one file in the field upload_file_minidump, got 0",
        ),
        (
            lambda: parse_minidump(DUMP_HEAD + b"MDMP\r\n" + DUMP_HEAD + b"MDMP\r\n--XX--", FORM),
            400,
            "the form needs one file in the field upload_file_minidump, got 2",
        ),
        (
            lambda: parse_minidump(
                b'--XX\r\nContent-Disposition: form-data; name="sentry"\r\n\r\n[]\r\n--XX--', FORM
            ),
            400,
            "the form field sentry must be a JSON object, got an array",
        ),
        (
            lambda: parse_minidump(
                b'--XX\r\nContent-Disposition: form-data; name="sentry[a]"\r\n\r\n1\r\n'
                b'--XX\r\nContent-Disposition: form-data; name="sentry[a][b]"\r\n\r\n1\r\n--XX--',
                FORM,
            ),
            400,
            "the form fields sentry[a] and sentry[a][…] contradict each other",
        ),
    ],
)
def test_other_endpoints(call: Callable[[], object], status: int, message: str) -> None:
    """Store, security, network errors and minidumps."""
    with pytest.raises(ProtocolError) as caught:
        call()
    assert (caught.value.status, caught.value.what) == (status, message)


@pytest.mark.parametrize(
    ("item_type", "payload", "headers", "message", "causes"),
    [
        ("event", b"", {}, "the event is not valid JSON", ["Input data was truncated"]),
        ("event", b"nope", {}, "the event is not valid JSON", None),
        (
            "event",
            b'{"extra":{"x":["\\uDC80 in a field nobody reads"]}}',
            {},
            "the event is not valid JSON",
            [SURROGATE],
        ),
        (
            "event",
            b'{"extra":"\xff"}',
            {},
            "the event is not valid JSON",
            ["'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"],
        ),
        ("event", b'{"message":"\\ud800"}', {}, "the event is not valid JSON", [SURROGATE]),
        (
            "event",
            b'{"message":"\\ud800 and \\ud83d\\ude00"}',
            {},
            "the event is not valid JSON",
            [SURROGATE],
        ),
        ("event", b'{"a":NaN,"b":"\\u0041"}', {}, "the event is not valid JSON", None),
        ("event", b'{"a":tru,"b":"\\u0041"}', {}, "the event is not valid JSON", None),
        ("event", DEEP, {}, "the event is not valid JSON", ["nested too deeply"]),
        ("event", b'{"extra":' + DEEP, {}, "the event is not valid JSON", ["nested too deeply"]),
        ("event", b"[]", {}, "the event must be a JSON object, got an array", []),
        ("transaction", b"7", {}, "the transaction must be a JSON object, got a number", []),
        (
            "session",
            b'{"status":"great"}',
            {},
            "the session is not valid",
            [
                "started is missing",
                "attrs.release is missing",
                "status 'great' is not one of ok, exited, crashed, abnormal, errored, unhandled",
            ],
        ),
        (
            "sessions",
            b"{}",
            {},
            "the sessions item is not valid",
            ["attrs.release is missing", "aggregates are missing"],
        ),
        (
            "sessions",
            b'{"attrs":{"release":"r"},"aggregates":[{"exited":-1}]}',
            {},
            "the sessions item is not valid",
            ["aggregates[0].started is missing", "aggregates[0].exited is negative"],
        ),
        (
            "sessions",
            json.dumps({"attrs": {"release": "r"}, "aggregates": [{"started": "t"}] * 101}).encode(),
            {},
            "the sessions item is not valid",
            ["101 aggregates; at most 100"],
        ),
        ("client_report", b"[]", {}, "the client report must be a JSON object, got an array", []),
        (
            "check_in",
            b"{}",
            {},
            "the check-in is not valid",
            [
                "check_in_id must be 32 hexadecimal digits or a dashed UUID",
                "monitor_slug is missing",
                "status must be one of in_progress, ok, error",
            ],
        ),
        (
            "log",
            b'{"items":[]}',
            {},
            "the log container is not valid",
            ["content_type must be application/vnd.sentry.items.log+json, got None"],
        ),
        (
            "log",
            b'{"items":[]}',
            LOG,
            "the log container is not valid",
            ["the header item_count says 1, but there are 0 entries"],
        ),
        (
            "log",
            b'{"items":[{}]}',
            {**LOG, "item_count": "1"},
            "the log container is not valid",
            ["the header item_count must be a whole number, got a string"],
        ),
        ("log", b'{"items":{}}', LOG, "the log container is not valid", ["items must be an array"]),
        (
            "trace_metric",
            b"{}",
            LOG,
            "the trace metric container is not valid",
            [
                "content_type must be application/vnd.sentry.items.trace-metric+json, "
                "got 'application/vnd.sentry.items.log+json'"
            ],
        ),
        (
            "span",
            b'{"items":[' + b"{}," * 1000 + b"{}]}",
            SPAN,
            "the span container has 1001 entries; at most 1000",
            [],
        ),
        ("span", b"[]", {}, "the span must be a JSON object, got an array", []),
        (
            "profile",
            b"{}",
            {},
            "the profile is not valid",
            [
                "version must be '1', got None",
                "event_id is missing",
                "transaction.id is missing",
                "profile.samples has 0 entries; at least 2 needed",
            ],
        ),
        (
            "profile_chunk",
            b'{"version":"1","profile":{"samples":[{"stack_id":5}],"stacks":[[7]]}}',
            {},
            "the profile chunk is not valid",
            [
                "version must be '2', got '1'",
                "profiler_id is missing",
                "chunk_id is missing",
                "profile.samples names a stack that is not there",
                "profile.stacks names a frame that is not there",
            ],
        ),
    ],
)
def test_items(
    item_type: str, payload: bytes, headers: dict[str, Any], message: str, causes: list[str] | None
) -> None:
    """A payload that is invalid for its type names everything that is wrong with it."""
    with pytest.raises(ProtocolError) as caught:
        view(item_type, payload, headers)
    assert (caught.value.status, caught.value.what) == (400, message)
    if causes is not None:
        assert list(caught.value.causes) == causes
