"""Rules, configurations and stores for tests of the live monitor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_sentry_harness.channels.redirect import BUILT_IN
from pytest_sentry_harness.model.arrival import Arrival
from pytest_sentry_harness.monitoring.config import MonitorConfig
from pytest_sentry_harness.monitoring.inputs import Inputs, read_inputs

SECRET = "s3cret-of-the-webhook"
_CONDITION = "sentry.rules.conditions"
FIRST_SEEN = {"id": f"{_CONDITION}.first_seen_event.FirstSeenEventCondition"}
FREQUENT = {
    "id": f"{_CONDITION}.event_frequency.EventFrequencyCondition",
    "value": 1,
    "interval": "1h",
    "comparisonType": "count",
}


def rule(name: str = "new issue", condition: dict[str, Any] = FIRST_SEEN, **more: Any) -> dict[str, Any]:
    """A rule of ``/rules/``."""
    return {
        "name": name,
        "actionMatch": "any",
        "filterMatch": "all",
        "frequency": 5,
        "conditions": [condition],
        "filters": [],
        "actions": [{"id": "sentry.mail.actions.NotifyEmailAction", "targetType": "IssueOwners"}],
        **more,
    }


def metric_rule(name: str = "errors", **more: Any) -> dict[str, Any]:
    """A rule of ``/alert-rules/``: more than one error in an hour."""
    return {
        "name": name,
        "aggregate": "count()",
        "dataset": "events",
        "query": "",
        "timeWindow": 60,
        "thresholdType": 0,
        "environment": "prod",
        "triggers": [{"label": "critical", "alertThreshold": 1, "actions": [{"type": "email"}]}],
        **more,
    }


def write_rules(folder: Path, *rules: dict[str, Any], name: str = "alerts.json") -> Path:
    """A file with these rules."""
    path = folder / name
    path.write_text(json.dumps(list(rules)), encoding="utf-8")
    return path


def inputs(folder: Path, *rules: dict[str, Any], **more: Any) -> Inputs:
    """What is read of these rules."""
    return read_inputs(rules=[write_rules(folder, *rules)], notify=None, **more)


def config(folder: Path, port: int, *rules: dict[str, Any], **more: Any) -> MonitorConfig:
    """Of a monitor that follows ``folder/store`` and writes to ``folder``."""
    given = {
        "store": str(folder / "store"),
        "folder": str(folder),
        "seed": "test",
        "rules": (str(write_rules(folder, *(rules or (rule(),)))),),
        "ports": {BUILT_IN: port},
        "secrets": {BUILT_IN: SECRET},
        "patience": 30.0,
    }
    return MonitorConfig(**{**given, **more})


def arrival(cursor: int = 1, item_type: str = "event", **more: Any) -> Arrival:
    """Something accepted."""
    given = {
        "request": cursor,
        "position": 0,
        "project": "1",
        "received_at": 1000.0,
        "received_mono": 1.0,
        "status": 200,
        "outcome": "accepted",
        "event_id": f"{cursor:032x}",
    }
    return Arrival(cursor=cursor, item_type=item_type, **{**given, **more})


def payload(kind: str = "ValueError", **more: Any) -> bytes:
    """The payload of an event with one exception."""
    data = {"exception": {"values": [{"type": kind, "value": "bad"}]}, "environment": "prod", **more}
    return json.dumps(data).encode()
