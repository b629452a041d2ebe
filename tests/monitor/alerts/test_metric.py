"""Metric rules and detectors at work: figures, incidents, and who is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.model.delays import Delays
from pytest_sentry_harness.monitor.alerts.evaluator import Evaluator
from pytest_sentry_harness.monitor.alerts.explain_metric import MetricInquiry
from pytest_sentry_harness.monitor.alerts.incidents import COMPARE, TriggerIncident, compared
from pytest_sentry_harness.monitor.alerts.model import Comparator, MetricRule

from .building import START, detector, evaluator, metric_rule, rules, seen, told, workflow

CRASH_FREE = "percentage(sessions_crashed, sessions) AS _crash_rate_alert_aggregate"


def feed(monitor: Evaluator, steps: list[tuple[float, int]]) -> list[tuple[str, float, str]]:
    """So many events at each time, and a tick then."""
    found = []
    for at, count in steps:
        for _ in range(count):
            found += told(monitor.see(seen(at)))
        found += told(monitor.tick(START + at))
    return found


def test_above_is_strict_and_resolves_by_itself() -> None:
    """Critical above the threshold, resolved at or below it when no resolve threshold is given."""
    monitor = evaluator(metric_rule(("critical", 2)))
    assert feed(monitor, [(0, 2), (1, 1), (2, 1)]) == [("m", 1, "critical")]
    assert feed(monitor, [(61, 0)]) == [("m", 61, "resolved")]
    assert feed(monitor, [(90, 0)]) == []


def test_an_alert_says_what_was_measured() -> None:
    """Value, window, comparison, and the actions of the trigger."""
    monitor = evaluator(metric_rule(("critical", 0)))
    monitor.see(seen(0))
    (alert,) = monitor.tick(START)
    assert (alert.kind, alert.value, alert.because) == ("metric", 1.0, "count() in 1m is 1 > 0")
    assert alert.actions == ({"type": "email", "of": "critical"},)
    assert alert.issue is None


def test_warning_critical_and_back() -> None:
    """The status is that of the gravest active trigger; resolve belongs to the warning."""
    monitor = evaluator(metric_rule(("critical", 4), ("warning", 2), resolveThreshold=1))
    steps = [(0, 3), (10, 2), (60, 0), (62, 0), (69, 0), (70, 0)]
    assert feed(monitor, steps) == [
        ("m", 0, "warning"),
        ("m", 10, "critical"),
        ("m", 60, "warning"),
        ("m", 70, "resolved"),
    ]


def test_who_is_told_of_what() -> None:
    """Critical tells both, a warning its own, and the end all who heard of it."""
    monitor = evaluator(metric_rule(("critical", 4), ("warning", 2)))
    actions: dict[str, list[str]] = {}
    for at, count in [(0, 3), (10, 2), (61, 0), (71, 0)]:
        for _ in range(count):
            monitor.see(seen(at))
        for alert in monitor.tick(START + at):
            actions[alert.status] = [action["of"] for action in alert.actions]
    assert actions == {
        "warning": ["warning"],
        "critical": ["critical", "warning"],
        "resolved": ["critical", "warning"],
    }
    monitor = evaluator(metric_rule(("critical", 4), ("warning", 2)))
    feed(monitor, [(0, 3)])
    (alert,) = monitor.tick(START + 60)
    assert [action["of"] for action in alert.actions] == ["warning"]


def test_below() -> None:
    """A rule that watches for too little sees nothing as 0."""
    monitor = evaluator(metric_rule(("critical", 2), thresholdType=1, resolveThreshold=3))
    assert feed(monitor, [(0, 2), (1, 1), (2, 1)]) == []
    assert feed(monitor, [(61, 0)]) == [("m", 61, "critical")]
    assert feed(monitor, [(62, 3)]) == []
    assert feed(monitor, [(63, 1)]) == [("m", 63, "resolved")]


def test_consecutive_evaluations() -> None:
    """With a period of two one breach alone is nothing, and neither is one good value."""
    monitor = evaluator(metric_rule(("critical", 0), thresholdPeriod=2))
    assert feed(monitor, [(0, 1), (60, 0), (61, 1), (62, 0)]) == [("m", 62, "critical")]
    assert feed(monitor, [(122, 0), (123, 1), (184, 0), (185, 0)]) == [("m", 185, "resolved")]


def test_no_second_incident_within_ten_minutes() -> None:
    """A trigger that was in an incident takes part in none that would begin up to ten minutes after it."""
    monitor = evaluator(metric_rule(("critical", 0)))
    assert feed(monitor, [(0, 1), (60, 0)]) == [("m", 0, "critical"), ("m", 60, "resolved")]
    assert feed(monitor, [(120, 1), (600, 1)]) == []
    assert feed(monitor, [(601, 0)]) == [("m", 601, "critical")]


def test_comparison_with_the_past() -> None:
    """So many per cent more, as Sentry's API has it; with nothing to compare with nothing is decided."""
    monitor = evaluator(metric_rule(("critical", 50), comparisonDelta=5))
    assert feed(monitor, [(0, 2), (10, 0)]) == []
    assert feed(monitor, [(301, 3)]) == []
    monitor.see(seen(302))
    (alert,) = monitor.tick(START + 302)
    assert alert.because == "count() in 1m is 200 % of 5m ago > 150 %"


def test_less_than_in_the_past() -> None:
    """A drop by half is one by more than 40 per cent; 30 per cent less is well, a flat series never alerts."""
    rule = metric_rule(("critical", 40), comparisonDelta=5, thresholdType=1, resolveThreshold=30)
    assert feed(evaluator(rule), [(0, 10), (300, 10)]) == []
    monitor = evaluator(rule)
    assert feed(monitor, [(0, 10)]) == []
    for _ in range(5):
        monitor.see(seen(300))
    (alert,) = monitor.tick(START + 300)
    assert (alert.status, alert.because) == ("critical", "count() in 1m is 50 % of 5m ago < 60 %")
    assert feed(monitor, [(301, 2)]) == []
    assert feed(monitor, [(302, 1)]) == [("m", 302, "resolved")]


def test_what_is_not_measured_never_fires() -> None:
    """Not even a rule that watches for too little, nor is it said to have come near."""
    logs = {"dataset": "events_analytics_platform", "eventTypes": ["trace_item_log"]}
    written = metric_rule(("critical", 5), aggregate="count(message)", thresholdType=1, **logs)
    monitor = evaluator(written)
    monitor.see_transaction({"type": "transaction"}, at=START)
    assert monitor.tick(START) == []
    (rule,) = rules(written).rules
    assert isinstance(rule, MetricRule)
    inquiry = MetricInquiry(rule, (), until=START + 9)
    inquiry.see_transaction({"type": "transaction"}, at=START)
    assert inquiry.close().value is None


def test_detectors_compare_with_per_cent_of_the_value_back_then() -> None:
    """150 of a detector is 50 per cent more; migrated ones say static, and compare all the same."""
    for detection in ("percent", "static"):
        config = {"detectionType": detection, "comparisonDelta": 300}
        monitor = evaluator(detector(("gt", 150, 75), config=config))
        assert feed(monitor, [(0, 10), (300, 15), (301, 1)]) == [("d", 301, "critical")]


@pytest.mark.parametrize(
    "above,threshold,resolve,alerting,well,because",
    [
        (True, 5, None, 6, 5, "5 <= 5"),
        (True, 5, 3, 6, 2, "2 < 3"),
        (False, 5, None, 4, 5, "5 >= 5"),
        (True, 1000000, None, 1000001, 999999, "999999 <= 1000000"),
    ],
)
def test_what_is_said_was_compared(
    above: bool, threshold: int, resolve: int | None, alerting: int, well: int, because: str
) -> None:
    """The figures of a message hold as they are written, also where a trigger is well at its own threshold."""
    kind = {"thresholdType": 0 if above else 1, "resolveThreshold": resolve}
    (rule,) = rules(metric_rule(("critical", threshold), **kind)).rules
    assert isinstance(rule, MetricRule)
    incident = TriggerIncident(rule, None)
    first = incident.step(START, alerting)
    assert first is not None
    assert f"{first.figure} {first.said}" == f"{alerting} {'>' if above else '<'} {threshold}"
    last = incident.step(START + 60, well)
    assert last is not None
    assert f"{last.figure} {last.said}" == because


@given(st.sampled_from(sorted(COMPARE)), st.floats(-1e6, 1e6), st.floats(-1e-9, 1e-9))
def test_figures_are_as_exact_as_needed(op: Comparator, limit: float, by: float) -> None:
    """However near both are: what is read is what was decided."""
    value = limit + by
    if COMPARE[op](value, limit):
        figure, said = compared(op, value, limit)
        assert COMPARE[op](float(figure), float(said.split()[1]))


@pytest.mark.parametrize(
    "more,data,counts",
    [
        ({"query": "level:error"}, {}, True),
        ({"query": "level:fatal"}, {}, False),
        ({"query": "is:unresolved"}, {}, True),
        ({"query": "is:resolved"}, {}, False),
        ({"environment": "prod"}, {"environment": "prod"}, True),
        ({"environment": "prod"}, {}, False),
        ({"eventTypes": ["error"]}, {"exception": [{"type": "E"}]}, True),
        ({"eventTypes": ["error"]}, {"message": "x"}, False),
        ({"eventTypes": ["default"]}, {"message": "x"}, True),
    ],
)
def test_which_events_count(more: dict[str, Any], data: dict[str, Any], counts: bool) -> None:
    """Query, environment and event types."""
    monitor = evaluator(metric_rule(("critical", 0), **more))
    monitor.see(seen(0, **data))
    assert bool(monitor.tick(START)) is counts


def test_unique_users() -> None:
    """count_unique looks at who was affected."""
    monitor = evaluator(metric_rule(("critical", 1), aggregate="count_unique(user)"))
    for user in ("1", "1", "2"):
        assert monitor.tick(START) == []
        monitor.see(seen(1, user={"id": user}))
    assert told(monitor.tick(START + 1)) == [("m", 1, "critical")]


def transaction(at: float, took: float, status: str = "ok") -> dict[str, Any]:
    times = {"start_timestamp": START + at - took, "timestamp": START + at}
    return {"type": "transaction", "contexts": {"trace": {"status": status}}, **times}


@pytest.mark.parametrize(
    "aggregate,threshold,value",
    [
        ("p95(transaction.duration)", 800, 980.0),
        ("avg(transaction.duration)", 500, 550.0),
        ("failure_rate()", 0.4, 0.5),
        ("count()", 9, 10.0),
        ("apdex(310)", 0.1, 0.65),
    ],
)
def test_transactions(aggregate: str, threshold: float, value: float) -> None:
    """Latency in milliseconds, rates between 0 and 1; errors do not count as transactions."""
    monitor = evaluator(metric_rule(("critical", threshold), dataset="transactions", aggregate=aggregate))
    for number in range(10):
        status = "internal_error" if number % 2 else "ok"
        monitor.see_transaction(transaction(1, 0.1 + 0.1 * number, status), at=START + 1)
        monitor.see(seen(1))
    (alert,) = monitor.tick(START + 1)
    assert alert.value == pytest.approx(value, rel=0.05)


def update(sid: str, status: str, *, init: bool = False, errors: int = 0) -> dict[str, Any]:
    return {"sid": sid, "status": status, "init": init, "errors": errors, "attrs": {"release": "1.0"}}


def crash_free(**more: Any) -> Evaluator:
    rule = metric_rule(("critical", 90), dataset="sessions", aggregate=CRASH_FREE, thresholdType=1, **more)
    return evaluator(rule)


def test_crash_free_sessions() -> None:
    """Without sessions nothing is decided; the rate is rounded to three places of a per cent."""
    monitor = crash_free()
    assert monitor.tick(START) == []
    aggregates = {"attrs": {"release": "1"}, "aggregates": [{"exited": 8, "crashed": 1, "errored": 0}]}
    monitor.see_session(aggregates, at=START + 1, item="sessions")
    (alert,) = monitor.tick(START + 1)
    assert alert.because == "crash-free rate in 1m is 88.889 < 90"
    monitor.see_session({"attrs": {}, "aggregates": [{"exited": 100}]}, at=START + 2, item="sessions")
    assert monitor.tick(START + 2) == []


def test_updates_of_a_session_count_it_once() -> None:
    """A session that begins well and crashes later is one session, which crashed; then it stays so."""
    monitor = crash_free()
    for number in range(9):
        monitor.see_session(update(str(number), "ok", init=True), at=START)
    monitor.see_session(update("9", "ok", init=True), at=START)
    assert monitor.tick(START) == []
    monitor.see_session(update("9", "ok", errors=1), at=START + 1)
    monitor.see_session(update("9", "crashed"), at=START + 1)
    monitor.see_session(update("9", "exited"), at=START + 1)
    assert monitor.tick(START + 1) == []
    monitor.see_session(update("8", "crashed"), at=START + 2)
    (alert,) = monitor.tick(START + 2)
    assert alert.value == 80.0


def test_no_sessions_begin_the_count_anew() -> None:
    """Consecutive evaluations are interrupted by one without data."""
    monitor = crash_free(thresholdPeriod=2)
    found = []
    for at, ended in ((0, "crashed"), (61, None), (120, "crashed"), (121, "crashed")):
        if ended:
            monitor.see_session(update(str(at), ended, init=True), at=START + at)
        found += told(monitor.tick(START + at))
    assert found == [("m", 121, "critical")]


def test_time_tables() -> None:
    """Decisions at whole minutes over the window that ended then, told later if they take longer."""
    monitor = evaluator(metric_rule(("critical", 0)), delays=Delays(metric_every=60, metric_after=15))
    assert monitor.see(seen(59)) == []
    assert monitor.next_due() == START + 75
    assert monitor.tick(START + 74) == []
    assert told(monitor.tick(START + 75)) == [("m", 75, "critical")]
    assert told(monitor.see(seen(200))) == [("m", 135, "resolved")]
    monitor = evaluator(metric_rule(("critical", 0)), delays=Delays(metric_after=10))
    monitor.see(seen(0))
    assert told(monitor.tick(START + 10)) == [("m", 10, "critical")]
    assert monitor.tick(START + 10) == []


def test_a_detector_follows_its_conditions() -> None:
    """The gravest true condition is its state; where none is true it stays as it is."""
    monitor = evaluator(detector(("gt", 4, 75), ("gt", 2, 50), ("gt", 1, 25), ("lt", 1, 0)))
    found = feed(monitor, [(0, 2), (1, 1), (2, 2), (60, 0), (61, 0), (62, 0)])
    assert [(at, status) for _, at, status in found] == [
        (0, "triggered"),
        (1, "warning"),
        (2, "critical"),
        (60, "warning"),
        (61, "triggered"),
        (62, "resolved"),
    ]
    monitor = evaluator(detector(("gt", 4, 75), ("lt", 1, 0)))
    assert told_of(feed(monitor, [(0, 5), (1, 0), (59, 2), (60, 0), (119, 0)])) == ["critical", "resolved"]


def told_of(found: list[tuple[str, float, str]]) -> list[str]:
    return [status for _, _, status in found]


def test_a_detector_may_want_several_evaluations() -> None:
    """thresholdPeriod of its config."""
    config = {"detectionType": "static", "thresholdPeriod": 2}
    monitor = evaluator(detector(("gt", 0, 75), ("lte", 0, 0), config=config))
    assert feed(monitor, [(0, 1), (1, 0), (61, 0), (62, 0)]) == [("d", 1, "critical"), ("d", 62, "resolved")]


def test_dynamic_detectors_are_left_alone() -> None:
    """Nobody but Sentry can evaluate anomalies."""
    made = detector(config={"detectionType": "dynamic"})
    made["conditionGroup"]["conditions"] = [
        {"type": "anomaly_detection", "comparison": {}, "conditionResult": 75}
    ]
    assert feed(evaluator(made), [(0, 100)]) == []


def least(value: int) -> dict[str, Any]:
    condition = {"type": "issue_priority_greater_or_equal", "comparison": value}
    return {"logicType": "all", "conditions": [condition], "actions": [{"type": f"from {value}"}]}


def test_workflows_listen_to_detectors() -> None:
    """Either names the other; priorities choose the actions, and events of errors are not their business."""
    lowered = {
        "logicType": "all",
        "conditions": [{"type": "issue_priority_deescalating", "comparison": True}],
    }
    monitor = evaluator(
        workflow(
            filters=[least(75), least(50), {**lowered, "actions": [{"type": "lower"}]}], detectorIds=["7"]
        ),
        workflow(id="3", name="v", filters=[least(75)]),
        detector(("gt", 4, 75), ("gt", 2, 50), ("lte", 2, 0), id=7, workflowIds=[3]),
    )
    found = []
    for at, count in [(0, 3), (1, 2), (60, 0), (61, 0)]:
        for _ in range(count):
            assert monitor.see(seen(at)) == []
        for alert in monitor.tick(START + at):
            assert alert.kind == "metric"
            found.append((alert.rule, at, alert.status, [action["type"] for action in alert.actions]))
    assert found == [
        ("w", 0, "warning", ["from 50"]),
        ("w", 1, "critical", ["from 75", "from 50"]),
        ("v", 1, "critical", ["from 75"]),
        ("w", 60, "resolved", ["lower"]),
    ]


def test_triggers_of_workflows_for_detectors() -> None:
    """A detector's issue is new at first, regresses when it opens again, and is seen to resolve."""
    triggers = ("first_seen_event", "regression_event", "issue_resolved_trigger")
    monitor = evaluator(
        *(workflow({"type": kind, "comparison": True}, name=kind, detectorIds=[1]) for kind in triggers),
        detector(("gt", 0, 75), ("lte", 0, 0), id=1),
    )
    found = feed(monitor, [(0, 1), (60, 0), (61, 1)])
    assert [name for name, _, _ in found] == [
        "first_seen_event",
        "issue_resolved_trigger",
        "regression_event",
    ]


def test_workflows_that_do_not_match_the_detector() -> None:
    """Of another environment, not enabled, listening to errors as well, or to a detector that is not there."""
    made = detector(("gt", 0, 75), id=1, source={"environment": "prod"})
    other = workflow(detectorIds=[1], environment="dev")
    off = workflow(detectorIds=[1], enabled=False)
    both = workflow(detectorIds=[1, 2], environment="prod")
    gone = workflow(detectorIds=[1, 3], environment="prod")
    for rule, of_detector, of_event in ((other, 0, 0), (off, 0, 0), (both, 1, 1), (gone, 1, 0)):
        monitor = evaluator(rule, made, ERRORS)
        assert len(monitor.see(seen(0, environment="prod"))) == of_event
        assert len(monitor.tick(START)) == of_detector


ERRORS = {"id": "2", "name": "Error Monitor", "type": "error", "projectId": "7"}


@pytest.mark.parametrize(
    "more,others,fires",
    [
        ({}, [], True),
        ({"detectorIds": None}, [], True),
        ({"detectorIds": []}, [], False),
        ({"detectorIds": []}, [ERRORS], False),
        ({"detectorIds": ["5"]}, [], False),
        ({"detectorIds": ["2"]}, [ERRORS], True),
        ({"detectorIds": [2.0]}, [ERRORS], True),
        ({"detectorIds": ["2"]}, [ERRORS | {"enabled": False}], False),
        ({"detectorIds": ["2"]}, [ERRORS | {"type": "issue_stream", "projectId": None}], True),
        ({"detectorIds": ["2"]}, [ERRORS | {"type": "uptime_domain_failure"}], False),
        ({"detectorIds": [], "id": "9"}, [ERRORS | {"workflowIds": ["9"]}], True),
        ({"id": "9"}, [ERRORS | {"workflowIds": ["9"], "enabled": False}], False),
    ],
)
def test_which_workflows_hear_of_errors(more: dict[str, Any], others: list[Any], fires: bool) -> None:
    """Those that do not say what they listen to, and those connected to an enabled detector of errors."""
    monitor = evaluator(workflow(**more), *others)
    assert bool(monitor.see(seen(0))) is fires


def test_slow_filters_of_detectors_are_never_true() -> None:
    """Events of a detector's issue are not counted."""
    slow = {"type": "event_frequency_count", "comparison": {"value": 0, "interval": "1h"}}
    unit = {"logicType": "all", "conditions": [slow], "actions": [{"type": "email"}]}
    monitor = evaluator(workflow(filters=[unit], detectorIds=[1]), detector(("gt", 0, 75), id=1))
    assert feed(monitor, [(0, 1)]) == []
