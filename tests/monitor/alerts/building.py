"""Rules and events for the tests of alerts, as short as they can be written."""

from __future__ import annotations

import json
from typing import Any

from pytest_sentry_harness.model.monitored import Alert, Event, Grouping, Issue, IssueState, Seen
from pytest_sentry_harness.monitor.alerts.evaluator import Evaluator
from pytest_sentry_harness.monitor.alerts.model import Rules
from pytest_sentry_harness.monitor.alerts.read import read_rules

START = 1_767_225_600.0
CONDITIONS = "sentry.rules.conditions."
FILTERS = "sentry.rules.filters."
EVERY = {"id": f"{CONDITIONS}every_event.EveryEventCondition"}
FIRST = {"id": f"{CONDITIONS}first_seen_event.FirstSeenEventCondition"}
REGRESSION = {"id": f"{CONDITIONS}regression_event.RegressionEventCondition"}
REAPPEARED = {"id": f"{CONDITIONS}reappeared_event.ReappearedEventCondition"}
_GROUPING = Grouping(hashes=("0" * 32,), variant="app", title="t", culprit="", components=())


def frequency(value: float, interval: str = "1m", name: str = "EventFrequencyCondition", **more: Any) -> Any:
    return {"id": f"{CONDITIONS}event_frequency.{name}", "interval": interval, "value": value, **more}


def level(match: str, number: int) -> Any:
    return {"id": f"{FILTERS}level.LevelFilter", "match": match, "level": str(number)}


def tag(key: str, match: str, value: str | None = None) -> Any:
    return {"id": f"{FILTERS}tagged_event.TaggedEventFilter", "key": key, "match": match, "value": value}


def attribute(name: str, match: str, value: str | None = None) -> Any:
    return {
        "id": f"{FILTERS}event_attribute.EventAttributeFilter",
        "attribute": name,
        "match": match,
        "value": value,
    }


def issue_rule(*conditions: Any, filters: Any = (), **more: Any) -> dict[str, Any]:
    return {
        "name": "r",
        "actionMatch": "all",
        "filterMatch": "all",
        "frequency": 5,
        "conditions": list(conditions),
        "filters": list(filters),
        "actions": [{"id": "sentry.mail.actions.NotifyEmailAction"}],
    } | more


def metric_rule(*triggers: tuple[str, float], **more: Any) -> dict[str, Any]:
    return {
        "name": "m",
        "dataset": "events",
        "aggregate": "count()",
        "query": "",
        "timeWindow": 1,
        "thresholdType": 0,
        "triggers": [
            {"label": label, "alertThreshold": value, "actions": [{"type": "email", "of": label}]}
            for label, value in triggers
        ],
    } | more


def workflow(*triggers: Any, filters: Any = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": "w",
        "config": {"frequency": 0},
        "triggers": {"logicType": "any-short", "conditions": list(triggers)},
        "actionFilters": filters
        if filters is not None
        else [{"logicType": "all", "conditions": [], "actions": [{"type": "email"}]}],
    }
    return found | more


def detector(*conditions: tuple[str, float, int], **more: Any) -> dict[str, Any]:
    source = {"aggregate": "count()", "dataset": "events", "query": "", "timeWindow": 60}
    return {
        "name": "d",
        "type": "metric_issue",
        "dataSources": [source | more.pop("source", {})],
        "config": {"detectionType": "static"},
        "conditionGroup": {
            "logicType": "any",
            "conditions": [
                {"type": op, "comparison": value, "conditionResult": result}
                for op, value, result in conditions
            ],
        },
    } | more


def rules(*documents: Any) -> Rules:
    return read_rules(json.dumps(list(documents)), "alerts.json")


def warnings(*documents: Any) -> list[str]:
    return [str(warning) for warning in rules(*documents).warnings]


def evaluator(*documents: Any, **settings: Any) -> Evaluator:
    return Evaluator(rules(*documents), **settings)


def seen(
    at: float = 0.0,
    *,
    number: int = 1,
    times: int = 1,
    first: float | None = None,
    state: IssueState = "ongoing",
    is_new: bool = False,
    is_regression: bool = False,
    has_reappeared: bool = False,
    first_release: str = "",
    **data: Any,
) -> Seen:
    """An event at ``at`` seconds after ``START``; what else is given is its payload."""
    event = Event(cursor=1, received_at=START + at, project="1", event_id="0" * 32, data=data)
    issue = Issue(
        number=number,
        project="1",
        hash="0" * 32,
        title="t",
        culprit="",
        level="error",
        state=state,
        first_seen=START + (at if first is None else first),
        last_seen=START + at,
        times_seen=times,
        first_release=first_release,
    )
    return Seen(
        event=event,
        issue=issue,
        grouping=_GROUPING,
        is_new=is_new,
        is_regression=is_regression,
        has_reappeared=has_reappeared,
    )


def told(alerts: list[Alert]) -> list[tuple[str, float, str]]:
    return [(alert.rule, round(alert.at - START, 3), alert.status) for alert in alerts]
