"""Every answer a server can give, and every way it can fail to give one, by its own name."""

from __future__ import annotations

import socket

import pytest
import sentry_sdk
from sentry_sdk.transport import HttpTransport

from pytest_sentry_harness.model.account import State
from pytest_sentry_harness.model.ledger import SdkAnswered, SdkDiscarded
from pytest_sentry_harness.server.behaviour import Rule

from .bench import Bench, front


@pytest.mark.parametrize(
    ("rule", "reason", "culprit"),
    [
        (Rule(status=400), "refused", "HTTP 400 by http://127.0.0.1:"),
        (Rule(status=403, body='{"detail": "with_reason: ProjectId"}'), "refused", "ProjectId"),
        (Rule(status=404), "refused", "HTTP 404 by"),
        (Rule(status=413), "too_large", "HTTP 413 by"),
        (Rule(status=500), "server_error", "HTTP 500 by"),
        (Rule(status=503, headers={"Retry-After": "9"}), "server_error", "HTTP 503 by"),
        (Rule(status=304), "redirected", "HTTP 304 by"),
        (Rule(reset="before"), "connection_reset", "closed the connection without an answer"),
        (Rule(reset="after"), "connection_reset", "closed the connection without an answer"),
        (Rule(status=503, body="x" * 2000, truncate=True), "broken_answer", "gave no proper answer"),
        (
            Rule(status=429, headers={"X-Sentry-Rate-Limits": "1:error:organization"}),
            "rate_limited",
            "with X-Sentry-Rate-Limits: 1:error:organization",
        ),
        (Rule(status=429, headers={"Retry-After": "5"}), "rate_limited", "with Retry-After: 5"),
    ],
)
def test_one_answer(bench: Bench, rule: Rule, reason: str, culprit: str) -> None:
    """The status and who gave it; what the server said of it; or how the connection ended."""
    bench.init()
    bench.play(rule)
    bench.fail()
    bench.end()
    loss = bench.loss()
    assert (loss.state, loss.reason, loss.source, loss.count) == (State.EXPLAINED, reason, "sdk", 1)
    assert culprit in loss.culprit
    assert bench.project.dsn.rpartition("@")[2].partition("/")[0] in loss.culprit


def test_an_answer_cut_off_after_the_event_was_stored_is_no_loss(bench: Bench) -> None:
    """The SDK counts a loss that was none."""
    bench.init()
    bench.play(Rule(body="x" * 2000, truncate=True))
    bench.fail(2)
    bench.end()
    assert bench.account().captured == 2
    assert {answer.trouble for answer in bench.records(SdkAnswered)} == {"broken"}


def test_a_connection_kept_open_that_was_closed_by_the_peer(bench: Bench) -> None:
    """Every other event goes out on a connection that has just been closed."""
    bench.init()
    bench.play(*([Rule(requests=1), Rule(reset="before", requests=1)] * 3))
    bench.fail(6)
    bench.end()
    loss = bench.loss()
    assert (loss.reason, loss.count) == ("connection_reset", 3)
    assert "closed a connection kept open, just as the SDK used it again" in loss.culprit


@pytest.mark.skipif(not hasattr(HttpTransport, "TIMEOUT"), reason="this SDK has no time-out to shorten")
def test_a_server_that_hangs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given up after the SDK's time-out."""
    monkeypatch.setattr(HttpTransport, "TIMEOUT", 0.2)
    bench.init()
    bench.play(Rule(hang=True))
    bench.fail()
    bench.end()
    loss = bench.loss()
    assert loss.reason == "timed_out"
    assert "gave no answer in time" in loss.culprit


def test_nobody_listens(bench: Bench) -> None:
    """The connection is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listening
        port = taken.getsockname()[1]
        bench.init(dsn=f"http://key@127.0.0.1:{port}/1")
        bench.fail()
    bench.end()
    loss = bench.loss()
    assert loss.reason == "connection_refused"
    assert loss.culprit == f"http://127.0.0.1:{port}: ConnectionRefusedError: [Errno 111] Connection refused"


def test_a_host_that_does_not_exist(bench: Bench) -> None:
    """The name is not resolved."""
    bench.init(dsn="https://key@no-such.invalid/1")
    bench.fail()
    bench.end()
    loss = bench.loss()
    assert loss.reason == "name_not_resolved"
    assert loss.culprit.startswith("https://no-such.invalid: gaierror: ")


def test_tls_where_there_is_none(bench: Bench) -> None:
    """An ``https`` DSN for a server that speaks ``http``."""
    bench.init(dsn=bench.project.dsn.replace("http:", "https:"))
    bench.fail()
    bench.end()
    loss = bench.loss()
    assert loss.reason == "tls_failed"
    assert "SSL" in loss.culprit


def test_a_proxy_that_is_not_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named with where it was set: the option, or the environment."""
    bench.init(http_proxy="http://127.0.0.1:1")
    bench.fail()
    monkeypatch.setenv("http_proxy", "http://user:secret@127.0.0.1:2")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    bench.init()
    bench.fail()
    bench.end()
    by_option, by_environment = sorted(bench.losses(), key=lambda loss: loss.culprit)
    assert {by_option.reason, by_environment.reason} == {"proxy_failed"}
    assert "(by the proxy http://127.0.0.1:1 (option http_proxy))" in by_option.culprit
    assert "(by the proxy http://127.0.0.1:2 (environment variable http_proxy))" in by_environment.culprit


def test_told_200_by_something_in_front(bench: Bench) -> None:
    """The answer says stored; the server behind never got it."""
    with front() as nginx:
        bench.init(dsn=nginx.dsn)
        bench.fail(3)
        bench.end()
        loss = bench.loss()
        assert (loss.reason, loss.count) == ("lost_after_200", 3)
        assert loss.culprit == f"HTTP 200 by {nginx.url}, and the event never came to the server of this run"


def test_led_elsewhere_by_a_redirect(bench: Bench) -> None:
    """A login page answers 200 to whatever it is sent."""
    with front(200, b"<html>log in</html>") as login:
        bench.init()
        bench.play(Rule(status=303, headers={"Location": f"{login.url}/login"}))
        bench.fail()
        bench.end()
        loss = bench.loss()
    assert loss.reason == "lost_after_200"
    assert f"HTTP 200 by {login.url} (redirected from http://127.0.0.1:" in loss.culprit
    assert "by HTTP 303)" in loss.culprit


@pytest.mark.parametrize(
    ("change", "reason"), [({"enabled": False}, "project_disabled"), ({"key_enabled": False}, "key_disabled")]
)
def test_what_the_server_has_disabled(bench: Bench, change: dict[str, bool], reason: str) -> None:
    """The server's own reason, with the answer that the SDK got."""
    bench.init()
    bench.client.change_project(bench.project.project_id, **change)
    bench.fail()
    bench.end()
    loss = bench.loss()
    assert (loss.reason, loss.source) == (reason, "server")
    assert loss.culprit.startswith("HTTP 403 by http://127.0.0.1:")
    assert "is disabled" in loss.culprit


def test_a_key_nobody_knows(bench: Bench) -> None:
    """A rotated or mistyped key."""
    bench.init(dsn=bench.project.dsn.replace(bench.project.public_key, "0" * 32))
    bench.fail()
    bench.end()
    loss = bench.loss()
    assert (loss.reason, loss.source) == ("key_unknown", "server")
    assert "HTTP 403" in loss.culprit


def test_limits_by_category(bench: Bench) -> None:
    """Errors are held back when they are named, on whatever answer, and not when others are."""
    bench.init()
    bench.play(Rule(headers={"X-Sentry-Rate-Limits": "60:transaction;session:organization"}))
    bench.fail(2)
    bench.play(Rule(headers={"X-Sentry-Rate-Limits": "60:error:organization"}, requests=1))
    bench.fail(3)
    bench.end()
    assert bench.account().captured == 3
    loss = bench.loss()
    assert (loss.reason, loss.count) == ("ratelimit_backoff", 2)
    assert loss.culprit.startswith("HTTP 200 by http://127.0.0.1:")
    assert loss.culprit.endswith(" with X-Sentry-Rate-Limits: 60:error:organization")


def test_a_limit_that_leaves_the_attachments_of_an_event(bench: Bench) -> None:
    """The rest of the envelope is sent and answered 200: the event was held back all the same."""
    bench.init()
    sentry_sdk.get_isolation_scope().add_attachment(bytes=b"log", filename="app.log")
    bench.play(Rule(headers={"X-Sentry-Rate-Limits": "60:error:organization"}, requests=1))
    bench.fail(2)
    bench.end()
    assert bench.loss().reason == "ratelimit_backoff"
    page = bench.client.arrivals(project=bench.project.project_id, item_type="attachment")
    assert len(page.arrivals) == 2


def test_a_429_that_names_nothing(bench: Bench) -> None:
    """It holds everything back for a minute, the SDK's own report of losses too."""
    bench.init()
    bench.play(Rule(status=429, requests=1))
    bench.fail(4)
    bench.end()
    told, held = sorted(bench.losses(), key=lambda loss: loss.count)
    assert (told.reason, told.count) == ("rate_limited", 1)
    assert "without X-Sentry-Rate-Limits and Retry-After" in told.culprit
    assert (held.reason, held.count) == ("ratelimit_backoff", 3)
    assert "all is held back, the SDK's report of losses too" in held.culprit


def test_a_limit_told_to_another_envelope(bench: Bench) -> None:
    """What a transaction is told holds for errors that come after it."""
    bench.init(traces_sample_rate=1.0)
    bench.play(Rule(status=429, headers={"X-Sentry-Rate-Limits": "60:error;transaction:key"}, requests=1))
    with sentry_sdk.start_transaction(name="t"):
        pass
    bench.flush()
    bench.fail()
    bench.end()
    loss = bench.loss()
    assert loss.reason == "ratelimit_backoff"
    assert "HTTP 429 by" in loss.culprit


def test_back_pressure_takes_traces_and_no_errors(bench: Bench) -> None:
    """While limits hold, the SDK samples fewer transactions; errors are none of its business."""
    bench.init(traces_sample_rate=1.0)
    bench.play(Rule(headers={"X-Sentry-Rate-Limits": "60:transaction:organization"}))
    monitor = sentry_sdk.get_client().monitor
    assert monitor is not None
    bench.fail()
    for _ in range(10):
        monitor.check_health()
        monitor.set_downsample_factor()
    assert monitor.downsample_factor == 10
    for _ in range(20):
        with sentry_sdk.start_transaction(name="t"):
            bench.fail()
    bench.end()
    assert bench.account().captured == 21
    reasons = {record.reason for record in bench.records(SdkDiscarded) if record.category == "transaction"}
    assert "backpressure" in reasons
