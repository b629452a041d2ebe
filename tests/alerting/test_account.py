"""What became of every alert: expected ones, one too many, missed ones and why; and how late they were."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_sentry_harness.criteria.alerting import measure
from pytest_sentry_harness.criteria.alerting_account import Alerted
from pytest_sentry_harness.criteria.judge import judge_criteria
from pytest_sentry_harness.model.alerted import AlertTold, Missed
from pytest_sentry_harness.model.delays import Delays
from pytest_sentry_harness.model.metrics import METRICS
from pytest_sentry_harness.model.notified import Delivery
from pytest_sentry_harness.model.scenario import Expect
from pytest_sentry_harness.plan.gates import default_gates

from .world import (
    CHANNELS,
    EVERY_EVENT,
    FIRST_SEEN,
    LEVEL,
    ROUTE,
    World,
    frequency,
    metric,
    raised,
    rule,
    tagged,
)

GATES = default_gates("alerting", set())
NEW = rule("new", FIRST_SEEN)


def verdicts(alerted: Alerted) -> dict[str, str]:
    (criterion,) = judge_criteria(
        {"alerting": measure(alerted)}, GATES, trouble=alerted.trouble, doubts=alerted.doubts
    )
    return {gate.metric: str(gate.verdict) for gate in criterion.gates} | {"": str(criterion.verdict)}


def only_missed(world: World) -> AlertTold:
    """The one notification that was missed."""
    alerted = world.judged()
    assert closes(alerted)
    (row,) = [row for row in alerted.info.table if row.latency is None]
    (finding,) = [each for each in alerted.findings if each.metric == "alerting.missed"]
    assert (finding.reason, finding.count) == (row.reason, 1)
    assert row.because in finding.culprit
    return row


def closes(alerted: Alerted) -> bool:
    info = alerted.info
    return info.notifications_close and info.faults_close and info.expected_close


def test_an_alert_in_time_passes_and_its_legs_add_up() -> None:
    """From the fault to the receipt, each leg as long as it was made."""
    world = World(NEW, save=("new",))
    world.fault("save")
    alerted = world.judged()
    (row,) = alerted.info.table
    assert row.legs is not None
    legs = (row.legs.received, row.legs.issue, row.legs.rule, row.legs.sent, row.legs.delivered)
    assert legs == (0.5, 0.25, 0.0, 0.0, 0.25)
    assert row.latency == sum(legs) == 1.0
    assert verdicts(alerted) == {
        "alerting.latency.p99": "pass",
        "alerting.latency.max": "pass",
        "alerting.missed": "pass",
        "alerting.late": "pass",
        "alerting.dead": "pass",
        "alerting.duplicate": "pass",
        "alerting.false": "pass",
        "alerting.alerts": "pass",
        "": "pass",
    }
    info = alerted.info
    assert (info.faults, info.alerted, info.received, info.delivered, alerted.findings) == (1, 1, 1, 1, ())
    assert info.faults_missed == {}
    assert set(measure(alerted)) == {name for name, each in METRICS.items() if each.criterion == "alerting"}


def test_what_takes_longest_is_what_makes_an_alert_late() -> None:
    """Counting up to a threshold belongs to the rule, failed tries to sending."""
    busy = iter([503, 200])
    world = World(rule("often", frequency(3)), save=("often",), within=3.0)
    world.answer = lambda _: (next(busy), 0.25)
    world.fault("save", times=4, every=1.0)
    world.wait(5)
    alerted = world.judged()
    (row,) = alerted.info.table
    assert row.legs is not None
    assert row.late
    assert row.legs.rule == pytest.approx(5.3, abs=0.01)
    assert 0.0 < row.legs.sent < 2.0
    assert row.reason == "late_decision"
    assert (alerted.info.late, alerted.info.refused) == (1, 1)
    (finding,) = alerted.findings
    assert (finding.metric, finding.reason, finding.count) == ("alerting.late", "late_decision", 1)


def test_a_missed_alert_is_infinitely_late() -> None:
    """No quantile gets better by missing, and one missed alert fails the run."""
    world = World(NEW, save=("new",), pay=("new",))
    world.fault("save", function="save")
    world.lose("pay", "before_send")
    alerted = world.judged()
    found = verdicts(alerted)
    assert {name for name, verdict in found.items() if verdict == "fail"} == {
        "alerting.latency.p99",
        "alerting.latency.max",
        "alerting.missed",
        "",
    }
    assert measure(alerted)["alerting.latency.max"].value == float("inf")
    assert (alerted.info.p50, alerted.info.max) == (1.0, None)
    assert alerted.info.faults_missed == {"not_captured": 1}


def test_a_run_in_which_no_alert_is_expected_measures_nothing() -> None:
    """That nothing false was told is known; the rest is not."""
    world = World(NEW, save=Expect(alerts=()))
    world.lose("save", "sample_rate")
    alerted = world.judged()
    found = verdicts(alerted)
    assert found[""] == found["alerting.alerts"] == found["alerting.latency.max"] == "inconclusive"
    assert found["alerting.false"] == "pass"
    assert alerted.info.silent == 1


def test_each_incident_wants_an_alert_of_its_own() -> None:
    """Cut where faults are further apart than incident_gap."""
    world = World(rule("every", EVERY_EVENT, frequency=5), save=Expect(alerts=("every",), incident_gap=60.0))
    world.fault("save", times=2, every=1.0)
    world.wait(400, step=10)
    world.fault("save")
    info = world.judged().info
    assert (info.incidents, info.expected, info.delivered, info.faults, info.duplicates) == (2, 2, 2, 3, 0)


# ---- one too many ------------------------------------------------------------------------------


def test_a_delivery_that_comes_again_though_it_was_taken_is_a_duplicate() -> None:
    """The receiver was too slow with its answer, and the sender tried again."""
    world = World(NEW, save=("new",))

    def slow(delivery: Delivery) -> tuple[int, float]:
        if delivery.attempt == 1:  # taken at once, answered too late
            world.receive(delivery, 200, world.now + 0.25)
            return 0, 1.0
        return 200, 0.25

    world.answer = slow
    world.fault("save")
    world.wait(5)
    alerted = world.judged()
    assert (alerted.info.received, alerted.info.delivered, alerted.info.duplicates) == (2, 1, 1)
    assert closes(alerted)
    (finding,) = alerted.findings
    assert (finding.metric, finding.reason) == ("alerting.duplicate", "retried_though_taken")
    assert "the receiver had taken it, and the sender did not know: answered 0" in finding.culprit
    (row,) = alerted.info.table
    assert row.latency == 1.0


def test_a_rule_that_repeats_itself_is_named_with_the_issues_it_was_split_into() -> None:
    """Two issues of one incident are two alerts, of which one is too many."""
    world = World(NEW, save=("new",))
    world.fault("save", function="save")
    world.fault("save", function="other")
    alerted = world.judged()
    (row,) = alerted.info.extra
    assert (row.metric, row.reason, row.count) == ("alerting.duplicate", "repeated_by_the_rule", 1)
    assert "about issue 1; this is about issue 2" in row.because
    assert closes(alerted)


def test_alerts_about_what_should_not_alert_are_false() -> None:
    """Of no fault, or of one that must not alert by this rule; those that reach nobody are told of and not counted."""
    muted = '[[suppression]]\nname = "deploy"\nrule = "quiet"\n'
    world = World(NEW, rule("quiet", EVERY_EVENT), notify=CHANNELS + ROUTE + muted, save=(), pay=("new",))
    world.fault("save", function="save")
    world.event({**world.items[0].data, "fingerprint": ["x"]})
    world.fault("pay", function="pay")
    alerted = world.judged()
    assert closes(alerted)
    counted = {(row.rule, row.reason): row.count for row in alerted.info.extra}
    assert counted == {
        ("new", "rule_not_expected"): 1,
        ("new", "event_of_no_fault"): 1,
        ("quiet", "rule_not_expected"): 0,
    }
    assert (alerted.info.false, alerted.info.delivered) == (2, 1)
    assert sum(each.count for each in alerted.findings) == 2


def test_an_event_of_several_faults_alerts_for_the_one_that_expects_it() -> None:
    """Whoever is told of an exception group is told of what is in it."""
    world = World(NEW, save=(), pay=("new",))
    world.fault("save", "pay")
    info = world.judged().info
    assert (info.delivered, info.false) == (1, 0)


def test_escalations_resolutions_and_summaries_are_counted_apart() -> None:
    """The sum closes with all of them."""
    notify = (
        CHANNELS.replace('secret = "s3cret"', 'secret = "s3cret"\nthrottle = { most = 1, per = "20s" }')
        + ROUTE
        + '[[escalation]]\nafter = "2s"\nchannels = ["pager"]\n'
    )
    world = World(metric("many", 1), NEW, notify=notify, save=("many",), pay=("new",))
    world.fault("save", times=2, function="save")
    world.wait(90)
    alerted = world.judged()
    info = alerted.info
    assert closes(alerted)
    assert info.escalations >= 1
    assert info.resolutions >= 1
    assert info.summaries == 1


def test_a_receipt_of_no_alert_is_trouble() -> None:
    """It cannot be accounted for."""
    world = World(NEW, save=("new",))
    world.fault("save")
    receipt = world.receipts["ops"][0]
    world.receipts["ops"].append(replace(receipt, alert_id="", delivery_id="", title="who?"))
    alerted = world.judged()
    assert alerted.info.unknown == 1
    assert alerted.trouble == ("channel 'ops' has a notification that names no alert of the trail: who?",)
    assert verdicts(alerted)[""] == "error"


def test_times_that_go_back_are_doubted() -> None:
    """A leg is never clamped in silence."""
    world = World(NEW, save=("new",))
    origins = world.fire("save")
    world.firings[0] = world.firings[0]._replace(at=world.now + 2)
    world.event(raised(), origins)
    (doubt,) = world.judged().doubts
    assert "its leg 'received' took -2.000 s" in doubt
    assert verdicts(world.judged())[""] == "inconclusive"


def test_one_decision_of_a_metric_rule_stands_for_all_faults_in_it() -> None:
    """Its latency is that of the fault that began first; a second incident while it is open is missed."""
    world = World(
        metric("many", 3),
        save=Expect(alerts=("many",)),
        pay=Expect(alerts=("many",), incident_gap=5.0),
    )
    world.fault("save", times=2, function="save")
    world.fault("pay", times=2, function="pay")
    world.wait(20)
    world.fault("pay", times=1, function="pay")
    alerted = world.judged()
    assert closes(alerted)
    delivered, missed = sorted(alerted.info.table, key=lambda row: row.latency is None)
    assert (delivered.fault, delivered.faults) == ("save, pay", 4)
    assert delivered.fired_at == world.firings[0].at
    assert (missed.reason, missed.incident) == ("already_open", 2)
    assert alerted.info.faults_missed == {"already_open": 1}


# ---- missed ------------------------------------------------------------------------------------


def test_not_captured_says_what_the_account_says() -> None:
    """With who lost it."""
    world = World(NEW, save=("new",))
    world.lose("save", "before_send")
    row = only_missed(world)
    assert (row.reason, row.because) == ("not_captured", "1 x explained, before_send, shop.before_send")


def test_an_event_that_was_never_put_to_an_issue() -> None:
    """It came too late, or the monitor was slow."""
    world = World(NEW, save=("new",))
    world.event({}, world.fire("save"), put=False)
    assert only_missed(world).reason == Missed.NOT_SEEN_IN_TIME


def test_an_archived_issue_alerts_nobody() -> None:
    """Rules do not look at it."""
    world = World(NEW, archived=("save",), save=("new",))
    world.fault("save")
    row = only_missed(world)
    assert (row.reason, row.issues) == (Missed.ISSUE_ARCHIVED, (1,))


def test_an_issue_that_was_known_before_is_not_new() -> None:
    """Over-merged: the issue held events of another fault."""
    world = World(NEW, save=("new",), pay=("new",))
    world.fault("save", function="same")
    world.fault("pay", function="same")
    row = only_missed(world)
    assert (row.reason, row.where, row.fault) == (
        Missed.ISSUE_KNOWN_BEFORE,
        "alerts.json: [0].conditions[0]" if "alerts.json" in row.where else "[0].conditions[0]",
        "pay",
    )
    assert row.because.endswith("issue 1 held 1 events, 1 of fault 'save', incident 1")


def test_filters_name_what_they_wanted_and_what_there_was() -> None:
    """Environment, tag and level."""
    world = World(rule("prod", FIRST_SEEN, environment="prod"), save=("prod",))
    world.fault("save", environment="staging")
    row = only_missed(world)
    assert (row.reason, row.because) == (
        Missed.FILTER_FALSE,
        "it looks at environment 'prod' only, and the event is of 'staging'",
    )
    world = World(rule("tag", FIRST_SEEN, filters=(tagged("team", "pay"),)), save=("tag",))
    world.fault("save", tags={"team": "shop"})
    assert only_missed(world).because == "tag team equals 'pay': the event has 'shop'"
    world = World(rule("level", FIRST_SEEN, filters=(LEVEL,)), save=("level",))
    world.fault("save", level="warning")
    row = only_missed(world)
    assert row.because == "the event's level is at least error: the event's level is warning"
    assert row.where == "[0].filters[0]"
    assert len(row.events) == 1


def test_a_threshold_that_is_one_too_high() -> None:
    """How many it needs, and the most that one issue had."""
    world = World(rule("often", frequency(10)), save=("often",))
    world.fault("save", times=9)
    row = only_missed(world)
    assert (row.reason, row.because) == (
        Missed.THRESHOLD,
        "the issue has more than 10 times in 1h: it was 9 at most",
    )


def test_a_threshold_that_is_reached_when_something_else_is_in_the_way() -> None:
    """Only its first event makes an issue new: the largest number is no help, and what was in its way then is named."""
    world = World(rule("often", FIRST_SEEN, frequency(5)), save=("often",))
    world.fault("save", times=9)
    row = only_missed(world)
    assert (row.reason, row.because) == (
        Missed.THRESHOLD,
        "the issue has more than 5 times in 1h: it was 1 at most; when it was enough, something else was in the way: "
        "a new issue is created: it was there before",
    )


def test_a_rule_that_counts_starves_where_its_issue_was_split() -> None:
    """Twelve events in three issues."""
    world = World(rule("often", frequency(10)), save=("often",))
    for function in "abc":
        world.fault("save", times=4, function=function)
    row = only_missed(world)
    assert row.reason == Missed.SPLIT
    assert row.because.endswith("its 12 events lie in 3 issues, 4 in one of them at most")
    assert set(row.issues) == {1, 2, 3}


def test_a_rule_is_quiet_for_its_frequency() -> None:
    """It fired for the incident before."""
    world = World(rule("every", EVERY_EVENT), save=Expect(alerts=("every",), incident_gap=2.0))
    world.fault("save")
    world.wait(10)
    world.fault("save")
    row = only_missed(world)
    assert (row.reason, row.incident, row.where) == (Missed.FREQUENCY, 2, "[0].frequency")
    assert row.because == (
        "it had fired for issue 1 10.8 s before, of fault 'save', incident 1, and keeps quiet for 30m"
    )


def test_a_decision_that_was_still_to_come() -> None:
    """Slow conditions are put off, and the run ended before."""
    world = World(rule("often", frequency(1)), delays=Delays(slow_after=60.0), save=("often",))
    world.fault("save", times=3)
    world.wait(1)
    assert only_missed(world).reason == Missed.NOT_DECIDED_IN_TIME
    world = World(metric("many", 1), delays=Delays(metric_every=60.0), save=("many",))
    world.fault("save", times=3)
    assert only_missed(world).reason == Missed.NOT_DECIDED_IN_TIME


def test_a_rule_that_is_switched_off() -> None:
    """With why."""
    world = World(rule("off", FIRST_SEEN, status="disabled"), save=("off",))
    world.fault("save")
    row = only_missed(world)
    assert row.reason == Missed.RULE_DISABLED
    assert row.because


def test_a_metric_rule_says_how_near_it_came() -> None:
    """And what it does not count."""
    world = World(metric("many", 9), save=("many",))
    world.fault("save", times=9)
    row = only_missed(world)
    assert (row.reason, row.because) == (Missed.THRESHOLD, "count() in 1m must be > 9: it came to 9")
    world = World(metric("many", 1, query="level:fatal"), save=("many",))
    world.fault("save", times=9)
    row = only_missed(world)
    assert (row.reason, row.because) == (
        Missed.FILTER_FALSE,
        "none of its 9 events is one that it counts: query 'level:fatal'",
    )


@pytest.mark.parametrize(
    ("notify", "reason", "because"),
    [
        ('[[route]]\nrule = "other"\nchannels = ["ops"]\n', "no_route", "no route matches it"),
        (ROUTE + '[[suppression]]\nname = "deploy"\nrule = "new"\n', "muted", "deploy says so"),
        (
            ROUTE + '[[suppression]]\nname = "night"\nquiet = "00:00-23:59"\nzone = "UTC"\n',
            "quiet_hours",
            "night says so",
        ),
        (
            '[[route]]\nchannels = ["ops"]\ndeduplicate = "1h"\ndeduplicate_by = ["rule"]\n',
            "suppressed_as_duplicate",
            "the same went there",
        ),
    ],
)
def test_what_is_not_sent_says_why(notify: str, reason: str, because: str) -> None:
    """Routes and suppressions, by their own words."""
    world = World(
        NEW,
        notify=CHANNELS + notify,
        save=() if reason == "suppressed_as_duplicate" else ("new",),
        pay=("new",),
    )
    if reason == "suppressed_as_duplicate":
        world.fault("save", function="save")
    world.fault("pay", function="pay")
    row = only_missed(world)
    assert (row.reason, row.fault) == (reason, "pay")
    assert because in row.because
    assert row.channel == ("" if reason == "no_route" else "ops")


def test_what_a_throttle_holds_back_is_missed() -> None:
    """A summary is not an alert."""
    notify = CHANNELS.replace('secret = "s3cret"', 'secret = "s3cret"\nthrottle = { most = 1, per = "20s" }')
    world = World(NEW, notify=notify + ROUTE, save=("new",), pay=("new",))
    world.fault("save", function="save")
    world.fault("pay", function="pay")
    world.wait(30)
    row = only_missed(world)
    assert (row.reason, row.because) == (Missed.THROTTLED, "1 went there within 20 s")


def test_a_receiver_that_fails_is_named_with_its_tries() -> None:
    """Given up, or still on the way."""
    world = World(NEW, answer=lambda _: (503, 0.0), save=("new",))
    world.fault("save")
    assert only_missed(world).because == "still on its way after 1 try, the last one: answered 503"
    assert only_missed(world).reason == Missed.NOT_DELIVERED_IN_TIME
    world.wait(5)
    row = only_missed(world)
    assert (row.reason, row.because) == (
        Missed.RECEIVER_FAILED,
        "given up after 2 tries, the last one: answered 503",
    )
    (channel,) = [each for each in world.judged().info.channels if each.channel == "ops"]
    assert (channel.received, channel.refused, channel.dead) == (0, 2, 1)


def test_a_receipt_that_is_not_there() -> None:
    """The sender was told that it was taken."""
    world = World(NEW, save=("new",))
    world.fault("save")
    world.receipts["ops"].clear()
    assert only_missed(world).reason == Missed.NO_RECEIPT
