"""What a rule says of one event, condition by condition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_sentry_harness.model.delays import Delays
from pytest_sentry_harness.model.monitored import Event, Seen
from pytest_sentry_harness.monitor.alerts.explain import Asked, Inquiry
from pytest_sentry_harness.monitor.alerts.explain_metric import MetricInquiry
from pytest_sentry_harness.monitor.alerts.model import MetricRule
from pytest_sentry_harness.monitor.alerts.read import read_rules
from pytest_sentry_harness.monitor.issues import Issues

from .world import CONFIG, EPOCH, EVERY_EVENT, FIRST_SEEN, frequency, metric, raised, rule

REGRESSION = {"id": "sentry.rules.conditions.regression_event.RegressionEventCondition"}


def seen(issues: Issues, number: int, **fields: Any) -> Seen:
    event = Event(
        cursor=number, received_at=EPOCH + number, project="1", event_id=f"e{number}", data=raised(**fields)
    )
    return issues.see(event)


def asked(
    written: dict[str, Any], *events: dict[str, Any], last: bool = True, delays: Delays | None = None
) -> Asked:
    """What the rule says of the last of these events (or the first)."""
    rules = read_rules(json.dumps([written]), "alerts.json")
    wanted = f"e{len(events) if last else 1}"
    inquiry = Inquiry(rules, {written["name"]: {wanted}}, delays=delays)
    issues = Issues(CONFIG)
    for number, fields in enumerate(events, start=1):
        inquiry.see(seen(issues, number, **fields))
    (found,) = inquiry.answers()
    assert found.event_id == wanted
    return found


def filtered(filter_id: str, **fields: Any) -> dict[str, Any]:
    """A rule for every event, with one filter."""
    return rule("r", EVERY_EVENT, filters=({"id": f"sentry.rules.filters.{filter_id}", **fields},))


def test_a_rule_that_is_willing_refuses_nothing() -> None:
    """Whatever kept it quiet was not in the event."""
    assert asked(rule("r", EVERY_EVENT), {}).refusals == ()


@pytest.mark.parametrize(
    ("written", "event", "text"),
    [
        (
            filtered("tagged_event.TaggedEventFilter", key="a", match="eq", value="b"),
            {},
            "tag a equals 'b': the event has no tag a",
        ),
        (
            filtered(
                "event_attribute.EventAttributeFilter", attribute="exception.type", match="eq", value="X"
            ),
            {},
            "attribute exception.type equals 'X': the event has 'shoperror'",
        ),
        (
            filtered("issue_occurrences.IssueOccurrencesFilter", value=10),
            {},
            "the issue has happened at least 10 times: it has happened 1 times",
        ),
        (
            filtered("age_comparison.AgeComparisonFilter", comparison_type="older", value=1, time="hour"),
            {},
            "the issue is older than 1h: it is 0 s old",
        ),
        (
            filtered("latest_release.LatestReleaseFilter"),
            {},
            "the event is from the latest release: it has no release",
        ),
    ],
)
def test_a_refusal_says_what_the_event_had(written: dict[str, Any], event: dict[str, Any], text: str) -> None:
    """Beside what was wanted."""
    (refusal,) = asked(written, event).refusals
    assert (refusal.part, refusal.text, refusal.where) == ("filter", text, "[0].filters[0]")


def test_long_lists_of_values_are_cut() -> None:
    """What an event holds is hostile, and may be much."""
    written = filtered(
        "event_attribute.EventAttributeFilter", attribute="exception.type", match="eq", value="X"
    )
    problems = [{"type": f"E{number}", "value": ""} for number in range(5)]
    (refusal,) = asked(written, {"exception": {"values": problems}}).refusals
    assert refusal.text.endswith("the event has 'e0', 'e1', 'e2' and 2 more")


def test_of_conditions_of_which_one_would_do_all_are_named() -> None:
    """With the figure of the nearest that counts, else what wants a new issue."""
    any_of = rule("r", FIRST_SEEN, REGRESSION, actionMatch="any")
    (refusal,) = asked(any_of, {}, {}).refusals
    assert (refusal.part, refusal.where) == ("new", "[0].conditions")
    assert refusal.text == (
        "none of these: a new issue is created: it was there before; the issue changes from resolved to unresolved"
    )
    counting = rule("r", FIRST_SEEN, frequency(10), frequency(5), actionMatch="any")
    (refusal,) = asked(counting, {}, {}, {}).refusals
    assert (refusal.part, refusal.value, refusal.wanted) == ("count", 3.0, 5)
    (refusal,) = asked(rule("r", REGRESSION, actionMatch="any"), {}).refusals
    assert refusal.where == "[0].conditions[0]"


def test_what_must_not_be() -> None:
    """A group of conditions of which none may be true."""
    (refusal,) = asked(rule("r", EVERY_EVENT, filters=()) | {"actionMatch": "none"}, {}).refusals
    assert refusal.text == "it must not be that an event occurs"


def test_conditions_that_count_are_asked_when_they_are_decided() -> None:
    """With the events that came until then, and no later ones."""
    found = asked(rule("r", frequency(10)), {}, {}, {}, {}, last=False, delays=Delays(slow_after=1.5))
    assert (found.at, found.decided_at) == (EPOCH + 1, EPOCH + 2.5)
    assert found.refusals[0].value == 2
    percent = frequency(100) | {"comparisonType": "percent", "comparisonInterval": "1h"}
    (refusal,) = asked(rule("r", percent), {}).refusals
    assert (refusal.wanted, refusal.text[-5:]) == (None, "100 %")


def test_of_action_filters_the_nearest_speaks() -> None:
    """A workflow acts when one of them lets it."""

    def unit(*tags: str) -> dict[str, Any]:
        wanted = [
            {"type": "tagged_event", "comparison": {"key": tag, "match": "eq", "value": "x"}} for tag in tags
        ]
        return {"logicType": "all", "conditions": wanted, "actions": [{"type": "email"}]}

    workflow = {
        "name": "w",
        "triggers": {"logicType": "any-short", "conditions": [{"type": "every_event", "comparison": True}]},
        "actionFilters": [unit("a", "b"), unit("c")],
        "detectorIds": [],
    }
    (refusal,) = asked(workflow, {}).refusals
    assert refusal.where == "[0].actionFilters[1].conditions[0]"


# ---- metric rules ------------------------------------------------------------------------------


def measured(
    written: dict[str, Any], *events: dict[str, Any], until: float = 1000.0, **options: Any
) -> MetricInquiry:
    (found,) = read_rules(json.dumps([written]), "alerts.json").rules
    assert isinstance(found, MetricRule)
    inquiry = MetricInquiry(found, {f"e{number}" for number in range(9)}, until=EPOCH + until, **options)
    issues = Issues(CONFIG)
    for number, fields in enumerate(events, start=1):
        inquiry.see(seen(issues, number, **fields))
    return inquiry


def test_how_near_a_metric_rule_came() -> None:
    """The greatest figure, and which events it counted."""
    nearest = measured(metric("m", 5, query="level:error"), {}, {"level": "info"}, {}).close()
    assert (nearest.value, nearest.met, nearest.taken) == (2, False, {"e1", "e3"})
    nearest = measured(metric("m", 1), {}, {}, {}).close()
    assert (nearest.met, nearest.in_time) == (True, True)
    inquiry = measured(
        metric(
            "m",
            5,
            triggers=[{"label": "critical", "alertThreshold": 2, "actions": [{"type": "email"}]}],
            thresholdType=1,
        ),
        {},
        {},
        {},
    )
    assert inquiry.wanted == "< 2"
    assert inquiry.close().met


def test_a_burst_at_the_end_is_looked_at_as_a_whole() -> None:
    """A live monitor looks again after it."""
    (found,) = read_rules(json.dumps([metric("m", 2)]), "alerts.json").rules
    assert isinstance(found, MetricRule)
    inquiry, issues = MetricInquiry(found, (), until=EPOCH + 9), Issues(CONFIG)
    for number in range(3):
        event = Event(
            cursor=number, received_at=EPOCH + number / 100, project="1", event_id=f"e{number}", data=raised()
        )
        inquiry.see(issues.see(event))
    assert inquiry.close().value == 3


def test_an_evaluation_that_never_came() -> None:
    """Metric rules decide by the clock, and the run ended before."""
    delays = Delays(metric_every=60.0, metric_after=5.0)
    nearest = measured(metric("m", 1), {}, {}, until=10.0, delays=delays).close()
    assert (nearest.met, nearest.in_time) == (True, False)


def test_transactions_and_sessions_count_too() -> None:
    """Each by the rule that looks at them, and by no other."""
    slow = metric("p", 100, dataset="transactions", aggregate="p95(transaction.duration)")
    inquiry = measured(slow, {})
    for number in range(3):
        begun = EPOCH + 10 + number
        inquiry.see_transaction(
            {"transaction": "/", "start_timestamp": begun, "timestamp": begun + 0.25},
            at=begun + 1,
            project="1",
        )
    assert inquiry.kind == "transaction"
    assert inquiry.close().value == pytest.approx(250)
    crash = metric(
        "c",
        99,
        dataset="sessions",
        aggregate="percentage(sessions_crashed, sessions) AS _crash_rate_alert_aggregate",
        thresholdType=1,
        minutes=60,
    )
    inquiry = measured(crash, {})
    session = {
        "sid": "1" * 32,
        "init": True,
        "started": EPOCH,
        "timestamp": EPOCH + 1,
        "status": "crashed",
        "errors": 1,
        "attrs": {"release": "shop@1", "environment": "prod"},
    }
    inquiry.see_session(session, at=EPOCH + 2, project="1")
    inquiry.see_transaction({}, at=EPOCH + 3)
    assert inquiry.close().value == 0
