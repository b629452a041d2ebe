"""What has to be told to whom: graver statuses, channels, actions of the rules, and what a rule can see."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_sentry_harness.criteria.alerting import measure
from pytest_sentry_harness.criteria.alerting_account import Alerted
from pytest_sentry_harness.model.alerted import AlertTold
from pytest_sentry_harness.model.delays import Delays, words_of
from pytest_sentry_harness.model.notified import Delivery
from pytest_sentry_harness.model.scenario import Expect, ExpectedAlert
from pytest_sentry_harness.report.alerting import lines_of

from .test_account import verdicts
from .world import CHANNELS, FIRST_SEEN, ROUTE, World, metric, raised, rule

EMAIL: dict[str, Any] = {"type": "email", "targetType": "team", "targetIdentifier": "2"}
TRIGGERS = [
    {"label": "critical", "alertThreshold": 3, "actions": [EMAIL]},
    {"label": "warning", "alertThreshold": 1, "actions": [EMAIL]},
]
MANY = metric("many", 1, triggers=TRIGGERS)
PAGER = '[[route]]\nstatus = "critical"\nchannels = ["pager"]\n'


def refuses(*wanted: str) -> Any:
    """Takes everything but these statuses and escalations."""

    def answer(delivery: Delivery) -> tuple[int, float]:
        refused = delivery.notice.status in wanted or ("escalation" in wanted and delivery.step)
        return (400 if refused else 200), 0.125

    return answer


def closed(world: World) -> Alerted:
    alerted = world.judged()
    info = alerted.info
    assert info.notifications_close
    assert info.faults_close
    assert info.expected_close
    assert alerted.trouble == ()
    counted = {each.metric: 0 for each in alerted.findings}
    for each in alerted.findings:
        counted[each.metric] += each.count
    assert counted == {name: measure(alerted)[name].value for name in counted}
    return alerted


def missed(world: World) -> AlertTold:
    (row,) = [row for row in closed(world).info.table if row.latency is None]
    return row


def test_who_heard_of_the_warning_only_was_not_told() -> None:
    """The receiver took the warning, and refused the critical one."""
    world = World(MANY, answer=refuses("critical"), save=("many",))
    world.fault("save", times=2)
    world.wait(3)
    world.fault("save", times=2)
    world.wait(10)
    alerted = closed(world)
    (row,) = alerted.info.table
    assert (row.latency, row.reason) == (None, "receiver_failed")
    assert row.because.startswith("given up after 2 tries, the last one: answered 400")
    info = alerted.info
    assert (info.delivered, info.missed, info.received, info.lesser, info.dead) == (0, 1, 1, 1, 1)
    found = verdicts(alerted)
    assert (found["alerting.missed"], found["alerting.dead"]) == ("fail", "fail")
    assert "1 of what was missed, at a lesser status" in "\n".join(lines_of(info))


def test_an_escalation_that_is_given_up_cannot_pass() -> None:
    """The alert itself was delivered."""
    world = World(
        rule("new", FIRST_SEEN),
        notify=CHANNELS + ROUTE + '[[escalation]]\nafter = "2s"\nchannels = ["mail"]\n',
        answer=refuses("escalation"),
        save=("new",),
    )
    world.fault("save")
    world.wait(10)
    alerted = closed(world)
    assert (alerted.info.delivered, alerted.info.missed, alerted.info.dead) == (1, 0, 1)
    (finding,) = alerted.findings
    assert (finding.metric, finding.reason, finding.fault) == ("alerting.dead", "receiver_failed", "save")
    assert finding.culprit == "rule 'new' to mail, escalation 1, was given up: answered 400"
    assert verdicts(alerted)["alerting.dead"] == "fail"


def test_a_receiver_that_takes_and_never_answers_was_told() -> None:
    """And told again by the next try."""
    world = World(rule("new", FIRST_SEEN), save=("new",))

    def hangs(delivery: Delivery) -> tuple[int, float]:
        if delivery.attempt == 1:
            world.receive(delivery, 0, world.now + 0.125)
            return 0, 1.0
        return 200, 0.125

    world.answer = hangs
    world.fault("save")
    world.wait(5)
    info = closed(world).info
    assert (info.delivered, info.duplicates, info.refused, info.missed) == (1, 1, 0, 0)
    assert [row.reason for row in info.extra] == ["retried_though_taken"]


TIMEOUTS = metric("timeouts", 1, query="error.type:TimeoutError")


def timeout(**more: Any) -> dict[str, Any]:
    data = raised("fetch")
    data["exception"]["values"][0]["type"] = "TimeoutError"
    return {**data, **more}


@pytest.mark.parametrize("other", [True, False])
def test_an_incident_that_a_metric_rule_cannot_see_is_not_told_by_it(other: bool) -> None:
    """Errors of another fault, or of the app itself, tripped it."""
    world = World(TIMEOUTS, save=("timeouts",), log=())
    world.fault("save", times=2)
    for _ in range(2):
        world.event(timeout(), world.fire("log") if other else ())
    world.wait(2)
    row = missed(world)
    assert (row.reason, row.fault) == ("filter_false", "save")
    assert row.because.startswith("none of its 2 events is one that it counts")
    (extra,) = closed(world).info.extra
    assert (extra.metric, extra.reason, extra.count) == ("alerting.false", "not_in_figure", 1)
    assert extra.because.endswith("2 of fault 'log'" if other else "2 of no fault")


def test_an_incident_that_the_rule_counts_is_told_by_it() -> None:
    """Whatever else is in the figure; one that is not seen is not alerted by the way."""
    world = World(TIMEOUTS, save=("timeouts",), pay=("timeouts",))
    world.fault("pay")
    for _ in range(2):
        world.event(timeout(), world.fire("save"))
    world.wait(2)
    info = closed(world).info
    assert {(row.fault, row.reason) for row in info.table} == {("save", ""), ("pay", "filter_false")}
    assert info.false == 0


@pytest.mark.parametrize(("route", "told"), [("/pay", True), ("/other", False)])
def test_of_transactions_it_is_asked_by_the_trace(route: str, told: bool) -> None:
    """Where the trace of its event has one."""
    world = World(
        metric("failures", 0.5, dataset="transactions", aggregate="failure_rate()", query="transaction:/pay"),
        save=("failures",),
    )
    trace = {"trace": {"trace_id": "a" * 32, "status": "internal_error"}}
    world.event(raised(contexts=trace), world.fire("save"))
    world.transaction(transaction=route, contexts=trace)
    if not told:
        world.transaction(transaction="/pay", contexts={"trace": {"status": "internal_error"}})
    world.wait(2)
    info = closed(world).info
    assert (info.delivered, info.false) == ((1, 0) if told else (0, 1))


@pytest.mark.parametrize("actions", [[], [{"type": "email", "status": "disabled"}]])
def test_a_rule_without_an_action_in_use_tells_nobody(actions: list[Any]) -> None:
    """Whatever our routes would do with it."""
    triggers = [{"label": "critical", "alertThreshold": 1, "actions": actions}]
    world = World(metric("many", 1, triggers=triggers), save=("many",))
    world.fault("save", times=2)
    world.wait(5)
    row = missed(world)
    assert (row.reason, row.channel) == ("tells_nobody", "")
    assert world.receipts["ops"] == []


def expecting(**more: Any) -> Expect:
    return Expect(alerts=(ExpectedAlert(rule="many", **more),))


def graver(world: World) -> None:
    """A warning, then something critical."""
    world.fault("save", times=2)
    world.wait(3)
    world.fault("save", times=2)
    world.wait(3)


def test_a_channel_that_has_to_be_told() -> None:
    """Told elsewhere is missed there; all others are expected as well."""
    world = World(MANY, save=expecting(channel="pager"))
    graver(world)
    row = missed(world)
    assert (row.reason, row.channel) == ("other_channel", "pager")
    assert row.because == "its routes lead to ops, and not to pager"
    assert closed(world).info.delivered == 1
    world = World(MANY, notify=CHANNELS + PAGER + ROUTE, save=expecting(channel="pager"))
    graver(world)
    assert closed(world).info.missed == 0


@pytest.mark.parametrize("channel", ["", "ops"])
def test_a_status_that_has_to_be_reached(channel: str) -> None:
    """A warning is not enough; and the latency is that of the notification that is grave enough."""
    world = World(MANY, save=expecting(status="critical", channel=channel))
    world.fault("save", times=2)
    world.wait(3)
    row = missed(world)
    assert (row.reason, row.because) == ("lesser_status", "it was warning at most, and has to be critical")
    world.fault("save", times=2)
    world.wait(3)
    info = closed(world).info
    (told,) = info.table
    assert told.latency is not None
    assert told.latency > 4
    assert (info.lesser, info.escalations, info.missed) == (1, 0, 0)


def test_a_status_need_be_reached_in_one_channel_only() -> None:
    """The pager is told of what is critical, others of the warning."""
    notify = CHANNELS + PAGER + ROUTE
    world = World(MANY, notify=notify, save=expecting(status="critical"))
    graver(world)
    info = closed(world).info
    assert {(row.channel, row.reason) for row in info.table} == {("ops", ""), ("pager", "")}


def test_what_was_under_way_when_somebody_interrupted_is_not_held_against_anybody() -> None:
    """What was missed for another reason is."""
    world = World(metric("many", 1), delays=Delays(metric_every=60.0), save=("many",), pay=())
    world.fault("save", times=3)
    assert verdicts(world.judged())["alerting.missed"] == "fail"
    alerted = world.judged(interrupted=True)
    assert alerted.info.missed == alerted.cut_off == 1
    found = verdicts(alerted)
    assert "fail" not in found.values()
    assert found[""] == "inconclusive"
    note = measure(alerted)["alerting.missed"].note
    assert note == "1 more were still under way when the run was interrupted"
    world = World(metric("many", 9), save=("many",))
    world.fault("save", times=3)
    assert verdicts(world.judged(interrupted=True))["alerting.missed"] == "fail"


def test_the_report_names_delays_and_metric_rules_without_a_time_table() -> None:
    """Sentry decides once a minute."""
    world = World(metric("many", 1), rule("new", FIRST_SEEN), save=("many", "new"))
    world.fault("save", times=2)
    info = closed(world).info
    assert (info.delays, info.untimed) == ("none", ("many",))
    text = "\n".join(lines_of(info))
    assert "delays of the backend: none" in text
    assert "metric rules that decided at once, as Sentry's do not (once a minute): 'many'; " in text
    timed = World(metric("many", 1), delays=Delays(metric_every=60.0, ingest=2.0), save=("many",))
    timed.fault("save", times=2)
    info = closed(timed).info
    assert (info.delays, info.untimed) == ("ingest 2 s, metric_every 60 s", ())
    assert words_of(Delays(slow_every=60.0, metric_every=60.0)) == "sentry"
