"""Events for PagerDuty and what understands them. PagerDuty developer docs, "Events API v2" and "PD-CEF"."""

from __future__ import annotations

import hashlib
from typing import Any

from ...model.notified import Delivery
from ...monitor.classification import PAGERDUTY
from .sentry import iso
from .slack import facts_of, headline_of

_MOST_SUMMARY = 1024
_MOST_KEY = 255


def pagerduty(delivery: Delivery, routing_key: str) -> dict[str, Any]:
    """``trigger``, ``acknowledge`` or ``resolve``, joined by the incident as ``dedup_key``."""
    notice = delivery.notice
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": delivery.action,
        "dedup_key": dedup_key(delivery.incident),
        "client": "pytest-sentry-harness",
        "client_url": delivery.url,
    }
    if delivery.action == "trigger":
        event["links"] = [{"href": delivery.url, "text": "Open in Sentry"}]
        event["payload"] = {
            "summary": headline_of(delivery)[:_MOST_SUMMARY],
            "source": notice.environment or notice.project or "sentry",
            "severity": PAGERDUTY[notice.severity],
            "timestamp": iso(notice.at),
            "component": notice.culprit or None,
            "group": notice.project or None,
            "class": notice.category,
            "custom_details": {
                "rule": notice.rule,
                "because": notice.because,
                "alert_id": delivery.alert_id,
                **dict(facts_of(notice)),
            },
        }
    return event


def dedup_key(incident: str) -> str:
    """The incident's key, or its SHA-256 when it is longer than the 255 characters that are allowed."""
    return incident if len(incident) <= _MOST_KEY else hashlib.sha256(incident.encode()).hexdigest()
