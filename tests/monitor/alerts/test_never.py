"""Warnings about rules that never fire, never resolve, or tell nobody; and none about rules that do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.monitor.alerts.checks import (
    Age,
    Category,
    Check,
    Frequency,
    Level,
    Match,
    Occurrences,
    Priority,
    State,
)
from pytest_sentry_harness.monitor.alerts.conflicts import conflict
from pytest_sentry_harness.monitor.alerts.constant import constant
from pytest_sentry_harness.monitor.alerts.matching import matcher
from pytest_sentry_harness.monitor.alerts.model import IssueRule
from pytest_sentry_harness.monitor.alerts.never import Known, warnings_of

from .building import (
    EVERY,
    FILTERS,
    FIRST,
    REGRESSION,
    attribute,
    detector,
    frequency,
    issue_rule,
    level,
    metric_rule,
    rules,
    tag,
    warnings,
    workflow,
)

AGE = {"id": f"{FILTERS}age_comparison.AgeComparisonFilter", "time": "hour"}
OCCURRENCES = {"id": f"{FILTERS}issue_occurrences.IssueOccurrencesFilter", "value": 10}
PERCENT = frequency(5, "1h", "EventFrequencyPercentCondition")
CRASH_FREE = "percentage(sessions_crashed, sessions) AS _crash_rate_alert_aggregate"


def _filters(*conditions: tuple[str, Any], logic: str = "all", **more: Any) -> dict[str, Any]:
    made = [{"type": kind, "comparison": comparison} for kind, comparison in conditions]
    return workflow(
        filters=[{"logicType": logic, "conditions": made, "actions": [{"type": "email"}]}], **more
    )


FINE: list[Any] = [
    issue_rule(EVERY),
    issue_rule(FIRST, REGRESSION, actionMatch="any", filters=[level("gte", 40), tag("a", "eq", "b")]),
    issue_rule(filters=[tag("a", "eq", "b"), tag("a", "co", "b"), tag("c", "ne", "d")]),
    issue_rule(filters=[level("gte", 30), level("lte", 40)], environment="prod"),
    issue_rule(FIRST, filters=[level("eq", 0), level("eq", 40)], filterMatch="any"),
    issue_rule(frequency(100), filters=[attribute("error.handled", "eq", "False")]),
    issue_rule(
        filters=[
            {**AGE, "comparison_type": "older", "value": 1},
            {**AGE, "comparison_type": "newer", "value": 2},
        ]
    ),
    issue_rule(filters=[attribute("exception.type", "eq", "A"), attribute("exception.type", "eq", "B")]),
    issue_rule(filters=[tag("environment", "eq", "Prod")], environment="prod"),
    metric_rule(("critical", 5), ("warning", 3)),
    metric_rule(("critical", 99), thresholdType=1, dataset="sessions", aggregate=CRASH_FREE),
    metric_rule(("critical", -5), aggregate="avg(measurements.x)", thresholdType=1, dataset="transactions"),
    [workflow(detectorIds=["1"]), detector(("gt", 1, 75), ("lte", 1, 0), id="1")],
    [
        workflow({"type": "issue_resolved_trigger", "comparison": True}, detectorIds=["1"]),
        detector(("gt", 1, 75), ("lte", 1, 0), id="1"),
    ],
    [workflow(detectorIds=["2"]), {"name": "e", "type": "error", "id": "2", "projectId": "7"}],
    [workflow(id="1"), detector(("gt", 1, 75), ("lte", 1, 0), workflowIds=["1"])],
]


@pytest.mark.parametrize("documents", FINE, ids=lambda value: str(value)[:60])
def test_rules_that_can_fire_are_not_warned_of(documents: Any) -> None:
    """A warning that is not true would teach people to ignore them."""
    assert warnings(*(documents if isinstance(documents, list) else [documents])) == []


WARNED: list[tuple[Any, str, str]] = [
    (issue_rule(status="disabled"), "[0]", "never fires: it is disabled"),
    (issue_rule(snooze={"until": None}), "[0]", "never fires: it is snoozed (muted)"),
    (issue_rule(actions=[]), "[0]", "tells nobody: it has no actions"),
    (issue_rule(filters=[level("eq", 0)]), "[0].filters[0]", "no event has the level sample"),
    (issue_rule(filters=[level("lte", 0)]), "[0].filters[0]", "no event has the level sample"),
    (issue_rule(filters=[tag("a", "gt", "1")]), "[0].filters[0]", "gt compares levels and releases only"),
    (issue_rule(filters=[tag("a", "eq", "")]), "[0].filters[0]", "an empty value is never matched"),
    (
        issue_rule(filters=[attribute("error.handled", "eq", "yes")]),
        "[0].filters[0]",
        "error.handled is true or false",
    ),
    (issue_rule(filters=[attribute("error.main_thread", "eq", "x")]), "[0].filters[0]", "does not evaluate"),
    (issue_rule(filters=[attribute("error.main_thread", "is")]), "[0].filters[0]", "does not evaluate"),
    (
        issue_rule(filters=[{**AGE, "comparison_type": "newer", "value": 0}]),
        "[0].filters[0]",
        "newer than now",
    ),
    (
        issue_rule(filters=[{"id": f"{FILTERS}issue_category.IssueCategoryFilter", "value": 11}]),
        "[0].filters[0]",
        "events of errors make issues of category error",
    ),
    (
        issue_rule(
            filters=[
                {"id": f"{FILTERS}assigned_to.AssignedToFilter", "targetType": "Team", "targetIdentifier": 1}
            ]
        ),
        "[0].filters[0]",
        "issues are never assigned here",
    ),
    (issue_rule(FIRST, REGRESSION), "[0].conditions[1]", "an issue changes in one way at a time"),
    (issue_rule(FIRST, filters=[OCCURRENCES]), "[0].filters[0]", "a new issue was seen once"),
    (
        issue_rule(FIRST, filters=[{**AGE, "comparison_type": "older", "value": 1}]),
        "[0].filters[0]",
        "a new issue is not old",
    ),
    (issue_rule(FIRST, frequency(1)), "[0].conditions[1]", "a new issue has one event"),
    (
        issue_rule(
            filters=[
                {**AGE, "comparison_type": "older", "value": 2},
                {**AGE, "comparison_type": "newer", "value": 2},
            ]
        ),
        "[0].filters[1]",
        "no issue is both",
    ),
    (issue_rule(filters=[level("gte", 50), level("lte", 40)]), "[0].filters[1]", "no level is both"),
    (issue_rule(filters=[level("eq", 50), level("eq", 40)]), "[0].filters[1]", "no level is both"),
    (issue_rule(filters=[tag("a", "is"), tag("a", "ns")]), "[0].filters[1]", "it is set or it is not"),
    (issue_rule(filters=[tag("a", "eq", "x"), tag("A", "eq", "y")]), "[0].filters[1]", "a has one value"),
    (issue_rule(filters=[tag("a", "in", "x,y"), tag("a", "sw", "z")]), "[0].filters[1]", "a has one value"),
    (
        issue_rule(filters=[tag("environment", "eq", "dev")], environment="prod"),
        "[0].filters[0]",
        "its environment is 'prod', and tag environment equals 'dev'",
    ),
    (issue_rule(EVERY, FIRST, actionMatch="none"), "[0].conditions[0]", "one always is: an event occurs"),
    (
        issue_rule(filters=[level("eq", 0), tag("a", "eq", "")], filterMatch="any"),
        "[0].filters[0]",
        "no event has the level sample (and so are the 1 others)",
    ),
    (
        workflow({"type": "issue_resolved_trigger", "comparison": True}),
        "[0].triggers.conditions[0]",
        "no event resolves",
    ),
    (
        workflow({"type": "seer_activity_trigger", "comparison": []}),
        "[0].triggers.conditions[0]",
        "Seer is not part",
    ),
    (
        _filters(("issue_priority_deescalating", True)),
        "[0].actionFilters[0].conditions[0]",
        "of detectors de-escalate",
    ),
    (
        _filters(("issue_category", {"value": 1}), ("issue_category", {"value": 1, "include": False})),
        "[0].actionFilters[0].conditions[1]",
        "events of errors make issues of category error",
    ),
    (
        _filters(("issue_priority_greater_or_equal", 75), ("level", {"level": 20, "match": "eq"})),
        "[0].actionFilters[0].conditions[1]",
        "issues of high priority have errors",
    ),
    (workflow(enabled=False), "[0]", "never fires: it is not enabled"),
    (metric_rule(("critical", 1), snooze=True), "[0]", "never fires: it is snoozed"),
    (metric_rule(("critical", 0), thresholdType=1), "[0].triggers[0]", "count() is never less than 0"),
    (
        metric_rule(("critical", 100), dataset="sessions", aggregate=CRASH_FREE),
        "[0].triggers[0]",
        "is never more than 100",
    ),
    (
        metric_rule(("critical", 5), dataset="transactions", aggregate="failure_rate()"),
        "[0].triggers[0]",
        "failure_rate() is never more than 1",
    ),
    (
        metric_rule(("critical", 5), resolveThreshold=0),
        "[0].resolveThreshold",
        "never resolves: count() is never less than 0",
    ),
    (metric_rule(("critical", 5), query="lvel:error"), "[0].query", "may never fire: lvel is no known field"),
    (metric_rule(("critical", 5), detectionType="dynamic"), "[0]", "dynamic thresholds"),
    (detector(("gt", 1, 75), ("lte", 1, 0)), "[0]", "tells nobody: no workflow is connected to it"),
    (detector(("gt", 1, 75), workflowIds=["1"]), "[0]", "never resolves: no condition has the result 0"),
    (detector(("lte", 1, 0), workflowIds=["1"]), "[0]", "never fires: no condition has a result above 0"),
    (
        detector(("eq", -1, 75), ("lt", 0, 0), workflowIds=["1"]),
        "[0].conditionGroup.conditions[0]",
        "is never -1",
    ),
    (detector(("gt", 1, 75), enabled=False, workflowIds=["1"]), "[0]", "it is not enabled"),
]


@pytest.mark.parametrize("document,where,what", WARNED, ids=lambda value: str(value)[:60])
def test_what_is_warned_of(document: Any, where: str, what: str) -> None:
    """Each warning names file, key path and the reason."""
    found = warnings(document)
    assert any(text.startswith(f"alerts.json: {where}: ") and what in text for text in found), found


ERRORS = {"id": "2", "name": "Error Monitor", "type": "error"}


@pytest.mark.parametrize(
    "more,others,what",
    [
        ({"detectorIds": []}, [], "never fires: it is connected to no detector: detectorIds is empty"),
        (
            {"detectorIds": ["5", "6"]},
            [],
            "never fires: no detector that was read has the id '5', '6', to which it is connected: "
            "read the detectors together with it",
        ),
        (
            {"detectorIds": ["2"]},
            [ERRORS | {"enabled": False}],
            "never fires: what it is connected to is not enabled: 'Error Monitor'",
        ),
        (
            {"detectorIds": ["2"]},
            [ERRORS | {"type": "uptime_domain_failure"}],
            "never fires: it is connected to detectors of type uptime_domain_failure only",
        ),
        ({"detectorIds": ["2", "5"]}, [ERRORS], "no detector that was read has the id '5'"),
    ],
)
def test_workflows_that_are_told_of_nothing(more: dict[str, Any], others: list[Any], what: str) -> None:
    """Connected to nothing, to what is not there, is off, or detects nothing here."""
    (text,) = warnings(workflow(**more), *others)
    assert what in text


def test_actions_that_are_not_active() -> None:
    """Sentry skips them; one that has none but such tells nobody."""
    on, off = {"type": "email", "status": "active"}, {"type": "slack", "status": "disabled"}
    for actions, left, what in (
        ([off], (), "tells nobody: none of its actions is active"),
        ([on, off], (on,), "tells fewer than it names: 1 of its actions are not active"),
    ):
        read = rules(workflow(filters=[{"logicType": "all", "conditions": [], "actions": actions}]))
        assert [str(warning).partition("'w' ")[2] for warning in read.warnings] == [what]
        (rule,) = read.rules
        assert isinstance(rule, IssueRule)
        assert rule.filters[0].actions == left


def test_rules_of_several_projects() -> None:
    """They are all asked about the one that runs, and that is said once for each other project."""
    names = iter("abcde")
    web = [issue_rule(EVERY, name=next(names), projects=["web"]) for _ in range(2)]
    assert warnings(*web) == []
    api = [issue_rule(EVERY, name=next(names), projects=["api"]) for _ in range(2)]
    assert warnings(*web, *api, issue_rule(EVERY, name="x", projects=["web", "api"])) == [
        "alerts.json: [2]: 'c' is a rule of project api (and 1 more), most are of web: "
        "all are taken for rules of the one project that runs"
    ]
    others = [{"id": str(n), "name": "e", "type": "error", "projectId": str(n)} for n in (1, 2)]
    (text,) = warnings(workflow(detectorIds=["1"]), workflow(detectorIds=["2"], name="v"), *others)
    assert "'v' is a rule of project 2, most are of 1" in text


def test_names_and_ids_that_do_not_fit() -> None:
    """Two rules of one name cannot be told apart; a detector may name a workflow that is not there."""
    found = warnings(issue_rule(EVERY), issue_rule(EVERY))
    assert found == [
        "alerts.json: [1]: 'r' has the name of another rule ([0]): their notifications cannot be told apart"
    ]
    (text,) = warnings(workflow(id="1"), detector(("gt", 1, 75), ("lte", 1, 0), workflowIds=["1", "2"]))
    assert text == "alerts.json: [1].workflowIds[1]: 'd' no workflow of this file has the id '2'"


def test_a_rule_alone_in_its_file() -> None:
    """Without a list there is no path to it."""
    from pytest_sentry_harness.monitor.alerts.read import rules_of

    (warning,) = rules_of(issue_rule(status="disabled"), "a.json").warnings
    assert str(warning) == "a.json: 'r' never fires: it is disabled"


@pytest.mark.parametrize(
    "document,known,what",
    [
        (
            issue_rule(environment="prod"),
            Known(environments=frozenset({"staging"})),
            "nothing comes from environment 'prod'",
        ),
        (
            issue_rule(filters=[tag("environment", "eq", "prod")]),
            Known(environments=frozenset({"staging"})),
            "nothing comes from environment 'prod'",
        ),
        (
            issue_rule(filters=[level("gte", 50)]),
            Known(levels=frozenset({"error", "info"})),
            "levels that come: error, info",
        ),
        (issue_rule(filters=[level("eq", 20)]), Known(levels=frozenset()), "levels that come: none"),
        (issue_rule(PERCENT), Known(sessions=False), "there are no sessions"),
        (
            issue_rule(filters=[{"id": f"{FILTERS}latest_release.LatestReleaseFilter"}]),
            Known(releases=False),
            "events have no release",
        ),
        (
            metric_rule(("critical", 1), environment="prod"),
            Known(environments=frozenset()),
            "nothing comes from",
        ),
        (
            metric_rule(("critical", 1), dataset="transactions"),
            Known(transactions=False),
            "it looks at transactions, and there are none",
        ),
    ],
)
def test_what_is_known_to_come(document: Any, known: Known, what: str) -> None:
    """Where it is known what can come, rules that wait for something else are warned of."""
    read = rules(document)
    assert read.warnings == ()
    assert any(what in str(warning) for warning in warnings_of(read, known))
    assert (
        warnings_of(
            read, Known(levels=frozenset({"fatal", "info", "error"}), environments=frozenset({"prod"}))
        )
        == ()
    )


MATCH = st.builds(
    Match,
    st.just("tag"),
    st.just("a"),
    st.sampled_from(["eq", "ne", "sw", "nsw", "ew", "new", "co", "nc", "is", "ns", "in", "nin", "gt"]),
    st.sampled_from(["", "x", "xy", "y", "x,y"]),
)


@given(MATCH, MATCH, st.lists(st.sampled_from(["x", "y", "xy", "z", "x,y"]), max_size=1))
def test_conflicts_of_tags_are_real(one: Match, other: Match, values: list[str]) -> None:
    """What is called impossible never happens for any value a tag can have."""
    first, second = (matcher(check.match, check.value)(values) for check in (one, other))
    if conflict(one, other):
        assert not (first and second)
    for check, outcome in ((one, first), (other, second)):
        assert constant(check) in (None, outcome)


LEVEL = st.builds(Level, st.sampled_from(["eq", "gte", "lte"]), st.sampled_from([0, 10, 20, 30, 40, 50]))


@given(LEVEL, LEVEL, st.sampled_from([10, 20, 30, 40, 50]))
def test_conflicts_of_levels_are_real(one: Level, other: Level, number: int) -> None:
    """Likewise for levels."""
    outcomes = [
        {"eq": number == check.level, "gte": number >= check.level, "lte": number <= check.level}[check.match]
        for check in (one, other)
    ]
    if conflict(one, other):
        assert not all(outcomes)
    for check, outcome in zip((one, other), outcomes, strict=True):
        assert constant(check) in (None, outcome)


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (State("first_seen"), State("regression"), "an issue changes in one way at a time"),
        (State("first_seen"), State("new_high"), ""),
        (State("first_seen"), Occurrences(2), "a new issue was seen once"),
        (State("new_high"), Age(older=True, seconds=60.0), "a new issue is not old"),
        (Age(older=True, seconds=120.0), Age(older=False, seconds=60.0), "no issue is both"),
        (State("first_seen"), Frequency("events", 1, 60.0), "a new issue has one event"),
        (Category(1), Category(2), "an issue has one category"),
        (Category(1), Category(2, included=False), ""),
        (State("new_high"), Level("eq", 20), "issues of high priority have errors"),
        (Priority(75), Level("lte", 30), "issues of high priority have errors"),
    ],
)
def test_why_two_conditions_exclude_each_other(one: Check, other: Check, why: str) -> None:
    """In either order."""
    assert conflict(one, other) == conflict(other, one) == why
