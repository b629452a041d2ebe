"""Senders over HTTP and a real receiver: what is answered, what is not, and what the receipt says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_sentry_harness import clock
from pytest_sentry_harness.channels.http_post import post
from pytest_sentry_harness.channels.receivers import HttpReceiver, Manner
from pytest_sentry_harness.channels.senders import build_sender
from pytest_sentry_harness.errors import ServerError
from pytest_sentry_harness.model.notified import Outcome

from .building import ALERT_ID, SECRET, alert, channel, delivery, receipts


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpReceiver]:
    with HttpReceiver(tmp_path / "receipts.jsonl", secret=SECRET) as found:
        yield found


def send(receiver: HttpReceiver, kind: str = "webhook", **more: object) -> Outcome:
    options = {"url": f"{receiver.url}hook/T0KEN", "timeout": 20.0} | more
    return build_sender(channel(kind, **options), (), {}).send(delivery())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "kind, signed, resource",
    [
        ("webhook", "valid", "event_alert"),
        ("legacy_webhook", "absent", ""),
        ("slack", "absent", ""),
        ("pagerduty", "absent", "trigger"),
    ],
)
def test_each_kind_is_delivered(receiver: HttpReceiver, kind: str, signed: str, resource: str) -> None:
    """One receipt, which names the alert by header and by body, and whether it was signed."""
    outcome = send(receiver, kind)
    assert (outcome.delivered, outcome.status, outcome.error) == (True, 200, "")
    (receipt,) = receipts(receiver.journal)
    assert (receipt.alert_id, receipt.delivery_id) == (ALERT_ID, f"{ALERT_ID}.0.ops")
    assert (receipt.in_header, receipt.in_body) == (True, True)
    assert (receipt.signature, receipt.resource) == (signed, resource)
    assert (receipt.status, receipt.path, receipt.protocol) == (200, "/hook/T0KEN", "http")
    assert receipt.size > 100
    assert "ValueError" in receipt.title
    assert receipt.at > 1e9
    assert receipt.mono > 0


def test_apprise_delivers(receiver: HttpReceiver) -> None:
    """Through Apprise the alert is named in the body only; redirects and failures are failures."""
    url = f"json://127.0.0.1:{receiver.port}/T0KEN"
    assert send(receiver, "apprise", url=url).delivered
    (receipt,) = receipts(receiver.journal)
    assert (receipt.alert_id, receipt.in_header, receipt.in_body) == (ALERT_ID, False, True)
    receiver.behave(Manner(status=500))
    outcome = send(receiver, "apprise", url=url)
    assert (outcome.delivered, outcome.retry) == (False, True)
    assert outcome.error.startswith("Apprise could not deliver it")
    assert "T0KEN" not in outcome.error


def test_a_metric_alert(receiver: HttpReceiver) -> None:
    """It comes under its own resource."""
    sender = build_sender(channel(url=receiver.url), (), {})
    assert sender.send(delivery(alert(number=None, status="critical"))).delivered
    (receipt,) = receipts(receiver.journal)
    assert (receipt.resource, receipt.title) == ("metric_alert", "Critical: High volume")


def test_a_wrong_secret_is_seen(receiver: HttpReceiver) -> None:
    """The receiver checks the signature itself."""
    assert send(receiver, secret="another").delivered
    assert receipts(receiver.journal)[0].signature == "invalid"


@pytest.mark.parametrize(
    "status, retry",
    [(500, True), (503, True), (429, True), (408, True), (400, False), (404, False), (410, False)],
)
def test_what_is_worth_another_try(receiver: HttpReceiver, status: int, retry: bool) -> None:
    """A server's trouble is, a refusal is not; its words are kept, without secrets and bounded."""
    receiver.behave(Manner(status=status, body=f"no {SECRET} " + "x" * 10_000, retry_after=7))
    outcome = send(receiver)
    assert (outcome.delivered, outcome.status, outcome.retry, outcome.retry_after) == (
        False,
        status,
        retry,
        7.0,
    )
    assert outcome.error.startswith(f"answered {status}: no *** xxx")
    assert len(outcome.error) < 400
    assert receipts(receiver.journal)[0].status == status


def test_redirects_are_not_followed(receiver: HttpReceiver) -> None:
    """Where else it would go, nobody allowed."""
    receiver.behave(Manner(status=307))
    outcome = send(receiver)
    assert (outcome.delivered, outcome.retry) == (False, False)
    assert outcome.error == "answered 307: redirects are not followed"


def test_manners_one_after_the_other(receiver: HttpReceiver) -> None:
    """The last one stays until another is told."""
    receiver.behave(Manner(status=500), Manner(status=429), Manner())
    assert [send(receiver).status for _ in range(4)] == [500, 429, 200, 200]
    receiver.behave()
    assert send(receiver).delivered


def test_a_slow_receiver(receiver: HttpReceiver) -> None:
    """The answer comes late, the receipt says when the last byte came."""
    receiver.behave(Manner(delay=0.3))
    outcome = send(receiver)
    assert outcome.delivered
    assert outcome.seconds >= 0.3


def test_a_receiver_that_hangs(receiver: HttpReceiver) -> None:
    """The time-out ends it; the receipt says that it was received and never answered."""
    receiver.behave(Manner(hang=True))
    outcome = send(receiver, timeout=0.3)
    assert (outcome.delivered, outcome.status, outcome.retry) == (False, None, True)
    assert outcome.error == "TimeoutError: no answer within 0.3 s"
    assert receipts(receiver.journal)[0].status == 0


def test_a_receiver_that_refuses_and_comes_back(receiver: HttpReceiver) -> None:
    """The port stays its own meanwhile."""
    port = receiver.port
    receiver.refuse()
    receiver.refuse()
    outcome = send(receiver)
    assert (outcome.delivered, outcome.status, outcome.retry) == (False, None, True)
    assert outcome.error.startswith("ConnectionRefusedError")
    receiver.listen()
    receiver.listen()
    assert receiver.port == port
    assert send(receiver).delivered


def test_closing_ends_what_hangs(tmp_path: Path) -> None:
    """Neither a delivery without an answer nor a connection that says nothing keeps it open."""
    receiver = HttpReceiver(tmp_path / "receipts.jsonl")
    receiver.behave(Manner(hang=True))
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(send(receiver)))
    thread.start()
    with socket.create_connection(("127.0.0.1", receiver.port)) as silent:
        while not receipts(receiver.journal):
            thread.join(0.02)
        receiver.close()
        thread.join(20)
        silent.settimeout(20)
        assert silent.recv(10) == b""
    assert not thread.is_alive()
    assert not outcomes[0].delivered
    receiver.close()


def test_what_is_no_delivery(receiver: HttpReceiver) -> None:
    """Requests without a length, too large, cut short, or no POST leave no receipt."""
    answers = []
    for request in (
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"nonsense\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", receiver.port), 20) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answers.append(connection.makefile("rb").readline()[:12])
    assert answers[:4] == [b"HTTP/1.1 411", b"HTTP/1.1 413", b"", b"HTTP/1.1 501"]
    assert receipts(receiver.journal) == []


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"[1]", b'{"data":{"event":[1]}}', b"[" * 100_000, b'{"text":"\\ud800"}']
)
def test_bodies_that_nobody_can_read(tmp_path: Path, body: bytes) -> None:
    """They were delivered all the same."""
    with HttpReceiver(tmp_path / "receipts.jsonl") as receiver:
        assert post(receiver.url + "?a=b", body, {}, 20.0).status == 200
        (receipt,) = receipts(receiver.journal)
    assert (receipt.size, receipt.alert_id, receipt.delivery_id, receipt.signature) == (
        len(body),
        "",
        "",
        "unchecked",
    )
    assert receipt.path == "/?a=b"


def test_a_port_that_is_taken(receiver: HttpReceiver, tmp_path: Path) -> None:
    """The message says which."""
    receiver.refuse()
    with socket.socket() as other:
        assert receiver._placeholder is not None
        receiver._placeholder.close()
        receiver._placeholder = None
        other.bind(("127.0.0.1", receiver.port))
        other.listen()
        with pytest.raises(ServerError, match=rf"receiver 'http', 127.0.0.1:{receiver.port}: cannot listen"):
            receiver.listen()


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 500 No\r\nContent-Length: 2000\r\n\r\n"]
)
def test_an_answer_that_drips(beginning: bytes) -> None:
    """A byte now and then does not keep a sender beyond its time-out."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(beginning)
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
            outcome = build_sender(channel(url=url, timeout=0.5), (), {}).send(delivery())
        finally:
            stop.set()
            thread.join(20)
    assert (outcome.delivered, outcome.retry) == (False, True)
    assert outcome.error == "TimeoutError: no answer within 0.5 s"


def test_a_receipt_that_cannot_be_written(tmp_path: Path) -> None:
    """Nobody takes the evidence for complete then."""
    receiver = HttpReceiver(tmp_path / "receipts.jsonl")
    receiver._receipts.close()
    assert not send(receiver).delivered
    with pytest.raises(
        ServerError, match="receiver 'http': a delivery could not be put on record: .*Bad file"
    ):
        receiver.close()


def test_an_answer_that_is_none() -> None:
    """What is not HTTP is a failure that may pass."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-nonsense\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        outcome = build_sender(channel(url=url, timeout=20.0), (), {}).send(delivery())
        thread.join(20)
    assert outcome.error.startswith("BadStatusLine: SSH-2.0")
    assert outcome.retry


def test_a_receiver_that_takes_its_time(receiver: HttpReceiver) -> None:
    """The receipt is of when it took it, and the answer comes after that."""
    receiver.behave(Manner(takes=0.3), Manner())
    begun = clock.wall()
    outcome = send(receiver)
    assert outcome.delivered
    assert outcome.seconds >= 0.3
    assert receipts(receiver.journal)[0].at >= begun + 0.3


def test_connections_that_are_reset(receiver: HttpReceiver) -> None:
    """As many as told; there is no receipt of them, and the next are taken."""
    receiver.behave(Manner(reset=True), Manner(reset=True), Manner())
    for _ in range(2):
        outcome = send(receiver)
        assert (outcome.delivered, outcome.status, outcome.retry) == (False, None, True)
        assert outcome.error.startswith(("ConnectionResetError", "RemoteDisconnected", "BrokenPipeError"))
    assert send(receiver).delivered
    assert len(receipts(receiver.journal)) == 1


def test_closing_ends_what_is_not_taken_yet(tmp_path: Path) -> None:
    """It was never delivered."""
    receiver = HttpReceiver(tmp_path / "receipts.jsonl")
    receiver.behave(Manner(takes=500.0))
    with socket.create_connection(("127.0.0.1", receiver.port)) as sender:
        sender.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
        threads = {thread.name for thread in threading.enumerate()}
        while not any("process_request" in name for name in threads):
            threads = {thread.name for thread in threading.enumerate()}
        receiver.close()
        sender.settimeout(20)
        assert sender.recv(10) == b""
    assert receipts(receiver.journal) == []
