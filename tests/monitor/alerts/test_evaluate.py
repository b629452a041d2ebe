"""Issue rules at work: when they fire, for what, how often, and what they say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.model.delays import SENTRY_DELAYS, Delays, next_multiple
from pytest_sentry_harness.monitor.alerts.evaluator import Evaluator

from .building import (
    EVERY,
    FILTERS,
    FIRST,
    REAPPEARED,
    REGRESSION,
    START,
    attribute,
    evaluator,
    frequency,
    issue_rule,
    level,
    metric_rule,
    seen,
    tag,
    told,
    workflow,
)

NEW, OLD = {"is_new": True}, {"times": 2, "first": -600.0}
AGE = {"id": f"{FILTERS}age_comparison.AgeComparisonFilter", "time": "minute", "value": 10}
OCCURRENCES = {"id": f"{FILTERS}issue_occurrences.IssueOccurrencesFilter", "value": 10}
LATEST = {"id": f"{FILTERS}latest_release.LatestReleaseFilter"}
CATEGORY = {"id": f"{FILTERS}issue_category.IssueCategoryFilter"}
HIGH_NEW = {"id": "sentry.rules.conditions.new_high_priority_issue.NewHighPriorityIssueCondition"}
HIGH_OLD = {"id": "sentry.rules.conditions.existing_high_priority_issue.ExistingHighPriorityIssueCondition"}

CRASH_RATE = "percentage(sessions_crashed, sessions) AS _crash_rate_alert_aggregate"


def _either(logic: str) -> dict[str, Any]:
    fatal = {"type": "level", "comparison": {"level": 50, "match": "eq"}}
    tagged = {"type": "tagged_event", "comparison": {"key": "a", "match": "eq", "value": "b"}}
    return workflow(
        filters=[{"logicType": logic, "conditions": [fatal, tagged], "actions": [{"type": "email"}]}]
    )


FIRES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    (issue_rule(), OLD, True),
    (issue_rule(EVERY), OLD, True),
    (issue_rule(FIRST), NEW, True),
    (issue_rule(FIRST), OLD, False),
    (issue_rule(REGRESSION), {"is_regression": True}, True),
    (issue_rule(REGRESSION), NEW, False),
    (issue_rule(REAPPEARED), {"has_reappeared": True}, True),
    (issue_rule(HIGH_NEW), NEW, True),
    (issue_rule(HIGH_NEW), {**NEW, "level": "info"}, False),
    (issue_rule(HIGH_OLD), {"has_reappeared": True, "level": "fatal"}, True),
    (issue_rule(HIGH_OLD), {"has_reappeared": True, "level": "warning"}, False),
    (issue_rule(FIRST, REGRESSION, actionMatch="any"), {"is_regression": True}, True),
    (issue_rule(FIRST, EVERY, actionMatch="all"), OLD, False),
    (issue_rule(FIRST, REGRESSION, actionMatch="none"), OLD, True),
    (issue_rule(FIRST, REGRESSION, actionMatch="none"), NEW, False),
    (issue_rule(filters=[level("gte", 40)]), {"level": "fatal"}, True),
    (issue_rule(filters=[level("gte", 40)]), {"level": "warning"}, False),
    (issue_rule(filters=[level("lte", 30)]), {"level": "info"}, True),
    (issue_rule(filters=[level("eq", 40)]), {}, True),
    (issue_rule(filters=[level("eq", 40)]), {"level": "odd"}, False),
    (issue_rule(filters=[level("eq", 40), tag("a", "eq", "b")]), {}, False),
    (issue_rule(filters=[level("eq", 40), tag("a", "eq", "b")], filterMatch="any"), {}, True),
    (issue_rule(filters=[level("eq", 50), tag("a", "is")], filterMatch="none"), {}, True),
    (issue_rule(filters=[tag("Region", "eq", "EU")]), {"tags": {"region": "eu"}}, True),
    (
        issue_rule(filters=[attribute("exception.type", "ew", "error")]),
        {"exception": [{"type": "KeyError"}]},
        True,
    ),
    (issue_rule(filters=[{**AGE, "comparison_type": "older"}]), {"first": -601.0}, True),
    (issue_rule(filters=[{**AGE, "comparison_type": "older"}]), {"first": -600.0}, False),
    (issue_rule(filters=[{**AGE, "comparison_type": "newer"}]), {"first": -599.0}, True),
    (issue_rule(filters=[{**AGE, "comparison_type": "newer"}]), {"first": -600.0}, False),
    (issue_rule(filters=[OCCURRENCES]), {"times": 10}, True),
    (issue_rule(filters=[OCCURRENCES]), {"times": 9}, False),
    (issue_rule(filters=[LATEST]), {}, False),
    (issue_rule(filters=[LATEST]), {"release": "1"}, True),
    (issue_rule(filters=[{**CATEGORY, "value": "1"}]), {}, True),
    (issue_rule(filters=[{**CATEGORY, "value": "11"}]), {}, False),
    (
        issue_rule(filters=[{"id": f"{FILTERS}assigned_to.AssignedToFilter", "targetType": "Unassigned"}]),
        {},
        True,
    ),
    (_either("any"), {"level": "fatal"}, True),
    (_either("any"), {"tags": {"a": "b"}}, True),
    (_either("any"), {"level": "info"}, False),
    (_either("any-short"), {"level": "fatal"}, True),
    (_either("none"), {"level": "info"}, True),
    (issue_rule(environment="prod"), {"environment": "prod"}, True),
    (issue_rule(environment="prod"), {"environment": "dev"}, False),
    (issue_rule(environment="prod"), {}, False),
    (issue_rule(), {"state": "resolved"}, False),
    (issue_rule(), {"state": "ignored"}, False),
    (issue_rule(status="disabled"), {}, False),
    (issue_rule(snooze=True), {}, False),
    (workflow({"type": "seer_activity_trigger", "comparison": ["x"]}), NEW, False),
    (workflow(triggers=None), OLD, True),
    (workflow(filters=[]), OLD, True),
    (workflow({"type": "issue_resolved_trigger", "comparison": True}), OLD, False),
    (workflow(enabled=False), OLD, False),
]


@pytest.mark.parametrize("rule,event,fires", FIRES, ids=lambda value: str(value)[:60])
def test_one_rule_one_event(rule: dict[str, Any], event: dict[str, Any], fires: bool) -> None:
    """Each condition, filter and way of matching, for an event that does and one that does not."""
    assert bool(evaluator(rule).see(seen(**event))) is fires


def test_an_alert_says_what_and_why() -> None:
    """Rule, issue, event, actions as written, and the conditions that made it fire."""
    rule = issue_rule(FIRST, REGRESSION, actionMatch="any", filters=[level("gte", 30)])
    (alert,) = evaluator(issue_rule(REGRESSION, name="other"), rule).see(seen(7, **NEW))
    assert (alert.rule, alert.rule_index, alert.kind, alert.status, alert.at) == (
        "r",
        1,
        "issue",
        "triggered",
        START + 7,
    )
    assert alert.because == "a new issue is created; the event's level is at least warning"
    assert alert.actions == (rule["actions"][0],)
    assert alert.issue is not None
    assert alert.event is not None
    (alert,) = evaluator(issue_rule(FIRST, actionMatch="none")).see(seen())
    assert alert.because == "not: a new issue is created"
    (alert,) = evaluator(issue_rule()).see(seen())
    assert alert.because == "an event occurs"


def test_frequency_is_per_rule_and_issue() -> None:
    """For the same issue a rule is quiet until exactly its frequency has passed; others do not care."""
    monitor = evaluator(issue_rule(frequency=5), issue_rule(name="s", frequency=10))
    assert told(monitor.see(seen(0))) == [("r", 0, "triggered"), ("s", 0, "triggered")]
    assert told(monitor.see(seen(299.9))) == []
    assert told(monitor.see(seen(299.9, number=2))) == [("r", 299.9, "triggered"), ("s", 299.9, "triggered")]
    assert told(monitor.see(seen(300))) == [("r", 300, "triggered")]
    assert told(monitor.see(seen(600))) == [("r", 600, "triggered"), ("s", 600, "triggered")]


def test_a_frequency_of_zero_never_keeps_quiet() -> None:
    """Workflows may notify of each event."""
    monitor = evaluator(workflow())
    assert [len(monitor.see(seen(0))) for _ in range(3)] == [1, 1, 1]


def test_many_issues_do_not_fill_memory() -> None:
    """Stamps that are over are forgotten."""
    monitor = evaluator(issue_rule(frequency=5))
    for number in range(5000):
        assert len(monitor.see(seen(number, number=number))) == 1
    assert len(monitor._issue_rules[0]._last) < 2500


def counted(monitor: Evaluator, times: list[float], **data: Any) -> list[tuple[str, float, str]]:
    return [found for at in times for found in told(monitor.see(seen(at, **data)))]


def test_counting_is_strict() -> None:
    """More than the value in (now - interval, now]: the event that makes it more, not the one that makes it as many."""
    rule = issue_rule(frequency(2))
    assert counted(evaluator(rule), [0, 10, 20]) == [("r", 20, "triggered")]
    assert counted(evaluator(rule), [0, 10, 59.9]) == [("r", 59.9, "triggered")]
    assert counted(evaluator(rule), [0, 10, 60]) == []
    (alert,) = (
        alert for at in (0, 1, 2) for alert in evaluator(issue_rule(frequency(0))).see(seen(at)) if at == 0
    )
    assert alert.because == "1 events in 1m > 0"


def test_issues_are_counted_apart_and_environments_too() -> None:
    """A window belongs to one issue; a rule with an environment counts only events from there."""
    monitor = evaluator(issue_rule(frequency(1)))
    assert counted(monitor, [0], number=1) == counted(monitor, [1], number=2) == []
    assert counted(monitor, [2], number=1) == [("r", 2, "triggered")]
    monitor = evaluator(issue_rule(frequency(1), environment="prod"))
    assert counted(monitor, [0, 1], environment="dev") == []
    assert counted(monitor, [2], environment="prod") == []
    assert counted(monitor, [3], environment="prod") == [("r", 3, "triggered")]


def test_fast_conditions_decide_first() -> None:
    """``any`` with a fast hit needs no count; ``all`` with a fast miss neither; ``none`` wants both false."""
    slow = frequency(1)
    assert counted(evaluator(issue_rule(EVERY, slow, actionMatch="any")), [0]) == [("r", 0, "triggered")]
    assert counted(evaluator(issue_rule(FIRST, slow)), [0, 1]) == []
    assert counted(evaluator(issue_rule(FIRST, slow, actionMatch="any")), [0, 1]) == [("r", 1, "triggered")]
    assert counted(evaluator(issue_rule(FIRST, slow, actionMatch="none", frequency=5)), [0]) == [
        ("r", 0, "triggered")
    ]
    monitor = evaluator(workflow(filters=[_unit("none", slow_new(1))]))
    assert [at for _, at, _ in counted(monitor, [0, 1, 2, 70])] == [0, 70]


def slow_new(
    value: int, interval: str = "1m", kind: str = "event_frequency_count", **more: Any
) -> dict[str, Any]:
    return {"type": kind, "comparison": {"value": value, "interval": interval} | more}


def _unit(logic: str, *conditions: dict[str, Any], to: str = "email") -> dict[str, Any]:
    return {"logicType": logic, "conditions": list(conditions), "actions": [{"type": to}]}


def test_users_are_counted_once() -> None:
    """Unique users, by id or what else names them; events without a user count for nobody."""
    monitor = evaluator(issue_rule(frequency(1, "5m", "EventUniqueUserFrequencyCondition")))
    ann, bob = {"user": {"id": "1"}}, {"user": {"email": "b@x"}}
    assert counted(monitor, [0, 1], **ann) == counted(monitor, [2]) == []
    (alert,) = monitor.see(seen(3, **bob))
    assert alert.because == "2 users in 5m > 1"


def test_percent_compares_with_the_past() -> None:
    """Whole per cent more than in the same window earlier, strictly."""
    more = {"comparisonType": "percent", "comparisonInterval": "5m"}
    monitor = evaluator(issue_rule(frequency(99, "1m", **more), frequency=5))
    assert counted(monitor, [0, 10]) == [("r", 0, "triggered")]
    monitor = evaluator(issue_rule(frequency(99, "1m", **more), frequency=5), no_previous="zero")
    assert counted(monitor, [0, 10, 310, 311, 312]) == []
    assert counted(monitor, [313]) == [("r", 313, "triggered")]
    monitor = evaluator(issue_rule(frequency(100, "1m", **more), frequency=5), no_previous="zero")
    assert counted(monitor, [0, 10, 310, 311, 312, 313]) == []
    (alert,) = monitor.see(seen(314))
    assert alert.because == "150 % more events in 1m than 5m ago > 100 %"
    users = frequency(50, "1m", "EventUniqueUserFrequencyCondition", **more)
    monitor = evaluator(issue_rule(users), no_previous="zero")
    assert [monitor.see(seen(at, user={"id": at})) for at in (0, 1, 301, 302)] == [[], [], [], []]
    assert told(monitor.see(seen(303, user={"id": 9}))) == []
    assert told(monitor.see(seen(304, user={"id": 10}))) == [("r", 304, "triggered")]


def sessions(count: int, **attrs: str) -> dict[str, Any]:
    return {"attrs": {"release": "1.0", **attrs}, "aggregates": [{"exited": count}]}


def test_percent_of_sessions_needs_fifty() -> None:
    """Sessions of the last hour, scaled down to the interval; fewer than 50 give no percentage."""
    rule = issue_rule(frequency(10, "30m", "EventFrequencyPercentCondition"))
    monitor = evaluator(rule)
    monitor.see_session(sessions(49), at=START, project="1", item="sessions")
    assert counted(monitor, [1, 2, 3, 4, 5]) == []
    monitor.see_session(sessions(1), at=START + 6, project="1", item="sessions")
    (alert,) = monitor.see(seen(7))
    assert alert.because == "24 % of sessions in 30m > 10"
    assert counted(evaluator(rule), [1, 2]) == []


def test_percent_of_sessions_against_the_past() -> None:
    """The percentage may be compared with an earlier one, too."""
    more = {"comparisonType": "percent", "comparisonInterval": "5m"}
    monitor = evaluator(
        issue_rule(frequency(50, "5m", "EventFrequencyPercentCondition", **more)), no_previous="zero"
    )
    monitor.see_session(sessions(600), at=START, project="1", item="sessions")
    assert counted(monitor, [0, 1, 301, 302]) == []
    assert counted(monitor, [303, 304]) == [("r", 304, "triggered")]


def test_filters_within_a_count() -> None:
    """Only events that pass the nested filters are counted."""
    inner = [{"key": "tier", "match": "eq", "value": "gold"}]
    unit = _unit("all", slow_new(1, "5m", "event_unique_user_frequency_count", filters=inner))
    monitor = evaluator(workflow(filters=[unit]))
    gold, tin = {"tags": {"tier": "gold"}}, {"tags": {"tier": "tin"}}
    assert [monitor.see(seen(at, user={"id": at}, **tin)) for at in (0, 1, 2)] == [[], [], []]
    assert monitor.see(seen(3, user={"id": 3}, **gold)) == []
    assert told(monitor.see(seen(4, user={"id": 4}, **gold))) == [("w", 4, "triggered")]


def test_action_filters_decide_apart() -> None:
    """Each action filter adds its actions; each has its own stamp."""
    fatal = _unit("all", {"type": "level", "comparison": {"level": 50, "match": "eq"}}, to="pagerduty")
    many = _unit("all", slow_new(2), to="slack")
    monitor = evaluator(workflow(filters=[_unit("all"), fatal, many], config={"frequency": 5}))
    (alert,) = monitor.see(seen(0, level="fatal"))
    assert [action["type"] for action in alert.actions] == ["email", "pagerduty"]
    assert monitor.see(seen(1)) == []
    (alert,) = monitor.see(seen(2))
    assert [action["type"] for action in alert.actions] == ["slack"]
    assert alert.because == "3 events in 1m > 2"


def test_slow_conditions_can_come_late() -> None:
    """Put off to whole minutes, once for all events of the issue, decided over the window that ends then."""
    monitor = evaluator(issue_rule(frequency(1)), issue_rule(FIRST, name="n"), delays=Delays(slow_every=60))
    assert told(monitor.see(seen(10, **NEW))) == [("n", 10, "triggered")]
    assert monitor.next_due() == START + 60
    assert told(monitor.see(seen(20))) == []
    assert monitor.tick(START + 59) == []
    (alert,) = monitor.tick(START + 60)
    assert (alert.rule, alert.at, alert.because) == ("r", START + 60, "2 events in 1m > 1")
    assert monitor.next_due() is None


def test_what_is_due_comes_with_the_next_event_at_the_latest() -> None:
    """Without a tick the next event brings it, with the time at which it was due."""
    monitor = evaluator(issue_rule(frequency(1), frequency=5), delays=Delays(slow_after=30))
    assert told(monitor.see(seen(0))) == told(monitor.see(seen(1))) == []
    assert told(monitor.see(seen(100))) == [("r", 30, "triggered")]
    monitor = evaluator(issue_rule(frequency(1)), delays=SENTRY_DELAYS)
    assert told(monitor.see(seen(50))) == told(monitor.see(seen(55))) == told(monitor.see(seen(60))) == []
    assert told(monitor.tick(START + 60)) == [("r", 60, "triggered")]


def test_a_late_decision_can_miss_a_short_burst() -> None:
    """The window slides on while the decision waits."""
    monitor = evaluator(issue_rule(frequency(2)), delays=Delays(slow_after=59))
    assert counted(monitor, [0, 1, 2]) == []
    assert told(monitor.tick(START + 59)) == [("r", 59, "triggered")]
    monitor = evaluator(issue_rule(frequency(2)), delays=Delays(slow_after=61))
    assert counted(monitor, [0, 1, 2]) == []
    assert told(monitor.tick(START + 61)) == []


def test_late_decisions_respect_the_stamp() -> None:
    """What has fired meanwhile does not fire again when the slow part comes."""
    monitor = evaluator(
        issue_rule(FIRST, frequency(0), actionMatch="any", frequency=5), delays=Delays(slow_after=30)
    )
    assert told(monitor.see(seen(0))) == []
    assert told(monitor.see(seen(1, **NEW))) == [("r", 1, "triggered")]
    assert told(monitor.tick(START + 60)) == []


@pytest.mark.parametrize("at,every,expected", [(61.0, 60.0, 120.0), (60.0, 60.0, 60.0), (61.5, 0.0, 61.5)])
def test_multiples(at: float, every: float, expected: float) -> None:
    """Batches run at whole multiples; a moment that is one is its own."""
    assert next_multiple(at, every) == expected


def test_latest_release_follows_version_or_time() -> None:
    """By version where all are package@x.y.z, else by when they came; per environment of the rule."""
    monitor = evaluator(issue_rule(filters=[LATEST]))
    for at, release, fires in [
        (0, "s@1.2.0", 1),
        (300, "s@1.10.0", 1),
        (600, "s@1.9.0", 0),
        (900, "S@1.10.0", 1),
    ]:
        assert len(monitor.see(seen(at, release=release))) == fires
    assert len(monitor.see(seen(1200, release="s@1.10.0-rc.1"))) == 0
    monitor = evaluator(issue_rule(filters=[LATEST]))
    for at, release, fires in [(0, "b", 1), (300, "a", 1), (600, "b", 0)]:
        assert len(monitor.see(seen(at, release=release))) == fires
    monitor = evaluator(issue_rule(filters=[LATEST], environment="prod"))
    assert len(monitor.see(seen(0, release="1", environment="prod"))) == 1
    assert len(monitor.see(seen(300, release="2", environment="dev"))) == 0
    assert len(monitor.see(seen(600, release="1", environment="prod"))) == 1


def test_latest_adopted_release() -> None:
    """A release is adopted with a tenth of the sessions; issues are older or newer than that."""
    condition = {
        "id": f"{FILTERS}latest_adopted_release_filter.LatestAdoptedReleaseFilter",
        "oldest_or_newest": "oldest",
        "older_or_newer": "newer",
        "environment": "prod",
    }
    newest_older = {**condition, "oldest_or_newest": "newest", "older_or_newer": "older"}
    monitor = evaluator(
        issue_rule(filters=[condition], name="newer"), issue_rule(filters=[newest_older], name="older")
    )
    assert monitor.see(seen(0, release="s@1.0.0", first_release="s@1.0.0")) == []
    monitor.see_session(
        sessions(100, release="s@1.1.0", environment="prod"), at=START + 1, project="1", item="sessions"
    )
    monitor.see_session(
        sessions(5, release="s@1.2.0", environment="prod"), at=START + 2, project="1", item="sessions"
    )
    assert [a.rule for a in monitor.see(seen(3, release="s@1.0.0", first_release="s@1.0.0"))] == ["older"]
    assert [a.rule for a in monitor.see(seen(4, number=2, release="s@1.2.0", first_release="s@1.2.0"))] == [
        "newer"
    ]
    assert monitor.see(seen(5, number=3, release="s@1.1.0", first_release="s@1.1.0")) == []


def test_windows_of_quiet_issues_are_forgotten() -> None:
    """A storm of issues that are seen once does not fill memory."""
    users = frequency(5, "1m", "EventUniqueUserFrequencyCondition")
    monitor = evaluator(issue_rule(frequency(5)), issue_rule(users, name="u"))
    for number in range(9000):
        monitor.see(seen(number, number=number, user={"id": number}))
    for counter in monitor._tallies._counters.values():
        assert len(counter.lines) + len(counter.users) < 5000


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 3)), max_size=60), st.integers(0, 4))
def test_a_count_rule_against_counting_by_hand(steps: list[tuple[int, int]], value: int) -> None:
    """Fires exactly when there are more than the value and the last time is the frequency ago."""
    monitor = evaluator(issue_rule(frequency(value), frequency=5))
    now, events, last = 0, [], dict[int, int]()
    for gap, number in steps:
        now += gap
        events.append((now, number))
        count = sum(now - 60 < at <= now and one == number for at, one in events)
        due = count > value and now - last.get(number, -300) >= 300
        assert bool(monitor.see(seen(now, number=number))) is due
        if due:
            last[number] = now


@given(
    st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=30),
    st.sampled_from(["all", "any", "none"]),
)
def test_skipping_rules_changes_nothing(steps: list[tuple[int, bool]], logic: str) -> None:
    """With coverage all rules are asked, without it only those that can fire: the same notifications."""
    from pytest_sentry_harness.monitor.alerts.coverage import Coverage

    from .building import rules

    read = rules(
        issue_rule(FIRST, REGRESSION, actionMatch=logic),
        issue_rule(FIRST, frequency(1), actionMatch=logic, name="b"),
        issue_rule(EVERY, filters=[level("eq", 40)], name="c", filterMatch=logic),
    )
    quick, thorough = Evaluator(read), Evaluator(read, coverage=Coverage(read))
    now = 0
    for gap, is_new in steps:
        now += gap
        event = seen(now, is_new=is_new)
        assert quick.see(event) == thorough.see(event)


KEYS = [
    *(
        "level",
        "environment",
        "release",
        "tags",
        "user",
        "exception",
        "logentry",
        "message",
        "contexts",
        "request",
    ),
    *(
        "transaction",
        "timestamp",
        "start_timestamp",
        "attrs",
        "aggregates",
        "sid",
        "init",
        "status",
        "errors",
        "type",
    ),
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["values", "id", "release", "exited", "crashed", "handled", "trace"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), ANYTHING), max_size=5))
def test_hostile_payloads_never_raise(payloads: list[dict[str, Any]]) -> None:
    """Events, sessions and transactions with anything in them are looked at as far as they make sense."""
    users = frequency(0, "1m", "EventUniqueUserFrequencyCondition")
    monitor = evaluator(
        issue_rule(frequency(0), filters=[tag("level", "ne", "x"), attribute("message", "nc", "x"), LATEST]),
        issue_rule(users, name="u"),
        issue_rule(frequency(0, "1h", "EventFrequencyPercentCondition"), name="s"),
        metric_rule(("critical", 0), query="level:error user.id:*"),
        metric_rule(("critical", 0), aggregate="count_unique(user)", name="n"),
        metric_rule(("critical", 1), dataset="transactions", aggregate="p95(transaction.duration)", name="p"),
        metric_rule(("critical", 99), dataset="sessions", aggregate=CRASH_RATE, thresholdType=1, name="c"),
    )
    for number, data in enumerate(payloads):
        monitor.see(seen(number, **data))
        monitor.see_session(data, at=START + number, item="session")
        monitor.see_session(data, at=START + number, item="sessions")
        monitor.see_transaction(data, at=START + number)
        monitor.tick(START + number)


def test_invented_releases_do_not_fill_memory() -> None:
    """A client that makes up releases is followed only so far."""
    monitor = evaluator(issue_rule(filters=[LATEST]))
    for number in range(1500):
        monitor.see_session(
            sessions(1, release=f"r{number}"), at=START + number, project="1", item="sessions"
        )
    assert len(monitor._releases._sessions) <= 1001
    assert len(monitor._releases._seen["1", None]) == 1000
