"""Misbehaviour on request: the rules by themselves, and what a client and the store see of them."""

from __future__ import annotations

import contextlib
import http.client
import socket
from typing import Any

import pytest

from pytest_sentry_harness import clock
from pytest_sentry_harness.errors import ServerError, UsageError
from pytest_sentry_harness.server.app import App
from pytest_sentry_harness.server.behaviour import Behaviours, Rule
from pytest_sentry_harness.server.ingest import Ingest, Request
from pytest_sentry_harness.server.messages import Body
from pytest_sentry_harness.server.routes import Route

from .wire import Bench, event, post_bytes, raw


def test_rules_are_played_in_order() -> None:
    """Each for its number of requests, then the next, then none."""
    behaviours = Behaviours()
    first, pause, second = Rule(status=503, requests=2), Rule(requests=1), Rule(status=429, requests=1)
    behaviours.play("1", [first, pause, second], now=0.0)
    assert behaviours
    assert [behaviours.take("1", 0.0) for _ in range(5)] == [first, first, pause, second, None]
    assert not behaviours


def test_a_rule_ends_with_its_time() -> None:
    """The next one's time begins where the last one's ended, also when nothing came in between."""
    behaviours = Behaviours()
    first, second = Rule(status=503, seconds=10), Rule(status=500, seconds=10)
    behaviours.play("1", [first, second], now=100.0)
    assert behaviours.take("1", 109.9) is first
    assert behaviours.take("1", 119.9) is second
    assert behaviours.take("1", 120.0) is None
    assert behaviours.rules("1") == ()


def test_whichever_end_comes_first() -> None:
    """Requests and time may both be given; other projects are not concerned."""
    behaviours = Behaviours()
    rule, last = Rule(status=503, seconds=10, requests=1), Rule(hang=True)
    behaviours.play("1", [rule, last], now=0.0)
    assert behaviours.take("2", 0.0) is None
    assert behaviours.take("1", 1.0) is rule
    assert behaviours.take("1", 1.0) is last
    assert behaviours.rules("1") == (last,)
    behaviours.play("1", [], now=2.0)
    assert behaviours.take("1", 2.0) is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"status": 99}, "allowed: 200 to 599"),
        ({"delay": -1.0}, "behaviour rule, delay"),
        ({"requests": 0}, "1 or more"),
        ({"seconds": 0.0}, "more than 0"),
        ({"reset": "after", "hang": True}, "one of reset, hang, truncate"),
        ({"hang": True, "status": 500}, "rule of their own"),
        ({"headers": {"a b": "c"}}, "HTTP header names"),
        ({"headers": {"a\x01": "c"}}, "HTTP header names"),
        ({"headers": {"": "c"}}, "HTTP header names"),
        ({"headers": {"Content-Length": "5"}}, "content-length and transfer-encoding, which the server sets"),
        ({"headers": {"a": "c\r\nd"}}, "one line of ASCII"),
        ({"headers": {"a": "\x7f"}}, "without control characters"),
    ],
)
def test_rules_that_cannot_be(values: dict[str, Any], said: str) -> None:
    """What cannot be played is refused with what is allowed."""
    with pytest.raises(UsageError) as caught:
        Rule(**values)
    assert said in str(caught.value)


def test_reasons_name_what_was_done() -> None:
    """The recorded reason tells all of it."""
    assert Rule().reason == ""
    assert Rule(reset="before").reason == "misbehaviour:reset_before"
    whole = Rule(status=503, truncate=True, delay=1, headers={"a": "b"}, body="x")
    assert whole.reason == "misbehaviour:status_503+truncate+delay+headers+body"


def test_a_status_for_some_requests(bench: Bench) -> None:
    """503 twice, then all is well; each is recorded with what was answered."""
    bench.client.behave(
        bench.project.project_id, [Rule(status=503, body="full", headers={"Retry-After": "7"}, requests=2)]
    )
    answers = [bench.send(event()[1]) for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert (answers[0].body, answers[0].headers["retry-after"]) == (b"full", "7")
    refused = ("refused", "misbehaviour:status_503+headers+body", "event", 503)
    assert bench.outcomes() == [refused, refused, ("accepted", "", "event", 200)]
    [first, *_] = bench.client.arrivals(project=bench.project.project_id).arrivals
    stored = bench.client.request(first.request)
    assert (stored.answer, stored.answer_headers["retry-after"]) == (b"full", "7")


def test_limits_with_an_accepted_envelope(bench: Bench) -> None:
    """Rate limits may come with a 200: the event is accepted all the same."""
    limits = {"X-Sentry-Rate-Limits": "60:error:organization"}
    bench.client.behave(bench.project.project_id, [Rule(headers=limits)])
    answer = bench.send(event()[1])
    assert (answer.status, answer.headers["x-sentry-rate-limits"]) == (200, "60:error:organization")
    assert bench.outcomes() == [("accepted", "misbehaviour:headers", "event", 200)]
    bench.client.behave_well(bench.project.project_id)
    assert "x-sentry-rate-limits" not in bench.send(event()[1]).headers


def test_a_rule_does_not_hide_a_refusal(bench: Bench) -> None:
    """What would have been refused anyway stays refused, for its own reason, also when 200 is answered."""
    bench.client.behave(bench.project.project_id, [Rule(status=200, requests=1)])
    assert bench.send(b"garbage").status == 200
    assert bench.outcomes() == [("refused", "malformed", "", 200)]


def test_a_slow_answer(bench: Bench) -> None:
    """The answer comes no sooner than asked for."""
    bench.client.behave(bench.project.project_id, [Rule(delay=0.3, requests=1)])
    begun = clock.monotonic()
    assert bench.send(event()[1]).status == 200
    assert clock.monotonic() - begun >= 0.3
    assert bench.outcomes() == [("accepted", "misbehaviour:delay", "event", 200)]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reset(bench: Bench, when: Any) -> None:
    """The client sees a reset connection, the store status 0."""
    bench.client.behave(bench.project.project_id, [Rule(reset=when, requests=1)])
    event_id, body = event()
    with pytest.raises(ConnectionResetError):
        raw(bench.server.port, post_bytes(bench, body))
    kind = "event" if when == "after" else ""
    assert bench.outcomes() == [("refused", f"misbehaviour:reset_{when}", kind, 0)]
    [arrival] = bench.client.arrivals(project=bench.project.project_id).arrivals
    assert bench.client.request(arrival.request).length == len(body)
    assert arrival.event_id == (event_id if when == "after" else None)


def test_a_hung_request_ends_when_the_client_gives_up(bench: Bench) -> None:
    """No answer comes; the record is there at once, the next request is fine."""
    bench.client.behave(bench.project.project_id, [Rule(hang=True, requests=1)])
    with socket.create_connection(("127.0.0.1", bench.server.port), timeout=60) as sock:
        sock.sendall(post_bytes(bench, event()[1]))
        [arrival] = bench.client.wait_for(timeout=30, project=bench.project.project_id)
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
    assert (arrival.reason, arrival.status) == ("misbehaviour:hang", 0)
    assert bench.send(event()[1]).status == 200


def test_a_truncated_answer(bench: Bench) -> None:
    """Half of the answer, then the end of the connection."""
    bench.client.behave(bench.project.project_id, [Rule(truncate=True, requests=1)])
    with socket.create_connection(("127.0.0.1", bench.server.port), timeout=60) as sock:
        sock.sendall(post_bytes(bench, event()[1]))
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"\r\n\r\n" not in answer
    assert bench.outcomes() == [("accepted", "misbehaviour:truncate", "event", 200)]


def test_rules_by_the_control_api(bench: Bench) -> None:
    """Unknown fields and projects are errors that help."""
    with pytest.raises(ServerError, match="there is no project '777'"):
        bench.client.behave("777", [Rule(hang=True)])
    with pytest.raises(ServerError) as caught:
        bench.client._call(
            "PUT", f"projects/{bench.project.project_id}/behaviour", dict, body=[{"staus": 503}]
        )
    assert "did you mean 'status'?" in str(caught.value)
    with pytest.raises(ServerError) as caught:
        bench.client._call(
            "PUT", f"projects/{bench.project.project_id}/behaviour", dict, body=[{"reset": "x"}]
        )
    assert "allowed: before, after" in str(caught.value)
    bench.client.behave(bench.project.project_id, [Rule(status=500), Rule(hang=True)])
    shown = bench.client._call("GET", f"projects/{bench.project.project_id}/behaviour", dict)
    assert [rule["status"] for rule in shown["rules"]] == [500, None]


@pytest.mark.parametrize("status", [204, 205, 304])
def test_an_answer_that_has_no_body(bench: Bench, status: int) -> None:
    """Nothing follows its head, so the next answer on the connection can be read."""
    bench.client.behave(bench.project.project_id, [Rule(status=status, body="gone", requests=1)])
    connection = http.client.HTTPConnection("127.0.0.1", bench.server.port, timeout=60)
    with contextlib.closing(connection):
        seen = []
        for _ in range(2):
            connection.request("POST", bench.envelope_path, body=event()[1], headers=bench.auth)
            answer = connection.getresponse()
            seen.append((answer.status, bool(answer.read())))
    assert seen == [(status, False), (200, True)]


def test_a_request_whose_decision_breaks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody foresaw is answered 500, recorded as a refusal, and one line in the log."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(Ingest, "decide", broken)
    body = Body(b"x", 1)
    request = Request(
        Route("envelope", "1", ("POST",)), "POST", "", [], "", "application/x-sentry-envelope", body
    )
    app = App(
        ingest=Ingest.__new__(Ingest),
        behaviours=Behaviours(),
        control=None,  # type: ignore[arg-type]
        writer=None,  # type: ignore[arg-type]
        settings=None,  # type: ignore[arg-type]
    )
    decision = app._decide(request)
    assert (decision.refused, decision.reason, decision.project) == (True, "internal_error", "1")
    assert decision.answer.status == 500
    assert len(caplog.messages) == 1
    assert "ZeroDivisionError: boom" in caplog.text
