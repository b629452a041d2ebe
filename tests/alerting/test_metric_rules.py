"""Alerts of metric rules, which are about no event: whose they are, and why there was none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_sentry_harness.criteria.alerting_account import Alerted
from pytest_sentry_harness.model.alerted import AlertTold, Missed
from pytest_sentry_harness.model.delays import Delays
from pytest_sentry_harness.model.scenario import Expect

from .world import CHANNELS, FIRST_SEEN, ROUTE, World, metric, rule

TWICE = Expect(alerts=("many",), incident_gap=30.0)


def missed(world: World) -> AlertTold:
    (row,) = [row for row in closed(world).info.table if row.latency is None]
    return row


def closed(world: World) -> Alerted:
    alerted = world.judged()
    info = alerted.info
    assert info.notifications_close
    assert info.faults_close
    assert info.expected_close
    return alerted


def failing(route: str = "/", **more: Any) -> dict[str, Any]:
    """A transaction that went wrong."""
    return {"transaction": route, "contexts": {"trace": {"status": "internal_error"}}, **more}


def failures(above: float) -> dict[str, Any]:
    return metric("failures", above, dataset="transactions", aggregate="failure_rate()")


def test_a_rule_that_looks_at_no_events_is_told_from_the_fault_on() -> None:
    """Nothing of the fault was captured; the transactions told of it."""
    world = World(failures(0.5), save=("failures",))
    world.lose("save", "before_send")
    world.wait(1)
    world.transaction(**failing())
    world.wait(1)
    (row,) = closed(world).info.table
    assert row.legs is not None
    assert (row.legs.received, row.legs.issue) == (0, 0)
    assert row.latency is not None
    assert 1 <= row.legs.rule <= row.latency


def test_transactions_are_looked_at_again_when_a_rule_kept_silent() -> None:
    """One of three failed."""
    world = World(failures(0.5), save=("failures",))
    world.lose("save", "before_send")
    for route in ("/a", "/b"):
        world.transaction(transaction=route, contexts={"trace": {"status": "ok"}})
    world.transaction(**failing("/c"))
    world.session(sid="1", init=True, attrs={"release": "1"}, status="ok", started=world.now)
    world.wait(1)
    row = missed(world)
    assert (row.reason, row.because[:43]) == (Missed.THRESHOLD, "failure_rate() in 1m must be > 0.5: it came")


def test_a_rule_that_goes_off_before_any_incident_is_false() -> None:
    """Whatever it counted was of no fault."""
    world = World(metric("many", 1), save=("many",))
    data = world.items
    assert not data
    world.event({"exception": {"values": [{"stacktrace": {"frames": [{"function": "x"}]}}]}})
    world.event({"exception": {"values": [{"stacktrace": {"frames": [{"function": "x"}]}}]}})
    world.wait(120, step=5)
    world.fault("save", times=2)
    info = closed(world).info
    assert [(row.reason, row.count) for row in info.extra] == [("before_any_incident", 1)]
    assert info.faults_missed == {"frequency": 2}


def test_graver_is_an_escalation_and_less_grave_a_resolution() -> None:
    """A warning, a critical alert, and back again."""
    triggers = [
        {"label": "critical", "alertThreshold": 3, "actions": [{"type": "email"}]},
        {"label": "warning", "alertThreshold": 1, "actions": [{"type": "email"}]},
    ]
    pager = '[[route]]\nseverity = "critical"\nchannels = ["pager"]\ncontinue = true\n'
    world = World(metric("many", 1, triggers=triggers), notify=CHANNELS + pager + ROUTE, save=("many",))
    world.fault("save", times=2)
    world.wait(3)
    world.fault("save", times=2)
    world.wait(90)
    info = closed(world).info
    assert {(row.channel, row.latency is not None) for row in info.table} == {("ops", True), ("pager", True)}
    assert (info.escalations, info.duplicates, info.resolutions >= 1) == (1, 0, True)


def test_a_rule_tells_of_a_second_incident_within_ten_minutes_of_the_first_not_at_all() -> None:
    """Sentry's rules of the older generation keep so long apart."""
    world = World(metric("many", 1), save=TWICE)
    world.fault("save", times=2)
    world.wait(200, step=5)
    world.fault("save", times=2)
    row = missed(world)
    assert (row.reason, row.incident) == (Missed.FREQUENCY, 2)
    assert row.because.endswith("and does so once in 10m at most")


def test_what_another_incident_reached_says_nothing_of_this_one() -> None:
    """The first had two, the second four, of which the rule told."""
    world = World(metric("many", 3), save=TWICE)
    world.fault("save", times=2)
    world.wait(200, step=5)
    world.fault("save", times=4)
    world.wait(2)
    row = missed(world)
    assert (row.reason, row.incident, row.because) == (
        Missed.THRESHOLD,
        1,
        "count() in 1m must be > 3: it came to 2",
    )


def test_of_a_metric_rule_that_must_agree_several_times() -> None:
    """Once is not enough."""
    world = World(metric("many", 1, thresholdPeriod=3), delays=Delays(metric_every=30.0), save=("many",))
    world.fault("save", times=2)
    world.wait(120, step=5)
    row = missed(world)
    assert (row.reason, row.because) == (
        Missed.THRESHOLD,
        "count() in 1m must be > 1, 3 times in a row: it came to 2",
    )


def detector(**more: Any) -> dict[str, Any]:
    """A detector of more than one error in a minute."""
    return {
        "id": "1",
        "name": "errors",
        "type": "metric_issue",
        "workflowIds": ["2"],
        "config": {"detectionType": "static"},
        "dataSources": [{"aggregate": "count()", "dataset": "events", "query": "", "timeWindow": 60}],
        "conditionGroup": {
            "logicType": "any",
            "conditions": [
                {"type": "gt", "comparison": 1, "conditionResult": 75},
                {"type": "lte", "comparison": 1, "conditionResult": 0},
            ],
        },
        **more,
    }


def workflow(**more: Any) -> dict[str, Any]:
    """One that listens to it, and tells of its first issue only."""
    return {
        "id": "2",
        "name": "many",
        "config": {"frequency": 0},
        "triggers": {
            "logicType": "any-short",
            "conditions": [{"type": "first_seen_event", "comparison": True, "conditionResult": True}],
        },
        "actionFilters": [{"logicType": "all", "conditions": [], "actions": [{"type": "email"}]}],
        **more,
    }


def test_a_workflow_is_silent_for_its_detectors_reasons_and_for_its_own() -> None:
    """In alarm already, no new issue any more, or switched off."""
    world = World(workflow(), detector(), save=TWICE)
    world.fault("save", times=2)
    world.wait(100, step=5)
    world.fault("save", times=2)
    world.wait(2)
    row = missed(world)
    assert (row.reason, row.incident, row.where) == (Missed.CONDITION_FALSE, 2, "[0]")
    assert row.because.endswith("the workflow itself kept quiet")
    world = World(workflow(), detector(), save=TWICE)
    for _ in range(2):
        world.fault("save", times=2, every=5)
        world.wait(32)
    assert missed(world).reason == Missed.ALREADY_OPEN
    world = World(workflow(), detector(enabled=False), save=("many",))
    world.fault("save", times=2)
    assert missed(world).reason == Missed.RULE_DISABLED


def test_anomalies_and_unknown_rules() -> None:
    """Which nobody outside of Sentry can look for, or which no file has."""
    dynamic = detector(config={"detectionType": "dynamic"})
    dynamic["conditionGroup"]["conditions"] = [
        {
            "type": "anomaly_detection",
            "comparison": {"sensitivity": "high", "seasonality": "auto", "thresholdType": 0},
            "conditionResult": 75,
        }
    ]
    world = World(workflow(), dynamic, save=("many",))
    world.fault("save")
    row = missed(world)
    assert (row.reason, row.because) == (
        Missed.RULE_DISABLED,
        "it looks for anomalies, which nobody outside of Sentry can do",
    )
    world = World(rule("new", FIRST_SEEN), save=("gone",))
    world.fault("save")
    assert missed(world).because == "no file of rules has a rule of this name"


def test_a_receiver_that_names_no_delivery_is_understood_by_what_it_does_name() -> None:
    """PagerDuty's events say what they do; others are told apart by the time of their tries."""
    pager = '[[route]]\nchannels = ["pager"]\n[[escalation]]\nafter = "2s"\nchannels = ["pager"]\n'
    world = World(metric("many", 1), notify=CHANNELS + pager, save=("many",))
    world.fault("save", times=2)
    world.wait(100, step=0.5)
    given = world.receipts["pager"]
    actions = ["resolve" if each.delivery_id.split(".")[1] == "resolve" else "trigger" for each in given]
    world.receipts["pager"] = [
        replace(each, delivery_id="", resource=action) for each, action in zip(given, actions, strict=True)
    ]
    info = closed(world).info
    assert (info.delivered, info.escalations, info.unknown, info.duplicates) == (1, 1, 0, 0)
    assert info.resolutions == info.received - 2
