"""Alerts and settings for tests of notifications."""

from __future__ import annotations

from typing import Any, Literal

from pytest_sentry_harness.model.monitored import Alert, Event, Issue
from pytest_sentry_harness.model.notified import Delivery, Noted, Outcome
from pytest_sentry_harness.monitor.notifications import Notifications, Policy, parse_notifications

OK = Outcome(delivered=True, status=200, seconds=0.01)
DOWN = Outcome(delivered=False, error="ConnectionRefusedError: refused")
GONE = Outcome(delivered=False, status=404, error="answered 404", retry=False)

CHANNELS = """
[[channel]]
name = "ops"
kind = "webhook"
url = "http://127.0.0.1:1/hook"
secret = "s3cret"

[[channel]]
name = "mail"
kind = "email"
host = "127.0.0.1"
sender = "sentry@example.com"
recipients = ["ops@example.com"]

[[channel]]
name = "pager"
kind = "pagerduty"
secret = "routing-key"
"""
ALL = '\n[[route]]\nchannels = ["ops"]\n'


def settings(text: str = ALL, channels: str = CHANNELS) -> Notifications:
    return parse_notifications(channels + text, "notify.toml")


def policy(text: str = ALL, channels: str = CHANNELS, **options: Any) -> Policy:
    return Policy(settings(text, channels), seed="test", **options)


def alert(
    rule: str = "High volume",
    *,
    number: int | None = 1,
    at: float = 0.0,
    status: Literal["triggered", "critical", "warning", "resolved"] = "triggered",
    data: Any = None,
    title: str = "ValueError: bad",
    project: str = "1",
    release: str = "",
) -> Alert:
    if number is None:
        return Alert(
            rule=rule,
            rule_index=2,
            kind="metric",
            at=at,
            because="5 > 4",
            actions=(),
            status=status,
            value=5.0,
        )
    content = {"environment": "prod", "level": "error"} if data is None else data
    if release:
        content = {**content, "release": release}
    return Alert(
        rule=rule,
        rule_index=0,
        kind="issue",
        at=at,
        because="5 events in 1m > 4",
        actions=(),
        status=status,
        issue=Issue(
            number=number,
            project=project,
            hash="0" * 32,
            title=title,
            culprit="app.views",
            level="error",
            state="new",
            first_seen=at,
            last_seen=at,
            times_seen=5,
            first_release="",
        ),
        event=Event(cursor=1, received_at=at, project=project, event_id="ab" * 16, data=content),
    )


def play(under_test: Policy, now: float, outcome: Outcome = OK) -> list[Delivery]:
    """Send all that is due now, with that outcome."""
    found = list(under_test.due(now))
    for delivery in found:
        assert under_test.report(delivery.delivery_id, outcome, now)
    return found


def kinds(under_test: Policy) -> list[str]:
    return [record.KIND for record in under_test.trail]


def of_kind(under_test: Policy, kind: type[Noted]) -> list[Any]:
    return [record for record in under_test.trail if isinstance(record, kind)]
