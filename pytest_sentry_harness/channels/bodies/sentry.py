"""The bodies of Sentry's own webhooks. Sentry docs, "Integration Platform: Webhooks", "Issue Alerts" and "Metric Alerts"."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ...model.notified import Delivery, Notice
from ...protocol.event_fields import tags_of

_ACTOR = {"id": "sentry", "name": "Sentry", "type": "application"}
_METRIC_STATUS = {"triggered": 20, "critical": 20, "warning": 10, "resolved": 2}
"""As incidents have it: 2 closed, 10 warning, 20 critical."""


def signature(secret: str, body: bytes) -> str:
    """``Sentry-Hook-Signature``: hex HMAC-SHA256 of the body with the client secret."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def request_id(delivery_id: str) -> str:
    """``Request-ID``: 32 hex digits, the same at each try."""
    return uuid.uuid5(uuid.NAMESPACE_OID, delivery_id).hex


def hook(delivery: Delivery) -> tuple[str, dict[str, Any]]:
    """Resource and body for the integration platform: ``metric_alert`` of metric rules, else ``event_alert``."""
    return (
        ("metric_alert", _metric(delivery))
        if delivery.notice.kind == "metric"
        else ("event_alert", _event_alert(delivery))
    )


def legacy(delivery: Delivery) -> dict[str, Any]:
    """The body of the older WebHooks plugin."""
    notice = delivery.notice
    return {
        "id": str(notice.issue or ""),
        "project": notice.project,
        "project_name": notice.project,
        "project_slug": notice.project,
        "logger": notice.event.get("logger"),
        "level": notice.level,
        "culprit": notice.culprit,
        "message": notice.title,
        "url": delivery.url,
        "triggering_rules": [notice.rule],
        "event": {**_event(delivery), "id": notice.event_id},
    }


def iso(at: float | None) -> str | None:
    """A time as Sentry writes it: ``2026-01-31T08:00:00.000000Z``; None when there is none."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _event_alert(delivery: Delivery) -> dict[str, Any]:
    return {
        "action": "triggered",
        "actor": _ACTOR,
        "data": {"event": _event(delivery), "triggered_rule": delivery.notice.rule},
        "installation": {"uuid": _installation(delivery)},
    }


def _event(delivery: Delivery) -> dict[str, Any]:
    notice, base = delivery.notice, _base(delivery)
    event = dict(notice.event)
    event["tags"] = [list(pair) for pair in _tags(notice)]
    api = f"{base}/api/0/projects/sentry/{notice.project or '0'}/events/{notice.event_id}/"
    return {
        **event,
        "event_id": notice.event_id,
        "project": int(notice.project) if notice.project.isascii() and notice.project.isdigit() else 0,
        "title": notice.title,
        "culprit": notice.culprit,
        "level": notice.level,
        "release": notice.release or None,
        "environment": notice.environment or None,
        "datetime": iso(notice.last_seen or notice.at),
        "message": event["message"] if isinstance(event.get("message"), str) else "",
        "url": api,
        "web_url": delivery.url,
        "issue_url": f"{base}/api/0/issues/{notice.issue or 0}/",
        "issue_id": str(notice.issue or 0),
    }


def _tags(notice: Notice) -> list[tuple[str, str]]:
    given = notice.event.get("tags")
    found = dict(tags_of(given, [])) if isinstance(given, dict | list) else {}
    for key, value in (
        ("level", notice.level),
        ("environment", notice.environment),
        ("release", notice.release),
    ):
        if value:
            found.setdefault(key, value)
    return list(found.items())


def _metric(delivery: Delivery) -> dict[str, Any]:
    notice = delivery.notice
    identifier = str(notice.rule_index + 1)
    action = "critical" if notice.status == "triggered" else notice.status
    if delivery.action == "resolve":
        action = "resolved"
    return {
        "action": action,
        "actor": _ACTOR,
        "data": {
            "description_title": f"{action.capitalize()}: {notice.rule}",
            "description_text": notice.because,
            "web_url": delivery.url,
            "metric_alert": {
                "id": identifier,
                "identifier": identifier,
                "organization_id": "1",
                "title": notice.rule,
                "type": 2,
                "status": _METRIC_STATUS[action],
                "status_method": 3,
                "projects": [notice.project] if notice.project else [],
                "date_started": iso(notice.at),
                "date_detected": iso(notice.at),
                "date_closed": iso(notice.at) if action == "resolved" else None,
                "alert_rule": {
                    "id": identifier,
                    "name": notice.rule,
                    "environment": notice.environment or None,
                    "projects": [notice.project] if notice.project else [],
                    "status": 0,
                    "triggers": [{"label": action, "alertThreshold": None}] if action != "resolved" else [],
                },
            },
        },
        "installation": {"uuid": _installation(delivery)},
    }


def _base(delivery: Delivery) -> str:
    parts = urlsplit(delivery.url)
    return f"{parts.scheme}://{parts.netloc}"


def _installation(delivery: Delivery) -> str:
    """One for each channel."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, delivery.channel))
