"""Whatever a trail and receipts hold, each notification and each fault is counted once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.criteria.alerting import measure
from pytest_sentry_harness.criteria.alerting_account import MOST_ROWS, Alerted
from pytest_sentry_harness.model.notified import Delivery, Raised, Receipt
from pytest_sentry_harness.model.scenario import Expect, ExpectedAlert

from .world import CHANNELS, EPOCH, EVERY_EVENT, FIRST_SEEN, World, frequency, metric, raised, rule

NOTIFY = (
    CHANNELS.replace('secret = "s3cret"', 'secret = "s3cret"\nthrottle = { most = 3, per = "10s" }')
    + """
[[route]]
rule = ["new", "many"]
channels = ["ops", "mail"]
continue = true
[[route]]
rule = ["every", "often"]
channels = ["ops"]
deduplicate = "5s"
[[escalation]]
after = "3s"
channels = ["pager"]
[[suppression]]
name = "twice"
rule = "new"
until_count = 2
"""
)
RULES = (
    rule("new", FIRST_SEEN),
    rule("every", EVERY_EVENT, frequency=5),
    rule("often", frequency(3)),
    metric(
        "many",
        3,
        triggers=[
            {"label": "critical", "alertThreshold": 3, "actions": [{"type": "email"}]},
            {"label": "warning", "alertThreshold": 1, "actions": [{"type": "email"}]},
        ],
    ),
    metric("unused", 1),
)
STEP = st.one_of(
    st.tuples(
        st.just("fault"),
        st.lists(st.sampled_from(["save", "pay", "log"]), min_size=1, max_size=2),
        st.sampled_from("ab"),
    ),
    st.tuples(st.just("lose"), st.sampled_from(["save", "pay"])),
    st.tuples(st.just("stray"), st.sampled_from("abc")),
    st.tuples(st.just("unseen"), st.sampled_from(["save", "pay"])),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 3.0, 12.0, 90.0])),
)
ANSWERS = st.lists(st.sampled_from([200, 200, 200, 503, 404, 0]), max_size=8)
MEDDLE = st.lists(
    st.tuples(st.sampled_from(["drop", "repeat", "rename", "move", "anonymous", "torn"]), st.integers(0, 99)),
    max_size=4,
)


def lived(steps: list[tuple[Any, ...]], answers: list[int]) -> World:
    """A world in which this happened."""
    world = World(
        *RULES,
        notify=NOTIFY,
        save=Expect(
            alerts=("new", ExpectedAlert(rule="many", status="critical")),
            incident_gap=10.0,
        ),
        pay=Expect(alerts=("often", "every", ExpectedAlert(rule="many", channel="pager"))),
        log=Expect(alerts=()),
    )
    left = list(answers)

    def answer(_: Delivery) -> tuple[int, float]:
        return (left.pop() if left else 200), 0.125

    world.answer = answer
    for step in steps:
        match step:
            case ("fault", names, function):
                world.fault(*dict.fromkeys(names), function=function)
            case ("lose", name):
                world.lose(name, "before_send")
            case ("stray", function):
                world.event(raised(function))
            case ("unseen", name):
                world.event({}, world.fire(name), put=False)
            case ("wait", seconds):
                world.wait(seconds, step=1.0)
    return world


def meddle(world: World, how: list[tuple[str, int]]) -> None:
    """Receipts and records that nobody would write."""
    for what, number in how:
        taken = [(channel, index) for channel, each in world.receipts.items() for index in range(len(each))]
        if what == "torn":
            del world.policy.trail[len(world.policy.trail) - number % 5 :]
        elif taken:
            channel, index = taken[number % len(taken)]
            receipt = world.receipts[channel][index]
            if what == "drop":
                del world.receipts[channel][index]
            elif what == "repeat":
                world.receipts[channel].append(replace(receipt, at=receipt.at + 1))
            elif what == "rename":
                world.receipts[channel][index] = replace(receipt, alert_id="f" * 32, delivery_id="")
            elif what == "move":
                world.receipts["mail"].append(receipt)
            else:
                world.receipts[channel][index] = replace(receipt, delivery_id="")


def check(world: World, alerted: Alerted) -> None:
    info = alerted.info
    taken = [each for receipts in world.receipts.values() for each in receipts if is_good(each)]
    assert info.received == len(taken)
    assert info.notifications_close
    assert info.faults_close
    assert info.expected_close
    fired = {"save": 0, "pay": 0, "log": 0}
    for firing in world.firings:
        fired[firing.fault] += 1
    assert (info.faults, info.silent) == (fired["save"] + fired["pay"], fired["log"])
    counted = ("missed", "late", "duplicate", "false", "dead")
    by_metric = {f"alerting.{name}": 0 for name in counted}
    for finding in alerted.findings:
        by_metric[finding.metric] += finding.count
    assert by_metric == {name: measure(alerted)[name].value for name in by_metric}
    assert len(alerted.latencies) == info.expected == sum(row.expected for row in info.rules)
    for row in info.table:
        if row.legs is not None:
            legs = (row.legs.received, row.legs.issue, row.legs.rule, row.legs.sent, row.legs.delivered)
            assert sum(legs) == row.latency
        assert (row.latency is None or row.late) == bool(row.reason)
    assert len(info.table) <= MOST_ROWS
    assert len(info.extra) <= MOST_ROWS


def is_good(receipt: Receipt) -> bool:
    return 200 <= receipt.status < 300


@given(st.lists(STEP, max_size=8), ANSWERS, MEDDLE)
def test_both_sums_close(
    steps: list[tuple[Any, ...]], answers: list[int], how: list[tuple[str, int]]
) -> None:
    """Faults that should alert, and notifications that were received; legs add up to the latency."""
    world = lived(steps, answers)
    meddle(world, how)
    alerted = world.judged()
    check(world, alerted)
    raised_ids = {record.alert_id for record in world.policy.trail if isinstance(record, Raised)}
    assert {row.alert_id for row in alerted.info.table if row.alert_id} <= raised_ids
    if not how:
        assert alerted.trouble == ()
        assert "unexplained" not in alerted.info.faults_missed
    assert world.now >= EPOCH
