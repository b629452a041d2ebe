"""Ingest as Sentry does it: what is accepted, what is refused with which status, and that both are recorded."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import uuid
import zlib
from urllib.parse import quote

import brotli
import pytest
import zstandard

from pytest_sentry_harness.server.client import EmbeddedServer

from .wire import Bench, envelope, event, post_bytes, request


def test_an_envelope_is_answered_with_its_id(bench: Bench) -> None:
    """200, the id, readable by browsers, and the event is in the store."""
    event_id, body = event("hello")
    answer = bench.send(body, headers={"Origin": "https://shop.example"})
    assert (answer.status, answer.json()) == (200, {"id": event_id})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "application/json"
    [arrival] = bench.client.arrivals(project=bench.project.project_id).arrivals
    assert (arrival.event_id, arrival.outcome, arrival.status) == (event_id, "accepted", 200)
    assert bench.client.request(arrival.request).body == body


@pytest.mark.parametrize("path", ["/api/{p}/envelope/", "/api/{p}/envelope"])
def test_the_trailing_slash_is_optional(bench: Bench, path: str) -> None:
    """Both forms of the path are the same endpoint."""
    assert bench.send(event()[1], path=path).status == 200


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
        ("deflate", zlib.compress),
        ("", bytes),
        ("identity", bytes),
        ("UTF-8", bytes),
    ],
)
def test_content_encodings(bench: Bench, encoding: str, encode: object) -> None:
    """Every encoding an SDK uses is understood, also the empty header sentry-ruby sends."""
    event_id, body = event(size=70_000)
    answer = bench.send(encode(body), headers={"Content-Encoding": encoding})  # type: ignore[operator]
    assert (answer.status, answer.json()) == (200, {"id": event_id})
    assert bench.outcomes() == [("accepted", "", "event", 200)]


def test_a_node_client_arrives(bench: Bench) -> None:
    """Chunked, without content type, credentials in the query, items without length."""
    event_id = uuid.uuid4().hex
    body = envelope([({"type": "event"}, b'{"message":"node"}')], lengths=False, event_id=event_id)
    path = f"{bench.envelope_path}?sentry_version=7&sentry_key={bench.project.public_key}&sentry_client=sentry.javascript.node%2F11"
    answer = bench.send([body[:10], body[10:30], body[30:]], path=path, auth=False)
    assert (answer.status, answer.json()) == (200, {"id": event_id})
    assert bench.outcomes() == [("accepted", "", "event", 200)]


def test_a_ruby_client_arrives(bench: Bench) -> None:
    """The DSN in the envelope's headers is credential enough."""
    body = envelope([({"type": "event"}, b"{}")], event_id=uuid.uuid4().hex, dsn=bench.project.dsn)
    assert bench.send(body, auth=False, headers={"Content-Encoding": ""}).status == 200
    assert bench.outcomes() == [("accepted", "", "event", 200)]
    assert bench.client.request(
        bench.client.arrivals(project=bench.project.project_id).arrivals[0].request
    ).key


def test_a_dashed_event_id_is_stored_plain(bench: Bench) -> None:
    """Ids with dashes and capitals are the same ids."""
    event_id = uuid.uuid4()
    _, body = event(event_id=str(event_id).upper())
    assert bench.send(body).json() == {"id": event_id.hex}
    page = bench.client.arrivals(project=bench.project.project_id, event_id=str(event_id))
    assert [arrival.event_id for arrival in page.arrivals] == [event_id.hex]


def test_no_id_without_an_event(bench: Bench) -> None:
    """An envelope of items that belong to no event is answered without an id; unknown types are kept."""
    report = b'{"discarded_events":[{"reason":"queue_overflow","category":"error","quantity":3}]}'
    body = envelope([({"type": "client_report"}, report), ({"type": "news"}, b"?")])
    answer = bench.send(body)
    assert (answer.status, answer.json()) == (200, {})
    assert bench.outcomes() == [("accepted", "", "client_report", 200), ("accepted", "", "news", 200)]
    [arrival] = bench.client.arrivals(project=bench.project.project_id, item_type="client_report").arrivals
    assert [(d.reason, d.category, d.quantity) for d in arrival.discarded] == [("queue_overflow", "error", 3)]


def test_a_second_arrival_is_a_duplicate(bench: Bench) -> None:
    """It is answered like the first, and counted apart."""
    event_id, body = event()
    assert [bench.send(body).json() for _ in range(2)] == [{"id": event_id}] * 2
    assert bench.outcomes() == [("accepted", "", "event", 200), ("duplicate", "duplicate", "event", 200)]
    assert bench.client.stats().duplicates >= 1


def test_an_invalid_item_spares_its_neighbours(bench: Bench) -> None:
    """One item that cannot be read makes that item invalid, nothing else."""
    items: list[tuple[dict[str, object], bytes]] = [
        ({"type": "event"}, b"no json"),
        ({"type": "attachment", "filename": "a"}, b"ab\ncd"),
    ]
    assert bench.send(envelope(items, event_id=uuid.uuid4().hex)).status == 200
    (outcome, reason, kind, _), second = bench.outcomes()
    assert (outcome, kind) == ("invalid", "event")
    assert "not valid JSON" in reason
    assert second == ("accepted", "", "attachment", 200)


def test_store_endpoint(bench: Bench) -> None:
    """The old endpoint takes JSON, base64 of zlib, and a legacy path whose key names the project."""
    event_id = uuid.uuid4().hex
    document = json.dumps({"event_id": event_id, "message": "old"}).encode()
    assert bench.send(document, path="/api/{p}/store/").json() == {"id": event_id}
    packed = base64.b64encode(zlib.compress(b'{"message":"packed"}'))
    made = bench.send(packed, path="/api/{p}/store").json()["id"]
    legacy = bench.send(b'{"message":"legacy"}', path="/api/store/").json()["id"]
    page = bench.client.arrivals(project=bench.project.project_id)
    assert [arrival.event_id for arrival in page.arrivals] == [event_id, made, legacy]
    assert {arrival.outcome for arrival in page.arrivals} == {"accepted"}


def test_store_by_get_answers_a_picture(bench: Bench) -> None:
    """An event in the query string is answered with a GIF of one pixel."""
    data = quote(base64.b64encode(zlib.compress(b'{"message":"pixel"}')))
    path = f"/api/{{p}}/store/?sentry_key={bench.project.public_key}&sentry_version=7&sentry_data={data}"
    answer = bench.send(b"", path=path, method="GET", auth=False)
    assert (answer.status, answer.headers["content-type"], answer.body[:3]) == (200, "image/gif", b"GIF")
    assert bench.outcomes() == [("accepted", "", "event", 200)]


@pytest.mark.parametrize("name", ["security", "csp-report"])
def test_security_reports(bench: Bench, name: str) -> None:
    """A browser's report is kept; another media type is refused."""
    path = f"/api/{{p}}/{name}/?sentry_key={bench.project.public_key}&sentry_release=1.2"
    report = b'{"csp-report":{"document-uri":"https://a.example","violated-directive":"img-src"}}'
    answer = bench.send(report, path=path, auth=False, headers={"Content-Type": "application/csp-report"})
    assert (answer.status, answer.body) == (200, b"")
    refused = bench.send(report, path=path, auth=False, headers={"Content-Type": "text/html"})
    assert refused.status == 415
    assert "application/csp-report" in refused.json()["detail"]
    assert [row[:3] for row in bench.outcomes()] == [
        ("accepted", "", "raw_security"),
        ("refused", "media_type", ""),
    ]


def test_network_error_reports(bench: Bench) -> None:
    """Network error logging arrives."""
    report = b'[{"type":"network-error","url":"https://a.example","body":{"type":"tcp.timed_out"}}]'
    answer = bench.send(report, path="/api/{p}/nel/", headers={"Content-Type": "application/reports+json"})
    assert answer.status == 200
    assert [row[2] for row in bench.outcomes()] == ["nel"]


def test_minidumps(bench: Bench) -> None:
    """A crash dump is answered with its id as text."""
    answer = bench.send(
        b"MDMP" + b"\0" * 64, path="/api/{p}/minidump/", headers={"Content-Type": "application/octet-stream"}
    )
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    [arrival] = bench.client.arrivals(project=bench.project.project_id).arrivals
    assert (arrival.item_type, arrival.event_id) == ("attachment", answer.body.decode())


def test_refused_without_credentials(bench: Bench) -> None:
    """401 says how to authorise; the items are recorded nevertheless."""
    answer = bench.send(event()[1], auth=False)
    assert answer.status == 401
    assert answer.json()["detail"] == "missing authorization information"
    assert "X-Sentry-Auth" in answer.json()["causes"][0]
    assert answer.headers["x-sentry-error"] == "missing authorization information"
    assert bench.outcomes() == [("refused", "auth_missing", "event", 401)]
    assert bench.send(b"{}", path="/api/{p}/store/", auth=False).status == 401


def test_refused_with_two_credentials(bench: Bench) -> None:
    """Two credentials in one request are one too many."""
    key = bench.project.public_key
    answer = bench.send(event()[1], path=f"{bench.envelope_path}?sentry_key={key}")
    assert (answer.status, answer.json()["detail"]) == (401, "multiple authorization payloads")
    assert bench.outcomes() == [("refused", "auth", "event", 401)]


def test_refused_for_an_unknown_key_or_project(bench: Bench) -> None:
    """403 for what nobody made, and for a key of another project."""
    wrong = {"X-Sentry-Auth": "Sentry sentry_key=" + "f" * 32}
    answer = bench.send(event()[1], auth=False, headers=wrong)
    assert (answer.status, answer.json()["detail"]) == (403, "the key is not known here")
    other = bench.client.create_project("other")
    path = f"/api/{other.project_id}/envelope/"
    assert bench.send(event()[1], path=path).json()["detail"].endswith(f"project {other.project_id}")
    assert (
        bench.send(event()[1], path="/api/999999/envelope/").json()["detail"] == "there is no project 999999"
    )
    assert bench.outcomes() == [("refused", "key_unknown", "event", 403)]
    reasons = [a.reason for a in bench.client.arrivals(project="999999").arrivals]
    assert reasons == ["project_unknown"]


def test_refused_while_disabled(bench: Bench) -> None:
    """A disabled project or key is refused, recorded, and works again when enabled."""
    number = bench.project.project_id
    bench.client.change_project(number, enabled=False)
    assert bench.send(event()[1]).json()["detail"] == f"project {number} is disabled"
    bench.client.change_project(number, enabled=True, key_enabled=False)
    assert bench.send(event()[1]).json()["detail"] == f"the key of project {number} is disabled"
    bench.client.change_project(number, key_enabled=True)
    assert bench.send(event()[1]).status == 200
    assert [row[:2] for row in bench.outcomes()] == [
        ("refused", "project_disabled"),
        ("refused", "key_disabled"),
        ("accepted", ""),
    ]


def test_refused_when_dsn_and_address_disagree(bench: Bench) -> None:
    """The DSN in the envelope must name the same key and project as the rest of the request."""
    other = bench.client.create_project("other")
    for dsn in (other.dsn, other.dsn.replace(f"/{other.project_id}", f"/{bench.project.project_id}")):
        answer = bench.send(envelope([({"type": "event"}, b"{}")], event_id=uuid.uuid4().hex, dsn=dsn))
        assert answer.status == 403
    assert {row[1] for row in bench.outcomes()} == {"auth_mismatch"}
    both = envelope([({"type": "event"}, b"{}")], event_id=uuid.uuid4().hex, dsn=bench.project.dsn)
    assert bench.send(both).status == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"no json\n", "not valid JSON"),
        (b'{}\n{"length":3}\nabc', "type is missing"),
        (b'{}\n{"type":"event","length":30}\nabc', "only 3 are left"),
        (b'{"event_id":"xyz"}\n', "32 hexadecimal digits"),
    ],
)
def test_refused_when_malformed(bench: Bench, body: bytes, said: str) -> None:
    """400 with what is wrong, and a record of the refusal with the bytes."""
    answer = bench.send(body)
    assert answer.status == 400
    assert said in answer.json()["detail"]
    assert bench.outcomes() == [("refused", "malformed", "", 400)]
    [arrival] = bench.client.arrivals(project=bench.project.project_id).arrivals
    assert bench.client.request(arrival.request).body == body


@pytest.mark.parametrize("size", [100, 200_000])
def test_refused_when_the_compression_is_broken(bench: Bench, size: int) -> None:
    """A gzip body that ends early, or is none, is a 400 at every size."""
    body = gzip.compress(event(size=size)[1])
    for broken in (body[:-20], b"garbage" * 10, body[:40] + body[-4:]):
        assert bench.send(broken, headers={"Content-Encoding": "gzip"}).status == 400
    assert {row[:2] for row in bench.outcomes()} == {("refused", "malformed")}


def test_a_large_body_broken_in_the_middle_is_invalid(bench: Bench) -> None:
    """Large gzip bodies are inflated after the answer; what is found broken then is recorded as invalid."""
    payload = bytes(range(35, 120)) * 1000
    plain = envelope([({"type": "event"}, payload)], event_id=uuid.uuid4().hex)
    body = bytearray(gzip.compress(plain))
    body[-10] ^= 0xFF
    body[-12] ^= 0xFF
    assert bench.send(bytes(body), headers={"Content-Encoding": "gzip"}).status == 200
    [(outcome, reason, kind, status)] = bench.outcomes()
    assert (outcome, kind, status) == ("invalid", "", 200)
    assert "cannot be decompressed" in reason


@pytest.mark.parametrize(
    "plain",
    [
        b"{}\n" + b"x" * 50_000,
        b'{}\n{"type":"event","length":10}\n' + b"x" * 50_000,
        b'{}\n{"type":"event","length":2000000}\n' + b"x" * 2_000_000,
        b'{"event_id":"bad"}\n{"type":"event","length":50000}\n' + b"x" * 50_000,
        b'{"a":"' + b"x" * 50_000 + b'"}\n',
    ],
)
def test_large_bodies_are_refused_by_the_same_rules(bench: Bench, plain: bytes) -> None:
    """The short look at a large body refuses, or leaves to a whole look, what the protocol refuses."""
    compressed = bench.gzipped(plain)
    assert compressed.status == bench.send(plain).status
    assert compressed.body == bench.send(plain).body


@pytest.mark.slow
def test_refused_when_too_large(bench: Bench) -> None:
    """A bomb is a 413 before it is inflated whole."""
    answer = bench.gzipped(b"{}\n" + b"\0" * (201 << 20))
    assert answer.status == 413
    assert "after decompression" in answer.json()["detail"]
    assert [row[:2] for row in bench.outcomes()] == [("refused", "too_large")]


def test_refused_when_the_body_is_too_large_as_sent(bench: Bench) -> None:
    """More than 20 MiB on the wire is a 413; only the beginning is kept, the length is told."""
    body = event(size=21 << 20)[1]
    answer = bench.send(body)
    assert answer.status == 413
    [arrival] = bench.client.arrivals(project=bench.project.project_id).arrivals
    stored = bench.client.request(arrival.request)
    assert (stored.length, stored.truncated, arrival.size) == (len(body), True, len(body))
    assert body.startswith(stored.body)
    assert len(stored.body) == 64 << 10


def test_unknown_encoding(bench: Bench) -> None:
    """An encoding nobody knows is a 415 that names the known ones."""
    answer = bench.send(b"{}", headers={"Content-Encoding": "lzma"})
    assert answer.status == 415
    assert "gzip" in answer.json()["detail"]


def test_other_paths_are_404(bench: Bench) -> None:
    """Below a project an unknown endpoint is recorded, elsewhere it is only answered."""
    answer = bench.send(b"x", path="/api/{p}/unreal/abc/")
    assert (answer.status, answer.json()["detail"]) == (404, "this server has no such endpoint")
    assert bench.outcomes() == [("refused", "no_endpoint", "", 404)]
    for path in ("/api/0/organizations/", "/api/nonsense/", "/"):
        other = bench.send(b"", path=path, method="GET")
        assert other.status == 404
    assert "/api/<project id>/envelope/" in other.json()["hint"]
    assert bench.send(b"", path="/", method="HEAD").body == b""


def test_wrong_method_and_preflight(bench: Bench) -> None:
    """Another method is a 405 that names the allowed ones; OPTIONS is a browser's preflight."""
    answer = bench.send(b"", method="GET")
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
    preflight = bench.send(b"", method="OPTIONS", auth=False)
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert "x-sentry-auth" in preflight.headers["access-control-allow-headers"]
    assert preflight.headers["access-control-max-age"] == "3600"
    assert bench.outcomes() == [("refused", "method", "", 405)]


def test_health(bench: Bench) -> None:
    """The relay's health checks answer without credentials."""
    for name in ("live", "ready"):
        answer = bench.send(b"", path=f"/api/relay/healthcheck/{name}/", method="GET", auth=False)
        assert (answer.status, answer.json()) == (200, {"is_healthy": True})
    assert bench.send(b"", path="/api/relay/healthcheck/live/", method="POST").status == 405


def test_one_segment_and_keep_alive(bench: Bench) -> None:
    """Headers and body of an answer come in one piece, and the connection stays open for the next."""
    with socket.create_connection(("127.0.0.1", bench.server.port), timeout=60) as sock:
        for _ in range(5):
            event_id, body = event()
            sock.sendall(post_bytes(bench, body))
            answer = sock.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")
            assert answer.endswith(event_id.encode() + b'"}')
            assert b"connection: close" not in answer.lower()


def test_a_client_that_asks_before_it_sends(bench: Bench) -> None:
    """``Expect: 100-continue`` is answered at once (curl does so with large bodies)."""
    event_id, body = event()
    head, _, _ = post_bytes(bench, body).partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", bench.server.port), timeout=60) as sock:
        sock.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert event_id.encode() in sock.recv(65536)


def test_pipelined_requests_are_answered_in_order(bench: Bench) -> None:
    """Two requests in one segment get two answers."""
    (first, one), (second, two) = event(), event()
    with socket.create_connection(("127.0.0.1", bench.server.port), timeout=60) as sock:
        sock.sendall(post_bytes(bench, one) + post_bytes(bench, two))
        answers = b""
        while answers.count(b'"}') < 2:
            answers += sock.recv(65536)
    assert answers.index(first.encode()) < answers.index(second.encode())


def test_no_http_at_all(bench: Bench) -> None:
    """Bytes that are no HTTP are answered with 400 and the connection ends."""
    with socket.create_connection(("127.0.0.1", bench.server.port), timeout=60) as sock:
        sock.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 400")


def test_a_client_that_goes_away_is_recorded(bench: Bench) -> None:
    """What came of a body that broke off is kept; no answer was given."""
    data = post_bytes(bench, event()[1])
    with socket.create_connection(("127.0.0.1", bench.server.port), timeout=60) as sock:
        sock.sendall(data[:-20])
    found = bench.client.wait_for(timeout=30, project=bench.project.project_id)
    assert [(a.outcome, a.reason, a.status) for a in found] == [("refused", "client_gone", 0)]


def test_headers_are_stored_without_secrets_of_others(bench: Bench, server: EmbeddedServer) -> None:
    """Headers are kept in order; cookies are nobody's business here."""
    request(
        server.port, "POST", bench.envelope_path, event()[1], {**bench.auth, "Cookie": "a=b", "X-Mine": "1"}
    )
    [arrival] = bench.client.arrivals(project=bench.project.project_id).arrivals
    names = [name for name, _ in bench.client.request(arrival.request).headers]
    assert "x-mine" in names
    assert "cookie" not in names
