"""From an alert to real receivers: threads, retries, clean ends, and an account that closes."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_sentry_harness.channels.dispatcher import Dispatcher
from pytest_sentry_harness.channels.lines import Trail, read_trail
from pytest_sentry_harness.channels.receivers import HttpReceiver, Manner, SmtpReceiver
from pytest_sentry_harness.channels.senders import build_senders
from pytest_sentry_harness.errors import HarnessError
from pytest_sentry_harness.model.notified import Attempted, Dead, Delivered, Delivery, Outcome
from pytest_sentry_harness.monitor.notifications import Policy, books, parse_notifications

from .building import SECRET, alert, policy, receipts, settings

WAIT = 60.0
RETRY = 'retry = { tries = 4, first = "50ms", longest = "100ms" }\n'


def webhook(receiver: HttpReceiver, more: str = RETRY) -> str:
    return f'kind = "webhook"\nsecret = "{SECRET}"\nurl = "{receiver.url}"\n{more}'


def dispatcher(under_test: Policy) -> Dispatcher:
    return Dispatcher(under_test, build_senders(under_test.settings, environment={}))


def test_every_alert_arrives_everywhere(tmp_path: Path) -> None:
    """HTTP and SMTP: each alert once in each receiver, by its id, and the trail knows."""
    with (
        HttpReceiver(tmp_path / "http.jsonl", secret=SECRET) as http,
        SmtpReceiver(tmp_path / "smtp.jsonl") as smtp,
    ):
        mail = f'kind = "email"\nhost = "127.0.0.1"\nport = {smtp.port}\nsender = "a@b.c"\nrecipients = ["d@e.f"]\n'
        trail = Trail(tmp_path / "audit.trail")
        under_test = policy({"hook": webhook(http), "mail": mail}, write=trail.write)
        with dispatcher(under_test) as running:
            alerts = [running.submit(alert(number=number)) for number in range(1, 11)]
            assert running.wait_idle(WAIT)
            account = running.books()
        trail.close()
    assert account.closes
    assert (account.alerts.delivered, account.notifications.delivered) == (10, 20)
    assert [receipt.alert_id for receipt in receipts(http.journal)] == alerts
    assert [receipt.alert_id for receipt in receipts(smtp.journal)] == alerts
    assert {receipt.signature for receipt in receipts(http.journal)} == {"valid"}
    assert list(read_trail(trail.path)) == under_test.trail


def test_retries_until_it_works_and_until_it_does_not(tmp_path: Path) -> None:
    """Two failures then success; four failures are a dead letter. The receiver sees one delivery id."""
    with HttpReceiver(tmp_path / "http.jsonl") as http:
        under_test = policy({"hook": webhook(http)})
        with dispatcher(under_test) as running:
            http.behave(Manner(status=500), Manner(status=503), Manner())
            running.submit(alert())
            assert running.wait_idle(WAIT)
            http.behave(Manner(status=500))
            running.submit(alert())
            assert running.wait_idle(WAIT)
            http.refuse()
            running.submit(alert())
            assert running.wait_idle(WAIT)
    ends = [type(record) for record in under_test.trail if isinstance(record, Delivered | Dead)]
    assert ends == [Delivered, Dead, Dead]
    attempts = [record.status for record in under_test.trail if isinstance(record, Attempted)]
    assert attempts == [500, 503, 200, 500, 500, 500, 500, None, None, None, None]
    seen = [receipt.delivery_id for receipt in receipts(http.journal)]
    assert len(set(seen[:3])) == 1
    assert len(set(seen)) == 2
    assert books(under_test.trail).closes


def test_a_receiver_that_hangs_delays_only_its_own(tmp_path: Path) -> None:
    """The other channel has all its alerts while the first one is still waited for."""
    with HttpReceiver(tmp_path / "a.jsonl") as hanging, HttpReceiver(tmp_path / "b.jsonl") as healthy:
        hanging.behave(Manner(hang=True))
        under_test = policy({"bad": webhook(hanging, 'timeout = "60s"\n'), "good": webhook(healthy)})
        done = threading.Event()
        with dispatcher(under_test) as running:
            for number in range(1, 6):
                running.submit(alert(number=number))
            while not done.wait(0.02):
                if len(receipts(healthy.journal)) == 5 and running.books().notifications.delivered == 5:
                    done.set()
            assert running.books().notifications.pending == 5
            assert not running.wait_idle(0.01)
            hanging.close()
    assert len(receipts(hanging.journal)) == 1
    assert books(under_test.trail).closes


def test_what_is_pending_at_the_end_is_sent_after_a_restart(tmp_path: Path) -> None:
    """Stopping loses nothing: all that was taken in is delivered by the next, or was before."""
    trail = Trail(tmp_path / "audit.trail")
    with HttpReceiver(tmp_path / "http.jsonl") as http:
        http.behave(Manner(delay=0.05))
        tables = {"hook": webhook(http)}
        under_test = policy(tables, write=trail.write)
        with dispatcher(under_test) as running:
            alerts = [running.submit(alert(number=number)) for number in range(1, 31)]
            while not receipts(http.journal):
                running.wait_idle(0.01)
        before = books(read_trail(trail.path))
        assert before.closes
        # What was answered before the stop is on record.
        assert before.alerts.delivered == len(receipts(http.journal))
        assert before.alerts.pending == 30 - before.alerts.delivered
        http.behave()
        again = Policy(settings(tables), seed="test", write=trail.write, trail=read_trail(trail.path))
        with dispatcher(again) as running:
            assert running.wait_idle(WAIT)
    trail.close()
    assert [receipt.alert_id for receipt in receipts(http.journal)] == alerts
    assert books(read_trail(trail.path)).alerts.delivered == 30


def test_escalation_acknowledgement_and_resolution(tmp_path: Path) -> None:
    """The next is told by himself in time; PagerDuty hears of acknowledgement and end."""
    with HttpReceiver(tmp_path / "http.jsonl") as http:
        pager = f'kind = "pagerduty"\nsecret = "k"\nurl = "{http.url}"\n'
        found = settings({"pager": pager}, '[[escalation]]\nafter = "100ms"\nchannels = ["pager"]\n')
        under_test = Policy(found, seed="test")
        with dispatcher(under_test) as running:
            running.submit(alert(number=None, status="critical"))
            while len(receipts(http.journal)) < 2:
                running.wait_idle(0.02)
            assert running.acknowledge("High volume", "ada")
            assert running.resolve("High volume", "ada")
            assert not running.resolve("High volume", "ada")
            assert running.wait_idle(WAIT)
    assert [receipt.resource for receipt in receipts(http.journal)] == [
        "trigger",
        "trigger",
        "acknowledge",
        "resolve",
    ]
    assert books(under_test.trail).closes


class Broken:
    """A sender with a defect."""

    def send(self, delivery: Delivery) -> Outcome:
        raise ZeroDivisionError(delivery.url)


def test_a_defect_of_a_sender_is_on_record() -> None:
    """It costs its own notification, not the thread."""
    under_test = policy({"ops": 'kind = "slack"\nurl = "http://127.0.0.1:1/x"'})
    with Dispatcher(under_test, {"ops": Broken()}) as running:
        running.submit(alert())
        running.submit(alert())
        assert running.wait_idle(WAIT)
    assert [record.error for record in under_test.trail if isinstance(record, Attempted)] == [
        "the sender failed: ZeroDivisionError"
    ] * 2
    assert books(under_test.trail).alerts.dead == 2


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """When the trail cannot be written any more, nothing goes on in silence."""
    trail = Trail(tmp_path / "audit.trail")
    under_test = policy({"ops": 'kind = "slack"\nurl = "http://127.0.0.1:1/x"'}, write=trail.write)
    running = Dispatcher(under_test, {"ops": Broken()})
    running.submit(alert())
    trail.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        with running:
            assert not running.wait_idle(WAIT)
            with pytest.raises(
                HarnessError, match="dispatcher: notifications have ended: .*Bad file descriptor"
            ):
                running.submit(alert())
    running.stop()


def test_a_channel_without_a_sender() -> None:
    """Nothing may wait for nobody."""
    with pytest.raises(HarnessError, match="no sender for ops\n  hint: make them with build_senders"):
        Dispatcher(policy({"ops": 'kind = "slack"\nurl = "http://127.0.0.1:1/x"'}), {})


def test_stopping_before_it_began() -> None:
    """Is nothing."""
    under_test = policy({"ops": 'kind = "slack"\nurl = "http://127.0.0.1:1/x"'})
    Dispatcher(under_test, {"ops": Broken()}).stop()


PROGRAM = """
import os, signal, sys, threading
from pathlib import Path
from pytest_sentry_harness.channels.dispatcher import Dispatcher
from pytest_sentry_harness.channels.lines import Trail
from pytest_sentry_harness.channels.senders import build_senders
from pytest_sentry_harness.model.monitored import Alert
from pytest_sentry_harness.monitor.notifications import Policy, parse_notifications

found = parse_notifications(sys.argv[1], "notify.toml")
policy = Policy(found, seed="test", write=Trail(Path(sys.argv[2])).write)
with Dispatcher(policy, build_senders(found, environment={})) as running:
    for number in range(40):
        rule = f"rule {number}"
        running.submit(Alert(rule=rule, rule_index=0, kind="metric", at=1.0, because="b", actions=()))
    while running.books().alerts.delivered < 5:
        running.wait_idle(0.005)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_dispatcher_loses_nothing(tmp_path: Path) -> None:
    """All alerts that were taken in before SIGKILL arrive; at most the one in hand arrives twice, by the same id."""
    trail_path = tmp_path / "audit.trail"
    with HttpReceiver(tmp_path / "http.jsonl") as http:
        http.behave(Manner(delay=0.02))
        text = (
            f'[[channel]]\nname = "ops"\nkind = "slack"\nurl = "{http.url}"\n[[route]]\nchannels = ["ops"]\n'
        )
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, text, str(trail_path)], check=False, timeout=WAIT
        )
        assert ended.returncode == -signal.SIGKILL
        before = books(read_trail(trail_path))
        assert before.closes
        assert before.alerts.total == 40
        assert before.alerts.pending > 0
        http.behave()
        trail = Trail(trail_path)
        again = Policy(
            parse_notifications(text, "notify.toml"),
            seed="test",
            write=trail.write,
            trail=read_trail(trail_path),
        )
        with dispatcher(again) as running:
            assert running.wait_idle(WAIT)
        trail.close()
    taken = [receipt.delivery_id for receipt in receipts(http.journal)]
    assert len(set(taken)) == 40
    assert len(taken) - 40 <= 1
    assert books(read_trail(trail_path)).alerts.delivered == 40
