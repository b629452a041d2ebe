"""E-mails to a real SMTP receiver."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_sentry_harness import clock
from pytest_sentry_harness.channels.receivers import Manner, SmtpReceiver
from pytest_sentry_harness.channels.senders import build_sender
from pytest_sentry_harness.errors import ServerError
from pytest_sentry_harness.model.notified import Outcome

from .building import ALERT_ID, alert, delivery, mail_channel, receipts


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[SmtpReceiver]:
    with SmtpReceiver(tmp_path / "receipts.jsonl") as found:
        yield found


def send(port: int, **more: object) -> Outcome:
    options = {"timeout": 20.0} | more
    return build_sender(mail_channel(port, **options), (), {}).send(
        delivery(alert(title="Schön: wär's\r\nBcc: x@y.z"))
    )


def test_a_message_is_delivered(receiver: SmtpReceiver) -> None:
    """One receipt, which names the alert by Message-ID and by the link in the text."""
    outcome = send(receiver.port)
    assert (outcome.delivered, outcome.status) == (True, 250)
    (receipt,) = receipts(receiver.journal)
    assert (receipt.alert_id, receipt.delivery_id) == (ALERT_ID, f"{ALERT_ID}.0.ops")
    assert (receipt.in_header, receipt.in_body, receipt.protocol) == (True, True, "smtp")
    assert receipt.path == "ops@example.com"
    assert receipt.title == "[1] Schön: wär's Bcc: x@y.z"
    assert (receipt.status, receipt.signature) == (250, "unchecked")


@pytest.mark.parametrize("status, retry", [(451, True), (421, True), (550, False), (552, False)])
def test_replies_that_are_none_of_success(receiver: SmtpReceiver, status: int, retry: bool) -> None:
    """4yz may do better later, 5yz will not."""
    receiver.behave(Manner(status=status, body="not now"), Manner())
    outcome = send(receiver.port)
    assert (outcome.delivered, outcome.status, outcome.retry) == (False, status, retry)
    assert outcome.error == f"answered {status}: not now"
    assert send(receiver.port).delivered
    assert [receipt.status for receipt in receipts(receiver.journal)] == [status, 250]


def test_slow_hanging_refusing_and_back(receiver: SmtpReceiver) -> None:
    """Each is what it is to the sender, and leaves the receipt it should."""
    receiver.behave(Manner(delay=0.2))
    assert send(receiver.port).seconds >= 0.2
    receiver.behave(Manner(hang=True))
    assert send(receiver.port, timeout=0.5).error == "TimeoutError: no answer within 0.5 s"
    receiver.behave()
    port = receiver.port
    receiver.refuse()
    receiver.refuse()
    assert send(port).error.startswith("ConnectionRefusedError")
    receiver.listen()
    receiver.listen()
    assert receiver.port == port
    assert send(port).delivered
    assert [receipt.status for receipt in receipts(receiver.journal)] == [250, 0, 250]


def test_closing_ends_what_hangs(tmp_path: Path) -> None:
    """Deliveries under way are told so; then the port is free."""
    receiver = SmtpReceiver(tmp_path / "receipts.jsonl")
    receiver.behave(Manner(hang=True))
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(send(receiver.port)))
    thread.start()
    while not receipts(receiver.journal):
        thread.join(0.02)
    receiver.close()
    receiver.close()
    thread.join(20)
    assert not outcomes[0].delivered
    with socket.create_server(("127.0.0.1", receiver.port)):
        pass


def test_messages_of_others(receiver: SmtpReceiver) -> None:
    """What is not ours, or nothing at all, is a receipt without a name."""
    with smtplib.SMTP("127.0.0.1", receiver.port, "localhost", 20) as connection:
        connection.sendmail(
            "a@b.c",
            ["d@e.f", "g@h.i"],
            b"Subject: x\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff",
        )
        connection.sendmail("a@b.c", ["d@e.f"], b"Content-Type: application/octet-stream\r\n\r\n")
    first, second = receipts(receiver.journal)
    assert (first.alert_id, first.in_header, first.in_body, first.title) == ("", False, False, "x")
    assert first.path == "d@e.f, g@h.i"
    assert second.title == ""


class Refusing:
    """An SMTP server of a few lines that refuses where it is told to."""

    def __init__(self, replies: dict[str, str], *, text: bool = False) -> None:
        self._text = text
        self._replies = replies
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def __enter__(self) -> Refusing:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(20)
        self._listening.close()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with suppress(ConnectionError), connection, connection.makefile("rwb", 0) as stream:
            stream.write(self._replies.get("", "220 hello").encode() + b"\r\n")
            while line := stream.readline():
                verb = line.decode("latin-1").strip().upper()
                said = next(
                    (
                        text
                        for start, text in self._replies.items()
                        if start and verb.startswith(start.upper())
                    ),
                    "250 fine",
                )
                if said == "bye":
                    return
                stream.write(said.encode() + b"\r\n")
                while verb == "DATA" and self._text and stream.readline() not in (b".\r\n", b""):
                    pass
                if verb == "DATA" and self._text:
                    stream.write(b"250 taken\r\n")


@pytest.mark.parametrize(
    "replies, error, retry",
    [
        ({"": "554 go away"}, "answered 554: go away", False),
        ({"": "421 busy"}, "answered 421: busy", True),
        ({"MAIL": "452 full"}, "answered 452: full", True),
        ({"RCPT": "550 nobody"}, "answered 550: nobody", False),
        ({"RCPT": "450 later"}, "answered 450: later", True),
        ({"DATA": "bye"}, "SMTPServerDisconnected: Connection unexpectedly closed", True),
    ],
)
def test_refusals_before_the_text(replies: dict[str, str], error: str, retry: bool) -> None:
    """Wherever a server refuses, its words and whether it is for ever are kept."""
    with Refusing(replies) as server:
        outcome = send(server.port)
    assert (outcome.delivered, outcome.retry) == (False, retry)
    assert outcome.error == error


def test_some_recipients_refused() -> None:
    """Then some were told: another try would tell them twice."""
    with Refusing({"RCPT TO:<no@": "550 nobody", "DATA": "354 go"}, text=True) as server:
        outcome = send_to_two(server.port)
    assert (outcome.delivered, outcome.retry) == (False, False)
    assert outcome.error == "1 of 2 recipients were refused"


def send_to_two(port: int) -> Outcome:
    return send(port, recipients=("no@example.com", "yes@example.com"))


def test_a_login_that_is_refused_shows_no_password() -> None:
    """Servers echo what they were sent; the trail does not."""
    with Refusing(
        {"EHLO": "250-here\r\n250 AUTH PLAIN LOGIN", "AUTH": "535 no AHVzZXIAaHVudGVyMg== hunter2"}
    ) as server:
        outcome = send(server.port, username="user", secret="hunter2")
    assert not outcome.delivered
    assert "hunter2" not in outcome.error
    assert "AHVzZXIAaHVudGVyMg" not in outcome.error
    assert outcome.error == "answered 535: no *** ***"


def test_encryption_that_is_not_offered() -> None:
    """Who asked for it does not get a letter sent in the open."""
    with Refusing({}) as server:
        outcome = send(server.port, tls="starttls")
    assert outcome.error == "SMTPNotSupportedError: STARTTLS extension not supported by server."


def test_encryption_from_the_start() -> None:
    """A server that does not speak TLS is a failure that may pass."""
    with Refusing({}) as server:
        outcome = send(server.port, tls="tls")
    assert "SSLError" in outcome.error
    assert outcome.retry


def test_a_port_that_is_taken(receiver: SmtpReceiver, tmp_path: Path) -> None:
    """The message says which, and nothing is left running."""
    receiver.refuse()
    assert receiver._placeholder is not None
    receiver._placeholder.close()
    with socket.create_server(("127.0.0.1", receiver.port)):
        with pytest.raises(ServerError, match=rf"receiver 'smtp', 127.0.0.1:{receiver.port}: cannot listen"):
            receiver.listen()


def test_a_receipt_that_cannot_be_written(tmp_path: Path) -> None:
    """Nobody takes the evidence for complete then."""
    receiver = SmtpReceiver(tmp_path / "receipts.jsonl")
    receiver._receipts.close()
    assert send(receiver.port).error == "answered 451: it cannot be put on record"
    with pytest.raises(
        ServerError, match="receiver 'smtp': a delivery could not be put on record: .*Bad file"
    ):
        receiver.close()


def test_what_is_taken_late_or_reset(receiver: SmtpReceiver) -> None:
    """The receipt is of when it was taken; of a connection that was reset there is none."""
    receiver.behave(Manner(reset=True), Manner(takes=0.3), Manner())
    outcome = send(receiver.port)
    assert (outcome.delivered, outcome.status, outcome.retry) == (False, None, True)
    begun = clock.wall()
    assert send(receiver.port).seconds >= 0.3
    (receipt,) = receipts(receiver.journal)
    assert receipt.at >= begun + 0.3
