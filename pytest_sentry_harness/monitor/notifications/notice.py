"""From an alert to what a notification says of it: everything bounded, whatever the event held."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ...model.classified import Category, Classified, Severity
from ...model.monitored import Alert
from ...model.notified import Notice
from ..alerts.attributes import environment_of, level_of, release_of
from ..classification import classify
from ..fields.events import title_of
from .settings import Notifications

_TEXT = 500
_EVENT_KEYS = (
    "event_id",
    "timestamp",
    "level",
    "platform",
    "logger",
    "transaction",
    "release",
    "environment",
    "server_name",
    "type",
    "message",
    "logentry",
    "tags",
    "exception",
    "user",
    "request",
    "contexts",
    "sdk",
    "fingerprint",
    "extra",
)
"""What a notification carries of an event, the most important first, until the budget is spent."""
_BUDGET = 32_768
_DEEPEST = 12
_METRIC: dict[str, Severity] = {
    "critical": "critical",
    "triggered": "high",
    "warning": "medium",
    "resolved": "low",
}


def notice_of(
    alert: Alert,
    *,
    classified: Classified | None = None,
    severity: Severity | None = None,
    project: str = "",
    environment: str = "",
) -> Notice:
    """What a notification says of ``alert``.

    Category and severity are those of ``classified``, else of the event; an alert without an event has the category
    ``unknown`` and a severity by its status. ``severity`` overrules both. Never raises, whatever the event holds.
    """
    issue, event = alert.issue, alert.event
    data: Mapping[str, Any] = event.data if event is not None and isinstance(event.data, Mapping) else {}
    if classified is None and event is not None:
        classified = classify(data)
    category: Category = classified.category if classified else "unknown"
    found: Severity = classified.severity if classified else _METRIC[alert.status]
    title = issue.title if issue else title_of(data) if event else alert.rule
    return Notice(
        rule=clean(alert.rule),
        rule_index=alert.rule_index,
        kind=alert.kind,
        status=alert.status,
        at=alert.at,
        because=clean(alert.because),
        severity=severity or found,
        category=category,
        title=clean(title),
        culprit=clean(issue.culprit) if issue else "",
        level=clean(issue.level if issue else level_of(data) if event else "error"),
        project=clean(issue.project if issue else event.project if event else project),
        environment=clean(environment_of(data) or environment),
        release=clean(release_of(data)),
        issue=issue.number if issue else None,
        issue_hash=clean(issue.hash if issue else ""),
        issue_state=issue.state if issue else "",
        first_seen=issue.first_seen if issue else None,
        last_seen=issue.last_seen if issue else None,
        times_seen=issue.times_seen if issue else 0,
        event_id=clean(event.event_id if event else ""),
        event=excerpt(data),
        value=alert.value if alert.value is not None and math.isfinite(alert.value) else None,
    )


def has_actions(alert: Alert) -> bool:
    """Whether its rule tells anybody: it has an action, and one of them at least is not switched off."""
    return any(action.get("status") != "disabled" for action in alert.actions)


def incident_of(notice: Notice) -> str:
    """What stays open until it is resolved: a rule, for each issue that it concerns."""
    return notice.rule if notice.issue is None else f"{notice.rule}/{notice.project}/{notice.issue}"


def link_of(settings: Notifications, notice: Notice, alert_id: str) -> str:
    """Where people look at it, as Sentry's links in notifications are made: with the id of the notification."""
    base = f"{settings.url}/organizations/{quote(settings.organization, safe='')}"
    if notice.issue is not None:
        page = f"{base}/issues/{notice.issue}/"
        if notice.event_id:
            page += f"events/{quote(notice.event_id, safe='')}/"
    elif notice.kind == "metric":
        page = f"{base}/alerts/rules/details/{notice.rule_index + 1}/"
    else:
        page = f"{base}/issues/"
    return f"{page}?referrer=alert&alert_rule_id={notice.rule_index + 1}&notification_uuid={alert_id}"


def clean(text: object, most: int = _TEXT) -> str:
    """One line of text: no control characters, no lone surrogates, at most ``most`` characters."""
    line = " ".join(str(text)[: 4 * most].split())
    line = "".join(character for character in line if character.isprintable())
    line = line.encode("utf-8", "replace").decode()
    return line if len(line) <= most else line[: most - 1] + "…"


def excerpt(data: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a payload that a notification carries: known keys, at most about 32 KiB, whatever came in."""
    budget = [_BUDGET]
    found = {}
    for key in _EVENT_KEYS:
        if key in data and budget[0] > 0:
            found[key] = _bounded(data[key], budget, _DEEPEST)
    return found


def _bounded(value: Any, budget: list[int], depth: int) -> Any:
    """``value`` as JSON can hold it, shortened when ``budget`` (bytes, roughly) runs out."""
    if isinstance(value, str):
        text = value[: max(min(len(value), budget[0]), 0)].encode("utf-8", "replace").decode()
        budget[0] -= len(text) + 4
        return text
    budget[0] -= 8
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)[:40] if abs(value) < 2**200 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth <= 0 or not isinstance(value, Mapping | list | tuple):
        return None
    if isinstance(value, Mapping):
        mapping: dict[str, Any] = {}
        for key, entry in value.items():
            if budget[0] <= 0:
                break
            mapping[_bounded(str(key)[:200], budget, 0)] = _bounded(entry, budget, depth - 1)
        return mapping
    entries = []
    # The last entries of a list tell most: the exception that was raised, the frame it was raised in.
    for entry in reversed(value):
        if budget[0] <= 0:
            break
        entries.append(_bounded(entry, budget, depth - 1))
    return entries[::-1]
