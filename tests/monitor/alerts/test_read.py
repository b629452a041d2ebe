"""Files of alert rules: what is understood, and what is refused with which words."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import HarnessError, RulesError
from pytest_sentry_harness.monitor.alerts.checks import (
    AdoptedRelease,
    Age,
    Always,
    Assigned,
    Category,
    Frequency,
    LatestRelease,
    Level,
    Match,
    Occurrences,
    Priority,
    State,
)
from pytest_sentry_harness.monitor.alerts.evaluator import Evaluator
from pytest_sentry_harness.monitor.alerts.model import IssueRule, MetricRule
from pytest_sentry_harness.monitor.alerts.read import read_rules

from .building import (
    CONDITIONS,
    EVERY,
    FILTERS,
    FIRST,
    detector,
    frequency,
    issue_rule,
    level,
    metric_rule,
    rules,
    tag,
    workflow,
)
from .building import attribute as attribute_filter

LEGACY: list[tuple[dict[str, Any], object]] = [
    (EVERY, Always()),
    (FIRST, State("first_seen")),
    ({"id": f"{CONDITIONS}regression_event.RegressionEventCondition"}, State("regression")),
    ({"id": f"{CONDITIONS}reappeared_event.ReappearedEventCondition"}, State("reappeared")),
    ({"id": f"{CONDITIONS}new_high_priority_issue.NewHighPriorityIssueCondition"}, State("new_high")),
    (
        {"id": f"{CONDITIONS}existing_high_priority_issue.ExistingHighPriorityIssueCondition"},
        State("existing_high"),
    ),
    (frequency(100, "1h"), Frequency("events", 100, 3600)),
    (frequency("100", "1h"), Frequency("events", 100, 3600)),  # type: ignore[arg-type]
    (
        frequency(
            50, "5m", "EventUniqueUserFrequencyCondition", comparisonType="percent", comparisonInterval="1w"
        ),
        Frequency("users", 50, 300, 604800),
    ),
    (frequency(1.5, "10m", "EventFrequencyPercentCondition"), Frequency("sessions", 1.5, 600)),
    (
        frequency(5, "1m", "EventUniqueUserFrequencyConditionWithConditions", filters=[tag("a", "is")]),
        Frequency("users", 5, 60, None, (Match("tag", "a", "is"),)),
    ),
    (
        {
            "id": f"{FILTERS}age_comparison.AgeComparisonFilter",
            "comparison_type": "older",
            "value": 3,
            "time": "day",
        },
        Age(True, 259200),
    ),
    (
        {
            "id": f"{FILTERS}age_comparison.AgeComparisonFilter",
            "comparison_type": "older",
            "value": -3,
            "time": "day",
        },
        Age(False, 259200),
    ),
    ({"id": f"{FILTERS}issue_occurrences.IssueOccurrencesFilter", "value": "10"}, Occurrences(10)),
    ({"id": f"{FILTERS}assigned_to.AssignedToFilter", "targetType": "Unassigned"}, Assigned()),
    (
        {"id": f"{FILTERS}assigned_to.AssignedToFilter", "targetType": "Team", "targetIdentifier": 4},
        Assigned("team 4"),
    ),
    ({"id": f"{FILTERS}latest_release.LatestReleaseFilter"}, LatestRelease()),
    (
        {
            "id": f"{FILTERS}latest_adopted_release_filter.LatestAdoptedReleaseFilter",
            "oldest_or_newest": "oldest",
            "older_or_newer": "newer",
            "environment": "prod",
        },
        AdoptedRelease(True, False, "prod"),
    ),
    ({"id": f"{FILTERS}issue_category.IssueCategoryFilter", "value": "1"}, Category(1)),
    (attribute_filter("HTTP.url", "co", "/pay"), Match("attribute", "http.url", "co", "/pay")),
    (tag("region", "ns"), Match("tag", "region", "ns")),
    (level("gte", 40), Level("gte", 40)),
]


@pytest.mark.parametrize("written,check", LEGACY, ids=lambda value: str(value)[:60])
def test_conditions_of_the_old_generation(written: dict[str, Any], check: object) -> None:
    """Each documented id becomes the check it stands for, and says in words what it asks."""
    (rule,) = rules(issue_rule(written)).rules
    assert isinstance(rule, IssueRule)
    (condition,) = rule.triggers.conditions
    assert condition.check == check
    assert condition.text


NEW: list[tuple[str, Any, object]] = [
    ("age_comparison", {"time": "hour", "value": 2, "comparisonType": "newer"}, Age(False, 7200)),
    ("age_comparison", {"time": "hour", "value": 2, "comparison_type": "newer"}, Age(False, 7200)),
    ("assigned_to", {"target_type": "Member", "target_identifier": "7"}, Assigned("member 7")),
    ("issue_category", {"value": 1}, Category(1)),
    ("issue_category", {"value": 1, "include": False}, Category(1, False)),
    ("issue_occurrences", {"value": 5}, Occurrences(5)),
    ("issue_priority_deescalating", True, Priority(None)),
    ("issue_priority_greater_or_equal", 75, Priority(75)),
    ("issue_priority_greater_or_equal", {"value": 50}, Priority(50)),
    ("event_frequency_count", {"value": 3, "interval": "15m"}, Frequency("events", 3, 900)),
    (
        "event_frequency_percent",
        {"value": 3, "interval": "15m", "comparison_interval": "1d"},
        Frequency("events", 3, 900, 86400),
    ),
    (
        "event_unique_user_frequency_count",
        {"value": 3, "interval": "1d", "filters": [{"attribute": "platform", "match": "eq", "value": "x"}]},
        Frequency("users", 3, 86400, None, (Match("attribute", "platform", "eq", "x"),)),
    ),
    (
        "event_unique_user_frequency_percent",
        {"value": 3, "interval": "1d", "comparisonInterval": "5m", "filters": [{"key": "a", "match": "ns"}]},
        Frequency("users", 3, 86400, 300, (Match("tag", "a", "ns"),)),
    ),
    ("percent_sessions_count", {"value": 2.5, "interval": "30m"}, Frequency("sessions", 2.5, 1800)),
    (
        "percent_sessions_percent",
        {"value": 2, "interval": "1h", "comparisonInterval": "1w"},
        Frequency("sessions", 2, 3600, 604800),
    ),
    (
        "event_attribute",
        {"attribute": "message", "match": "ew", "value": "!"},
        Match("attribute", "message", "ew", "!"),
    ),
    ("tagged_event", {"key": "a:b", "match": "in", "value": "1,2"}, Match("tag", "a:b", "in", "1,2")),
    ("latest_release", True, LatestRelease()),
    (
        "latest_adopted_release",
        {"releaseAgeType": "newest", "ageComparison": "older", "environment": "prod"},
        AdoptedRelease(False, True, "prod"),
    ),
    ("level", {"level": 40, "match": "eq"}, Level("eq", 40)),
    ("first_seen_event", True, State("first_seen")),
]


@pytest.mark.parametrize("kind,comparison,check", NEW, ids=lambda value: str(value)[:50])
def test_conditions_of_the_new_generation(kind: str, comparison: Any, check: object) -> None:
    """Each documented type becomes the same check as its older form; camelCase and snake_case are one."""
    unit = {"logicType": "any", "conditions": [{"type": kind, "comparison": comparison}], "actions": []}
    (rule,) = rules(workflow(filters=[unit])).rules
    assert isinstance(rule, IssueRule)
    assert rule.filters[0].group.logic == "any"
    (condition,) = rule.filters[0].group.conditions
    assert condition.check == check
    assert condition.text


@pytest.mark.parametrize(
    "document,kinds",
    [
        (issue_rule(EVERY), ["r"]),
        ([issue_rule(EVERY), metric_rule(("critical", 1))], ["r", "m"]),
        ({"rules": [issue_rule(EVERY)], "alertRules": [metric_rule(("critical", 1))]}, ["r", "m"]),
        ({"alert_rules": [metric_rule(("critical", 1))], "rules": []}, ["m"]),
        ({"workflows": [workflow()], "detectors": [detector(("gt", 1, 75))]}, ["w", "d"]),
        ([workflow(), detector(("gt", 1, 75)), {"name": "e", "type": "error", "id": "3"}], ["w", "d"]),
        ([], []),
    ],
)
def test_shapes_of_files(document: Any, kinds: list[str]) -> None:
    """One rule, a list of any kind, or lists by kind; detectors of errors are known and need no rule."""
    read = read_rules(json.dumps(document), "a.json")
    assert [rule.name for rule in read.rules] == kinds
    assert [rule.index for rule in read.rules] == list(range(len(kinds)))


def test_what_sentry_answers_is_read() -> None:
    """An exported rule holds more than was sent: ids, dates, names of conditions, who made it."""
    answer = issue_rule(
        {**FIRST, "name": "A new issue is created"},
        id="12",
        dateCreated="2026-01-01T00:00:00Z",
        createdBy={"id": 1},
        projects=["web"],
        status="active",
        snooze=False,
        lastTriggered=None,
        environment=None,
        owner=None,
    )
    source = {
        "id": "1",
        "organizationId": "1",
        "type": "snuba_query_subscription",
        "sourceId": "2",
        "queryObj": {
            "id": "5",
            "status": 0,
            "snubaQuery": {
                "id": "3",
                "dataset": "generic_metrics",
                "query": "transaction:/pay",
                "aggregate": "p95(transaction.duration)",
                "timeWindow": 3600,
                "environment": "prod",
                "eventTypes": ["transaction"],
            },
        },
    }
    from_api = detector(("gt", 500, 75), ("lte", 500, 0), id="9", dateCreated="x", openIssues=0)
    from_api["dataSources"] = [source]
    from_api["conditionGroup"] |= {"id": "1", "organizationId": "1", "actions": []}
    from_api["config"] = {"detectionType": "percent", "comparisonDelta": 3600}
    first, second = rules(answer, from_api).rules
    assert (first.id, first.enabled) == ("12", True) if isinstance(first, IssueRule) else False
    assert isinstance(second, MetricRule)
    assert (second.dataset, second.window, second.environment) == ("transactions", 3600, "prod")
    assert (second.comparison, second.id, second.stateful) == (3600, "9", True)


def test_a_metric_rule_of_the_old_generation() -> None:
    """Minutes become seconds; the critical trigger comes first; datasets are what they look at."""
    written = metric_rule(
        ("warning", 70),
        ("critical", 100),
        timeWindow=5,
        resolveThreshold=50,
        comparisonDelta=60,
        thresholdPeriod=2,
    )
    (rule,) = rules(written).rules
    assert isinstance(rule, MetricRule)
    assert (rule.window, rule.comparison, rule.period) == (300, 3600, 2)
    assert [(t.label, t.op, t.value) for t in rule.thresholds] == [
        ("critical", "gt", 200),
        ("warning", "gt", 170),
    ]
    assert [(t.op, t.value) for t in rule.resolve] == [("lt", 150)]
    crash_free = metric_rule(
        ("critical", 95),
        dataset="metrics",
        queryType=2,
        thresholdType=1,
        aggregate="percentage(sessions_crashed, sessions) AS _crash_rate_alert_aggregate",
    )
    (rule,) = rules(crash_free).rules
    assert isinstance(rule, MetricRule)
    assert (rule.dataset, rule.thresholds[0].op) == ("sessions", "lt")


def _without(document: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != key}


def _with_filter(kind: str, comparison: Any) -> dict[str, Any]:
    return workflow(filters=[{"logicType": "all", "conditions": [{"type": kind, "comparison": comparison}]}])


BAD: list[tuple[Any, str, str, str]] = [
    (3, "a.json", "expected rules, got a number", "write one rule, a list of rules"),
    ([3], "a.json: [0]", "expected an object, got a number", ""),
    ({"a": 1}, "a.json", "this is no alert rule", "a detector type, dataSources, conditionGroup"),
    (
        {"rules": [], "workflow": []},
        "a.json: workflow",
        "unknown key 'workflow'",
        "did you mean 'workflows'?",
    ),
    ({"rules": [], "detectors": {}}, "a.json: detectors", "must be a list, got an object", ""),
    (_without(issue_rule(), "name"), "a.json", "name is missing", "add 'name'"),
    (issue_rule(name=" "), "a.json: name", "name is empty", ""),
    (issue_rule(name="x" * 257), "a.json: name", "257 characters", "at most 256"),
    (issue_rule(name=True), "a.json: name", "name must be a text, got true or false", ""),
    (issue_rule(frequency=4), "a.json: frequency", "frequency = 4 is out of range", "5 to 43200"),
    (issue_rule(frequency=5.5), "a.json: frequency", "must be a whole number", ""),
    (issue_rule(frequency="often"), "a.json: frequency", 'must be a whole number, got text "often"', ""),
    (issue_rule(actionMatch="some"), "a.json: actionMatch", '"some" is not allowed', "all, any, none"),
    (issue_rule(actionMatch="al"), "a.json: actionMatch", '"al" is not allowed', "did you mean 'all'"),
    (issue_rule(conditions=None), "a.json", "conditions is missing", ""),
    (issue_rule(conditions={}), "a.json: conditions", "must be a list, got an object", ""),
    (issue_rule({}), "a.json: conditions[0]", "id is missing", "FirstSeenEventCondition"),
    (issue_rule({"id": "x.y"}), "a.json: conditions[0].id", "unknown condition 'x.y'", "allowed: "),
    (
        issue_rule({"id": FIRST["id"][:-2]}),
        "a.json: conditions[0].id",
        "unknown condition",
        "did you mean 'sentry.rules.conditions.first_seen_event.FirstSeenEventCondition'",
    ),
    (issue_rule({**FIRST, "valu": 1}), "a.json: conditions[0].valu", "unknown key 'valu'", ""),
    (
        issue_rule(frequency(1, "2h")),
        "a.json: conditions[0].interval",
        '"2h" is not allowed',
        "1m, 5m, 15m, 1h",
    ),
    (issue_rule(frequency(-1)), "a.json: conditions[0].value", "value = -1 is out of range", "at least 0"),
    (issue_rule(frequency(1.5)), "a.json: conditions[0].value", "must be a whole number", ""),
    (
        issue_rule(frequency(101, "1m", "EventFrequencyPercentCondition")),
        "a.json: conditions[0].value",
        "value = 101 is out of range",
        "0 to 100",
    ),
    (
        issue_rule(frequency(1, comparisonType="percent")),
        "a.json: conditions[0]",
        "comparisonInterval is missing",
        "",
    ),
    (
        issue_rule(frequency(1, comparisonType="percent", comparisonInterval="1h", comparison_interval="1h")),
        "a.json: conditions[0].comparisonInterval",
        "comparisonInterval and comparison_interval are one setting",
        "keep one",
    ),
    (
        issue_rule(frequency(1, filters=[{"id": FIRST["id"], "match": "eq"}])),
        "a.json: conditions[0].filters[0].id",
        "only filters on tags and attributes can be nested",
        "",
    ),
    (
        issue_rule(filters=[level("gt", 40)]),
        "a.json: filters[0].match",
        '"gt" is not allowed',
        "eq, gte, lte",
    ),
    (issue_rule(filters=[level("eq", 45)]), "a.json: filters[0].level", '"45" is not allowed', "50, 40"),
    (issue_rule(filters=[tag("a b", "is")]), "a.json: filters[0].key", "'a b' cannot be the key", "letters"),
    (
        issue_rule(filters=[tag("a", "like", "x")]),
        "a.json: filters[0].match",
        '"like" is not allowed',
        "eq, ne",
    ),
    (issue_rule(filters=[tag("a", "eq")]), "a.json: filters[0]", "value is missing", ""),
    (
        issue_rule(filters=[attribute_filter("exception.typ", "is")]),
        "a.json: filters[0].attribute",
        "unknown attribute 'exception.typ'",
        "did you mean 'exception.type'",
    ),
    (
        issue_rule({"id": f"{FILTERS}assigned_to.AssignedToFilter", "targetType": "Team"}),
        "a.json: conditions[0]",
        "targetIdentifier is missing",
        "id of the team",
    ),
    (issue_rule(actions=[{}]), "a.json: actions[0]", "the action has no id", "NotifyEmailAction"),
    (issue_rule(actions=None), "a.json", "actions is missing", ""),
    (issue_rule(environment="a/b"), "a.json: environment", "'a/b' cannot be the name", "no slash"),
    (
        issue_rule(actoinMatch="all"),
        "a.json: actoinMatch",
        "unknown key 'actoinMatch'",
        "did you mean 'actionMatch'",
    ),
    (metric_rule(), "a.json: triggers", "the critical trigger is missing", "alertThreshold"),
    (
        metric_rule(("critical", 1), ("critical", 2)),
        "a.json: triggers[1].label",
        "a critical trigger already",
        "",
    ),
    (
        metric_rule(("critical", 1), ("warning", 2)),
        "a.json: triggers",
        "the warning threshold 2 lies above the critical one 1",
        "a warning must come before",
    ),
    (
        metric_rule(("critical", 10), resolveThreshold=12),
        "a.json: resolveThreshold",
        "resolveThreshold 12 lies above the critical threshold 10",
        "other side",
    ),
    (
        metric_rule(("critical", 40), comparisonDelta=5, thresholdType=1, resolveThreshold=50),
        "a.json: resolveThreshold",
        "resolveThreshold 50 lies above the critical threshold 40",
        "other side",
    ),
    (
        metric_rule(("critical", 1), timeWindow=1441),
        "a.json: timeWindow",
        "timeWindow = 1441 is out of range",
        "1 to 1440",
    ),
    (metric_rule(("critical", 1), timeWindow=1.5), "a.json: timeWindow", "must be a whole number", ""),
    (
        metric_rule(("critical", 1), thresholdType=2),
        "a.json: thresholdType",
        "for anomaly detection",
        "above",
    ),
    (metric_rule(("critical", 1), status=9), "a.json: status", "status = 9 is not allowed", "0, 1"),
    (
        metric_rule(("critical", 1), aggregate="cont()"),
        "a.json: aggregate",
        "unknown function 'cont'",
        "'count'",
    ),
    (
        metric_rule(("critical", 1), aggregate="failure_rate()"),
        "a.json: aggregate",
        "failure_rate() does not fit the dataset",
        "over errors: count()",
    ),
    (metric_rule(("critical", 1), query="level:("), "a.json: query", "", ""),
    (
        metric_rule(("critical", 1), eventTypes=["eror"]),
        "a.json: eventTypes[0]",
        "'eror' is no event type",
        "error",
    ),
    (
        workflow({"type": "frist_seen_event"}),
        "a.json: triggers.conditions[0].type",
        "unknown trigger",
        "first_seen",
    ),
    (
        workflow({"type": "level"}),
        "a.json: triggers.conditions[0].type",
        "allowed among the filters",
        "allowed: ",
    ),
    (workflow({}), "a.json: triggers.conditions[0]", "type is missing", "first_seen_event"),
    (
        workflow({"type": "first_seen_event", "comparison": 3}),
        "a.json: triggers.conditions[0].comparison",
        "must be true, got a number",
        "",
    ),
    (_with_filter("level", 40), "a.json: actionFilters[0].conditions[0].comparison", "must be an object", ""),
    (
        _with_filter("level", {"level": 40, "match": "eq", "x": 1}),
        "a.json: actionFilters[0].conditions[0].comparison.x",
        "unknown key 'x'",
        "",
    ),
    (
        _with_filter("latest_adopted_release", {"releaseAgeType": "newest", "ageComparison": "older"}),
        "a.json: actionFilters[0].conditions[0].comparison",
        "environment is missing",
        "adoption is counted per environment",
    ),
    (
        workflow(filters=[{"conditions": [], "actions": [{}]}]),
        "a.json: actionFilters[0].actions[0]",
        "the action has no type",
        "email",
    ),
    (workflow(enabled=1), "a.json: enabled", "must be true or false, got a number 1", ""),
    (workflow(detectorIds=[None]), "a.json: detectorIds[0]", "an id must be a text", ""),
    (workflow(triggers=[]), "a.json: triggers", "expected an object, got a list", ""),
    (detector(type="metric"), "a.json: type", '"metric" is not allowed', "metric_issue"),
    (detector(dataSources=[]), "a.json: dataSources", "one data source, here are 0", ""),
    (
        detector(("gt", 1, 60)),
        "a.json: conditionGroup.conditions[0].conditionResult",
        "is not allowed",
        "75, 50",
    ),
    (
        detector(("over", 1, 75)),
        "a.json: conditionGroup.conditions[0].type",
        '"over" is not allowed',
        "gt, gte",
    ),
    (_without(detector(), "conditionGroup"), "a.json", "conditionGroup is missing", "thresholds"),
    (
        detector(config={"detectionType": "percent"}),
        "a.json: config",
        "comparisonDelta is missing",
        "what percent compares with",
    ),
    (
        detector(source={"timeWindow": 59}),
        "a.json: dataSources[0].timeWindow",
        "timeWindow = 59 is out of range",
        "60 to 604800",
    ),
    (detector(source={"queryObj": {}}), "a.json: dataSources[0].queryObj", "snubaQuery is missing", ""),
]


@pytest.mark.parametrize("document,where,what,hint", BAD, ids=lambda value: str(value)[:40])
def test_what_is_refused(document: Any, where: str, what: str, hint: str) -> None:
    """Each names file, key path, value, and what is allowed."""
    with pytest.raises(HarnessError) as caught:
        read_rules(json.dumps(document), "a.json")
    error = caught.value
    assert str(error).startswith(where)
    assert what in str(error)
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    "text,where",
    [
        ("{", "a.json:1:2"),
        ('{"a": NaN}', "a.json"),
        ("[" * 100_000, "a.json"),
        ('{"a": ' + "9" * 5000 + "}", "a.json"),
    ],
)
def test_what_is_no_json(text: str, where: str) -> None:
    """Line and column are told; what Python would take and JSON has not is refused."""
    with pytest.raises(RulesError, match="not valid JSON") as caught:
        read_rules(text, "a.json")
    assert caught.value.where == where


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
GOOD = [
    issue_rule(frequency(1), filters=[level("eq", 40), tag("a", "eq", "b")], environment="prod"),
    metric_rule(("critical", 5), ("warning", 3), resolveThreshold=1, eventTypes=["error"]),
    workflow(
        {"type": "first_seen_event", "comparison": True},
        filters=[{"conditions": [{"type": "issue_occurrences", "comparison": {"value": 2}}]}],
    ),
    detector(("gt", 1, 75), ("lte", 1, 0), workflowIds=["1"]),
]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, inner in items for found in _paths(inner, (*path, key)))]


@given(st.data())
def test_any_value_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    """A valid rule with anything put anywhere gives rules or an error of ours, never another exception."""
    document = copy.deepcopy(data.draw(st.sampled_from(GOOD)))
    path = data.draw(st.sampled_from(_paths(document)[1:]))
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = data.draw(JSON)
    said = "a.json"
    try:
        read_rules(json.dumps(document), "a.json")
    except HarnessError as error:
        said = str(error)
    assert said.startswith("a.json")


# ---- answers of Sentry, as its serializers write them ------------------------------------------------


def alert_rule(**more: Any) -> dict[str, Any]:
    """One of ``/organizations/…/alert-rules/``: times are divided by 60, so they have fractions."""
    answer = {
        "id": "177",
        "name": "Errors",
        "organizationId": "1",
        "status": 0,
        "queryType": 0,
        "dataset": "events",
        "query": "",
        "aggregate": "count()",
        "thresholdType": 0,
        "resolveThreshold": None,
        "timeWindow": 60.0,
        "environment": None,
        "resolution": 1.0,
        "thresholdPeriod": 1,
        "triggers": [
            {
                "id": "9",
                "alertRuleId": "177",
                "label": "critical",
                "thresholdType": 0,
                "alertThreshold": 100.0,
                "resolveThreshold": None,
                "dateCreated": "2026-01-01T00:00:00Z",
                "actions": [{"id": "1", "type": "email", "targetType": "team"}],
            }
        ],
        "projects": ["web"],
        "owner": None,
        "originalAlertRuleId": None,
        "comparisonDelta": None,
        "dateModified": "2026-01-01T00:00:00Z",
        "dateCreated": "2026-01-01T00:00:00Z",
        "createdBy": {"id": 1, "name": "a", "email": "a@example.com"},
        "description": "",
        "sensitivity": None,
        "seasonality": None,
        "detectionType": "static",
        "eventTypes": ["default", "error"],
        "snooze": False,
    }
    return answer | more


def dynamic(**more: Any) -> dict[str, Any]:
    kind = {"detectionType": "dynamic", "thresholdType": 2, "sensitivity": "medium", "seasonality": "auto"}
    found = alert_rule(**kind, **more)
    found["triggers"][0] |= {"thresholdType": 2, "alertThreshold": 0}
    return found


@pytest.mark.parametrize(
    "answer,said",
    [
        (alert_rule(), []),
        (alert_rule(timeWindow=720.0, comparisonDelta=60.0, thresholdPeriod=2.0), []),
        (alert_rule(resolveThreshold=101.0), []),
        (alert_rule(detectionType="percent", comparisonDelta=1440.0, type="alert_rule"), []),
        (dynamic(), ["never fires here: dynamic thresholds"]),
        (alert_rule(status=5), ["never fires: it is disabled"]),
        (alert_rule(status=4), ["never fires: it is a snapshot"]),
        (alert_rule(status=6), ["never fires: Sentry has not enough data for it yet"]),
        (alert_rule(snooze=True), ["never fires: it is snoozed (muted)"]),
        (
            alert_rule(snooze=True, snoozeForEveryone=True, snoozeCreatedBy="You"),
            ["never fires: it is snoozed"],
        ),
        (alert_rule(snooze=True, snoozeForEveryone=False), ["is snoozed for one person only"]),
        (
            alert_rule(
                dataset="events_analytics_platform",
                queryType=1,
                eventTypes=["trace_item_log"],
                aggregate="count(message)",
            ),
            ["never fires here: it measures trace_item_log, which are not seen here"],
        ),
        (
            alert_rule(
                dataset="events_analytics_platform",
                queryType=1,
                eventTypes=["trace_item_metric"],
                aggregate="sum(value,requests,counter,none)",
                extrapolationMode="client_and_server_weighted",
            ),
            ["never fires here: it measures trace_item_metric"],
        ),
        (
            alert_rule(
                dataset="generic_metrics", queryType=1, eventTypes=[], aggregate="sum(c:custom/paid@none)"
            ),
            ["never fires here: it measures sum(c:custom/paid@none), which is not seen here"],
        ),
        (
            alert_rule(
                dataset="events_analytics_platform",
                queryType=1,
                eventTypes=["trace_item_span"],
                aggregate="performance_score(measurements.score.lcp)",
            ),
            ["never fires here: it measures what is not seen here: "],
        ),
        (
            issue_rule(EVERY, status="active", snooze=True, snoozeForEveryone=False),
            ["is snoozed for one person"],
        ),
        (
            issue_rule(EVERY, status="active", snooze=True, snoozeForEveryone=True),
            ["never fires: it is snoozed"],
        ),
        (issue_rule(EVERY, frequency=0, id=None, dateCreated="x", type="rule", filterMatch=None), []),
        (workflow(detectorIds=None, environment=None, triggers=None, enabled=True), []),
    ],
    ids=lambda value: str(value)[:20],
)
def test_every_answer_of_sentry_is_read(answer: dict[str, Any], said: list[str]) -> None:
    """Whatever its enumerations allow; what never fires here is said, and what a personal snooze does not stop."""
    read = rules(answer)
    assert len(read.warnings) == len(said)
    assert all(what in str(warning) for warning, what in zip(read.warnings, said, strict=True))
    (rule,) = read.rules
    assert rule.enabled is not any(what.startswith("never fires:") for what in said)
    Evaluator(read)


def test_other_detectors_are_kept() -> None:
    """Of all kinds, also those of which there will be more; they are no rules."""
    kinds = ["error", "issue_stream", "uptime_domain_failure", "performance_n_plus_one_db_queries"]
    read = rules(
        *({"id": kind, "name": kind, "type": kind, "projectId": "7", "config": {}} for kind in kinds)
    )
    assert read.rules == ()
    assert [each.kind for each in read.event_detectors] == kinds
    assert [each.kind for each in read.event_detectors if each.of_errors] == kinds[:2]


LONG = "x" * 100_000
LONG_DOCUMENTS: list[Any] = [
    issue_rule({"id": LONG}),
    issue_rule({LONG: 1, **FIRST}),
    issue_rule(environment=LONG),
    issue_rule(actionMatch=LONG),
    issue_rule(filters=[tag(LONG, "eq", "x")]),
    issue_rule(filters=[attribute_filter(LONG, "eq", "x")]),
    metric_rule(("critical", 1), eventTypes=[LONG]),
    metric_rule(("critical", 1), aggregate=LONG),
    metric_rule(("critical", 1), aggregate=f"count({LONG})"),
    workflow({"type": LONG}),
    detector(type=LONG),
    {LONG: 1, **issue_rule()},
    {LONG: [], "rules": []},
    {"rules": [issue_rule(name=LONG)]},
]


@pytest.mark.parametrize("document", LONG_DOCUMENTS, ids=lambda value: str(value)[:30])
def test_long_values_make_no_long_messages(document: Any) -> None:
    """However long what is wrong may be."""
    with pytest.raises(HarnessError) as caught:
        read_rules(json.dumps(document), "a.json")
    assert len(str(caught.value)) < 5_000


def test_long_values_make_no_long_warnings() -> None:
    """Nor what a condition asks, which messages and coverage repeat."""
    read = rules(
        issue_rule(EVERY, filters=[tag("a", "gt", LONG)]), workflow(detectorIds=[LONG], name="other")
    )
    assert len(read.warnings) == 2
    assert all(len(str(warning)) < 1_000 for warning in read.warnings)
    assert all(len(point.text) < 1_000 for point in read.points)
