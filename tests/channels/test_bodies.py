"""What notifications look like: as documented by whoever reads them."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from email import message_from_bytes, policy

from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.channels.bodies.mail import mail
from pytest_sentry_harness.channels.bodies.pagerduty import dedup_key, pagerduty
from pytest_sentry_harness.channels.bodies.sentry import hook, iso, legacy, request_id, signature
from pytest_sentry_harness.channels.bodies.slack import slack
from pytest_sentry_harness.channels.sender import render_webhook

from .building import ALERT_ID, SECRET, URL, alert, channel, delivery, mail_channel


def test_an_issue_alert_hook() -> None:
    """Sentry docs, "Issue Alerts": the keys that are documented, each with its type."""
    resource, body = hook(delivery())
    assert resource == "event_alert"
    assert body["action"] == "triggered"
    assert body["actor"] == {"id": "sentry", "name": "Sentry", "type": "application"}
    assert body["data"]["triggered_rule"] == "High volume"
    event = body["data"]["event"]
    assert event["title"] == "ValueError: <b> & co"
    assert event["web_url"] == URL
    assert event["issue_id"] == "7"
    assert event["issue_url"] == "http://127.0.0.1/api/0/issues/7/"
    assert event["url"] == f"http://127.0.0.1/api/0/projects/sentry/1/events/{'ab' * 16}/"
    assert event["event_id"] == "ab" * 16
    assert event["project"] == 1
    assert ["region", "eu"] in event["tags"]
    assert ["environment", "prod"] in event["tags"]
    assert event["datetime"] == "1970-01-01T00:00:01.500000Z"
    assert event["exception"]["values"][0]["type"] == "ValueError"
    assert set(body["installation"]) == {"uuid"}


def test_a_metric_alert_hook() -> None:
    """Sentry docs, "Metric Alerts": action, title, and the rule."""
    for status, action, number in (
        ("critical", "critical", 20),
        ("warning", "warning", 10),
        ("resolved", "resolved", 2),
    ):
        resource, body = hook(delivery(alert(number=None, status=status)))
        assert resource == "metric_alert"
        assert body["action"] == action
        data = body["data"]
        assert data["description_title"] == f"{action.capitalize()}: High volume"
        assert data["description_text"] == "5 > 4"
        assert data["web_url"] == URL
        assert data["metric_alert"]["status"] == number
        assert data["metric_alert"]["alert_rule"]["name"] == "High volume"
        assert (data["metric_alert"]["date_closed"] is not None) == (action == "resolved")
    assert hook(delivery(alert(number=None), action="resolve"))[1]["action"] == "resolved"
    assert hook(delivery(alert(number=None)))[1]["action"] == "critical"


def test_the_headers_of_a_hook() -> None:
    """The signature is the HMAC-SHA256 of exactly the body that goes out; the id is the same at each try."""
    request = render_webhook(delivery(), channel())
    assert request.headers["Sentry-Hook-Resource"] == "event_alert"
    assert (
        request.headers["Sentry-Hook-Signature"]
        == hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    )
    assert request.headers["Request-ID"] == request_id(delivery().delivery_id)
    assert len(request.headers["Request-ID"]) == 32
    assert request.headers["Sentry-Hook-Timestamp"].isdigit()
    # As anybody can compute it: printf %s body | openssl dgst -sha256 -hmac secret
    assert signature("key", b"The quick brown fox jumps over the lazy dog") == (
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )


def test_the_legacy_hook() -> None:
    """The keys of the older plugin."""
    body = legacy(delivery())
    assert {key: body[key] for key in ("id", "project", "level", "message", "url", "triggering_rules")} == {
        "id": "7",
        "project": "1",
        "level": "error",
        "message": "ValueError: <b> & co",
        "url": URL,
        "triggering_rules": ["High volume"],
    }
    assert body["event"]["event_id"] == body["event"]["id"] == "ab" * 16


def test_slack() -> None:
    """What has a meaning for Slack is escaped, limits are kept, and the link names the alert."""
    body = slack(delivery())
    attachment = body["attachments"][0]
    assert body["text"] == "[1] ValueError: &lt;b&gt; &amp; co"
    assert (
        attachment["blocks"][0]["text"]["text"]
        == f"*<{URL}|[1] ValueError: &lt;b&gt; &amp; co>*\n5 events &gt; 4"
    )
    assert attachment["color"] == "#F1A417"
    assert ALERT_ID in attachment["blocks"][-1]["elements"][0]["text"]
    assert slack(delivery(action="resolve"))["attachments"][0]["color"] == "#4DC771"
    assert slack(delivery(action="resolve"))["text"].startswith("[1] Resolved: ")
    assert slack(delivery(alert(number=None, status="warning")))["text"] == "Warning: High volume"
    bare = replace(
        delivery().notice,
        severity="low",
        environment="",
        release="",
        times_seen=0,
        culprit="",
        issue_state="",
    )
    assert (
        "*Severity:* low"
        in slack(delivery(notice=bare))["attachments"][0]["blocks"][1]["elements"][0]["text"]
    )
    for block in slack(delivery(alert(title="&" * 9999)))["attachments"][0]["blocks"]:
        assert len(json.dumps(block)) < 8000


def test_pagerduty() -> None:
    """PagerDuty developer docs: a payload with the trigger, none with what follows, joined by the key."""
    trigger = pagerduty(delivery(), SECRET)
    assert (trigger["routing_key"], trigger["event_action"]) == (SECRET, "trigger")
    assert trigger["dedup_key"] == "High volume/1/7"
    assert trigger["payload"]["summary"] == "[1] ValueError: <b> & co"
    assert trigger["payload"]["severity"] == "warning"
    assert trigger["payload"]["source"] == "prod"
    assert trigger["payload"]["custom_details"]["alert_id"] == ALERT_ID
    resolve = pagerduty(delivery(action="resolve"), SECRET)
    assert set(resolve) == {"routing_key", "event_action", "dedup_key", "client", "client_url"}
    assert len(dedup_key("x" * 256)) == 64
    assert pagerduty(delivery(alert(number=None)), SECRET)["payload"]["source"] == "sentry"


def test_no_time_is_no_text() -> None:
    """What is not known is null."""
    assert iso(None) is None


def test_mail() -> None:
    """Headers for filters, the link for people, an id for receivers."""
    message = mail(delivery(), mail_channel(25), 1.0)
    assert message["Subject"] == "[1] ValueError: <b> & co"
    assert message["Message-ID"] == f"<{ALERT_ID}.0.ops@sentry-harness.invalid>"
    assert message["X-Sentry-Project"] == "1"
    assert message["Date"] == "Thu, 01 Jan 1970 00:00:01 -0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert URL in message.get_content()
    assert "X-Sentry-Project" not in mail(delivery(alert(number=None)), mail_channel(25), 1.0)


@given(st.text(st.characters(), max_size=400), st.text(max_size=300))
def test_no_text_adds_a_header(title: str, rule: str) -> None:
    """Whatever an event is called, the message has the headers it should have, and a bounded subject."""
    hostile = f"x\r\nBcc: evil@example.com\r\n\r\n{title}"
    message = mail(delivery(alert(rule or "r", title=hostile)), mail_channel(25), 1.0)
    parsed = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert set(parsed.keys()) <= {
        "Subject",
        "From",
        "To",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "X-Sentry-Project",
        "X-Sentry-Logger-Level",
        "X-Sentry-Rule",
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    }
    assert parsed["To"] == "ops@example.com"
    assert len(parsed["Subject"]) <= 200
    assert URL in parsed.get_content()
