"""Deliveries, channels and settings for tests of channels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_sentry_harness.channels.lines import read_receipts
from pytest_sentry_harness.model.monitored import Alert, Event, Issue
from pytest_sentry_harness.model.notified import Delivery, Receipt
from pytest_sentry_harness.monitor.notifications import (
    Channel,
    Notifications,
    Policy,
    notice_of,
    parse_notifications,
)

SECRET = "c1ient-s3cret"
ALERT_ID = "0123456789abcdef" * 2
URL = f"http://127.0.0.1/organizations/sentry/issues/7/?referrer=alert&notification_uuid={ALERT_ID}"


def alert(
    rule: str = "High volume", *, number: int | None = 7, title: str = "ValueError: <b> & co", **more: Any
) -> Alert:
    if number is None:
        more = {
            "rule": rule,
            "rule_index": 2,
            "kind": "metric",
            "at": 1.5,
            "because": "5 > 4",
            "actions": (),
            "value": 5.0,
        } | more
        return Alert(**more)
    issue = Issue(
        number=number,
        project="1",
        hash="0" * 32,
        title=title,
        culprit="app.views in get",
        level="error",
        state="new",
        first_seen=1.0,
        last_seen=1.5,
        times_seen=5,
    )
    data = {
        "event_id": "ab" * 16,
        "environment": "prod",
        "release": "1.0",
        "tags": {"region": "eu"},
        "exception": {"values": [{"type": "ValueError", "value": "<b> & co"}]},
    }
    event = Event(cursor=1, received_at=1.5, project="1", event_id="ab" * 16, data=data)
    return Alert(
        rule=rule,
        rule_index=0,
        kind="issue",
        at=1.5,
        because="5 events > 4",
        actions=(),
        issue=issue,
        event=event,
        **more,
    )


def delivery(raised: Alert | None = None, **more: Any) -> Delivery:
    found = Delivery(
        delivery_id=f"{ALERT_ID}.0.ops",
        alert_id=ALERT_ID,
        channel="ops",
        incident="High volume/1/7",
        action="trigger",
        attempt=1,
        step=0,
        url=URL,
        notice=notice_of(raised or alert()),
    )
    return replace(found, **more)


def channel(kind: Any = "webhook", url: str = "http://127.0.0.1:1/hook/T0KEN", **more: Any) -> Channel:
    return Channel(name="ops", kind=kind, url=url, **({"secret": SECRET} | more))


def mail_channel(port: int, **more: Any) -> Channel:
    options = {
        "host": "127.0.0.1",
        "port": port,
        "sender": "sentry@example.com",
        "recipients": ("ops@example.com",),
    }
    return Channel(name="mail", kind="email", **(options | more))


def settings(channels: dict[str, str], more: str = "") -> Notifications:
    """Channels by name: their tables without the name; every alert goes to all of them."""
    tables = "".join(f'[[channel]]\nname = "{name}"\n{table}\n' for name, table in channels.items())
    return parse_notifications(f"{tables}[[route]]\nchannels = {list(channels)}\n{more}", "notify.toml")


def policy(channels: dict[str, str], more: str = "", **options: Any) -> Policy:
    return Policy(settings(channels, more), seed="test", **options)


def receipts(path: Path) -> list[Receipt]:
    return list(read_receipts(path))
