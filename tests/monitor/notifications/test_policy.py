"""Who is told of what, and when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pytest_sentry_harness.model.notified import (
    Attempted,
    Dead,
    Delivered,
    Escalated,
    Lifted,
    Outcome,
    Queued,
    Raised,
    Resolved,
    Summarised,
    Suppressed,
    Throttled,
)
from pytest_sentry_harness.monitor.notifications import Policy, books

from .building import ALL, CHANNELS, DOWN, GONE, OK, alert, kinds, of_kind, play, policy, settings


def channels_told(text: str, **what: object) -> list[str]:
    under_test = policy(text)
    under_test.submit(alert(**what), 0.0)  # type: ignore[arg-type]
    return [delivery.channel for delivery in under_test.due(0.0)]


def test_the_way_of_an_alert() -> None:
    """Raised, queued, given out once, attempted, delivered; and it says so."""
    under_test = policy()
    alert_id = under_test.submit(alert(), 1.0)
    (delivery,) = under_test.due(1.0)
    assert under_test.due(1.0) == ()
    assert delivery.delivery_id == f"{alert_id}.0.ops"
    assert delivery.url.endswith(
        f"/issues/1/events/{'ab' * 16}/?referrer=alert&alert_rule_id=1&notification_uuid={alert_id}"
    )
    assert (delivery.attempt, delivery.action, delivery.incident) == (1, "trigger", "High volume/1/1")
    assert under_test.report(delivery.delivery_id, OK, 1.5)
    assert not under_test.report(delivery.delivery_id, OK, 1.6)
    assert kinds(under_test) == ["raised", "queued", "attempted", "delivered"]
    assert all(record.why for record in under_test.trail)
    assert under_test.next_at() is None


FIRST = '[[route]]\nrule = "High*"\nchannels = ["ops"]\n[[route]]\nchannels = ["mail"]\n'


@pytest.mark.parametrize(
    "text, what, told",
    [
        (FIRST, {}, ["ops"]),
        (FIRST, {"rule": "Low"}, ["mail"]),
        (FIRST.replace("High*", "Hi?h [v]*"), {}, ["mail"]),
        (FIRST.replace('rule = "High*"', 'rule = "High*"\ncontinue = true'), {}, ["ops", "mail"]),
        (FIRST.replace('rule = "High*"', 'environment = "prod"'), {}, ["ops"]),
        (FIRST.replace('rule = "High*"', 'environment = "prod"'), {"number": None}, ["mail"]),
        (FIRST.replace('rule = "High*"', 'project = "7"'), {"project": "7"}, ["ops"]),
        (
            FIRST.replace('rule = "High*"', 'severity = "critical"'),
            {"number": None, "status": "critical"},
            ["ops"],
        ),
        (
            FIRST.replace('rule = "High*"', 'severity = "critical"'),
            {"number": None, "status": "warning"},
            ["mail"],
        ),
        (
            FIRST.replace('rule = "High*"', 'category = "timeout"'),
            {"data": {"exception": {"values": [{"type": "TimeoutError", "value": ""}]}}},
            ["ops"],
        ),
        (
            FIRST.replace('rule = "High*"', 'status = "resolved"'),
            {"number": None, "status": "resolved"},
            ["ops"],
        ),
    ],
)
def test_routes(text: str, what: dict[str, object], told: list[str]) -> None:
    """The first route that matches takes the alert, unless it lets it go on."""
    assert channels_told(text, **what) == told


def test_an_alert_without_a_route_is_accounted_for() -> None:
    """What nobody is told of is on record, with its reason."""
    under_test = policy('[[route]]\nrule = "x"\nchannels = ["ops"]')
    under_test.submit(alert(), 0.0)
    assert [record.reason for record in of_kind(under_test, Suppressed)] == ["no-route"]
    account = books(under_test.trail)
    assert account.alerts.suppressed == {"no-route": 1}
    assert account.closes


def test_duplicates_within_the_window() -> None:
    """The same key within the window is a duplicate; another issue, status, or time is not."""
    text = ALL + 'deduplicate = "10s"\n'
    under_test = policy(text)
    for now, number in ((0.0, 1), (9.9, 1), (9.9, 2), (10.0, 1)):
        under_test.submit(alert(number=number), now)
    under_test.submit(alert(number=None, status="critical"), 11.0)
    under_test.submit(alert(number=None, status="resolved"), 11.0)
    assert [record.at for record in of_kind(under_test, Suppressed)] == [9.9]
    assert of_kind(under_test, Suppressed)[0].why == "the same went there 9.9 s ago, within 10 s"
    assert len(play(under_test, 11.0)) == 5


def test_a_duplicate_of_a_dead_one_is_sent() -> None:
    """When the first of a key never arrived, the next is no duplicate."""
    under_test = policy(ALL + 'deduplicate = "10m"\n')
    under_test.submit(alert(), 0.0)
    play(under_test, 0.0, GONE)
    under_test.submit(alert(), 1.0)
    assert len(play(under_test, 1.0)) == 1


def test_retries_with_jitter_then_a_dead_letter() -> None:
    """Pauses lie within bounds that double, are the same for the same seed, and end with a dead letter."""
    pauses = []
    for _ in range(2):
        under_test = policy()
        under_test.submit(alert(), 0.0)
        now, found = 0.0, []
        while (at := under_test.next_at()) is not None:
            found.append(at - now)
            now = at
            play(under_test, now, DOWN)
        pauses.append(found)
        assert [record.attempt for record in of_kind(under_test, Attempted)] == [1, 2, 3, 4, 5]
        (dead,) = of_kind(under_test, Dead)
        assert dead.why == "it was the last try: ConnectionRefusedError: refused"
        assert books(under_test.trail).alerts.dead == 1
    assert pauses[0] == pauses[1]
    assert all(0 <= pause <= 2.0**n for n, pause in enumerate(pauses[0][1:]))


def test_a_refusal_is_not_tried_again() -> None:
    """What another try cannot help is dead at once."""
    under_test = policy()
    under_test.submit(alert(), 0.0)
    play(under_test, 0.0, GONE)
    assert of_kind(under_test, Dead)[0].why == "another try cannot help: answered 404"


def test_a_receiver_may_ask_for_time() -> None:
    """Retry-After is waited for, up to the longest pause."""
    for asked, least in ((30.0, 30.0), (3600.0, 60.0)):
        under_test = policy()
        under_test.submit(alert(), 0.0)
        play(under_test, 0.0, Outcome(delivered=False, status=429, retry_after=asked))
        assert under_test.next_at() == least
        assert of_kind(under_test, Attempted)[0].error == "it failed without a word"


THROTTLED = CHANNELS.replace('secret = "s3cret"', 'secret = "s3cret"\nthrottle = { most = 2, per = "1m" }')


def test_throttling_holds_back_and_tells_of_it() -> None:
    """At most so many in any window; what was held back is told of in one, a window after the first."""
    under_test = policy(channels=THROTTLED)
    for second in range(5):
        under_test.submit(alert(rule=f"rule {second % 2}"), float(second))
    assert len(play(under_test, 4.0)) == 2
    assert [record.at for record in of_kind(under_test, Throttled)] == [2.0, 3.0, 4.0]
    assert under_test.next_at() == 62.0
    (summary,) = play(under_test, 62.0)
    assert summary.notice.kind == "summary"
    assert summary.notice.title == "3 more notifications were held back"
    assert summary.notice.because == "the channel is throttled; held back were: rule 0 (2), rule 1 (1)"
    account = books(under_test.trail)
    assert (account.alerts.delivered, account.alerts.throttled, account.summaries.delivered) == (2, 3, 1)
    assert account.closes


def test_a_summary_comes_before_new_alerts() -> None:
    """A stream of alerts cannot keep the summary out, nor do summaries take the place of more than one alert a window."""
    under_test = policy(channels=THROTTLED)
    for second in range(200):
        under_test.submit(alert(), float(second))
        play(under_test, float(second))
    # Due from 62 on, when both places are taken until 120.
    assert [record.at for record in of_kind(under_test, Summarised)] == [120.0, 180.0]
    assert len(of_kind(under_test, Queued)) == 8
    play(under_test, 9999.0)
    held = sum(record.held for record in of_kind(under_test, Summarised))
    assert held == len(of_kind(under_test, Throttled))
    assert books(under_test.trail).closes


def test_a_mute_of_an_issue_until_a_time() -> None:
    """While it is muted nobody is told; at its end they are."""
    under_test = policy(ALL + "[[suppression]]\nissue = 1\nuntil = 1970-01-01T00:01:00Z\n")
    for now, number in ((0.0, 1), (59.9, 1), (59.9, 2), (60.0, 1)):
        under_test.submit(alert(number=number), now)
    assert [(record.at, record.reason, record.by) for record in of_kind(under_test, Suppressed)] == [
        (0.0, "muted", "suppression[0]"),
        (59.9, "muted", "suppression[0]"),
    ]


def test_a_mute_that_begins_later() -> None:
    """Before its beginning it does nothing."""
    under_test = policy(ALL + '[[suppression]]\nrule = "High volume"\nfrom = 1970-01-01T00:00:10Z\n')
    under_test.submit(alert(), 9.0)
    under_test.submit(alert(), 10.0)
    assert [record.at for record in of_kind(under_test, Suppressed)] == [10.0]


def test_a_mute_until_a_count() -> None:
    """An alert counts once, however many channels it has; then the mute is over for good."""
    text = '[[route]]\nchannels = ["ops", "mail"]\n[[suppression]]\nname = "m"\nuntil_count = 2\n'
    under_test = policy(text)
    for now in range(4):
        under_test.submit(alert(), float(now))
    assert [record.at for record in of_kind(under_test, Suppressed)] == [0.0, 0.0, 1.0, 1.0]
    (lifted,) = of_kind(under_test, Lifted)
    assert (lifted.at, lifted.by) == (2.0, "m")
    assert lifted.why == "it has suppressed 2 alerts, as many as until_count says"


def test_a_mute_until_a_new_release() -> None:
    """The first alert of another release ends it; alerts without a release do not."""
    under_test = policy(ALL + '[[suppression]]\nrule = "High*"\nuntil_release = true\n')
    for now, release in enumerate(("", "1.0", "1.0", "", "1.1", "1.0")):
        under_test.submit(alert(release=release), float(now))
    assert [record.at for record in of_kind(under_test, Suppressed)] == [0.0, 1.0, 2.0, 3.0]
    assert of_kind(under_test, Lifted)[0].why == "release '1.1' is another than '1.0'"


def test_a_suppression_of_one_channel() -> None:
    """Only the channels it names are spared."""
    text = '[[route]]\nchannels = ["ops", "mail"]\n[[suppression]]\nissue = 1\nchannels = ["mail"]\n'
    assert channels_told(text) == ["ops"]


@pytest.mark.parametrize(
    "moment, quiet",
    [
        ("2026-01-16T21:59:00+01:00", False),  # a Friday
        ("2026-01-16T22:00:00+01:00", True),
        ("2026-01-17T06:59:59+01:00", True),  # the night that began on Friday
        ("2026-01-17T07:00:00+01:00", False),
        ("2026-01-17T22:30:00+01:00", False),  # a Saturday
        ("2026-01-18T03:00:00+01:00", False),
        ("2026-07-17T22:00:00+02:00", True),  # by the clocks of summer
    ],
)
def test_quiet_hours_over_midnight(moment: str, quiet: bool) -> None:
    """They go by the clocks of their zone, and belong to the day on which they begin."""
    night = '[[suppression]]\nquiet = "22:00-07:00"\ndays = ["mon", "tue", "wed", "thu", "fri"]\nzone = "Europe/Berlin"\n'
    under_test = policy(ALL + night)
    under_test.submit(alert(), datetime.fromisoformat(moment).timestamp())
    assert [record.reason for record in of_kind(under_test, Suppressed)] == (["quiet-hours"] if quiet else [])


def test_quiet_hours_within_a_day() -> None:
    """From noon to one, in UTC."""
    under_test = policy(ALL + '[[suppression]]\nquiet = "12:00-13:00"\nzone = "UTC"\n')
    for hour, minute in ((11, 59), (12, 0), (12, 59), (13, 0)):
        under_test.submit(alert(), datetime(2026, 1, 1, hour, minute, tzinfo=UTC).timestamp())
    assert len(of_kind(under_test, Suppressed)) == 2


ESCALATING = (
    ALL
    + '[[escalation]]\nafter = "5m"\nchannels = ["mail"]\n[[escalation]]\nafter = "10m"\nchannels = ["pager"]\n'
)


def test_escalation_until_somebody_acknowledges() -> None:
    """Each step tells the next; after an acknowledgement nobody more is told."""
    under_test = policy(ESCALATING)
    under_test.submit(alert(), 0.0)
    play(under_test, 0.0)
    under_test.submit(alert(), 100.0)  # the same incident: the clock does not begin anew
    play(under_test, 100.0)
    assert under_test.next_at() == 300.0
    assert [delivery.channel for delivery in play(under_test, 300.0)] == ["mail"]
    assert under_test.acknowledge("High volume/1/1", 400.0, "ada\r\nevil")
    assert not under_test.acknowledge("High volume/1/1", 401.0)
    assert not under_test.acknowledge("nothing", 401.0)
    assert play(under_test, 1000.0) == []
    assert [record.step for record in of_kind(under_test, Escalated)] == [1]
    assert under_test.incidents()["High volume/1/1"].state == "acknowledged"
    assert under_test.trail[-1].why == "acknowledged by ada evil"


def test_all_steps_when_nobody_does() -> None:
    """Then the last one is told, too, and PagerDuty hears of the end."""
    under_test = policy(ESCALATING)
    under_test.submit(alert(), 0.0)
    told = [(d.channel, d.step) for now in (0.0, 300.0, 600.0, 9999.0) for d in play(under_test, now)]
    assert told == [("ops", 0), ("mail", 1), ("pager", 2)]
    assert under_test.resolve("High volume/1/1", 10_000.0, "ada")
    assert not under_test.resolve("High volume/1/1", 10_001.0)
    assert [(d.channel, d.action) for d in play(under_test, 10_000.0)] == [("pager", "resolve")]


def test_an_incident_that_opens_again_waits_anew() -> None:
    """The escalations of an incident that was resolved do not strike the next one of its key."""
    under_test = policy(ESCALATING)
    under_test.submit(alert(), 0.0)
    under_test.resolve("High volume/1/1", 10.0)
    under_test.submit(alert(), 200.0)
    play(under_test, 300.0)
    assert of_kind(under_test, Escalated) == []
    play(under_test, 500.0)
    assert [record.at for record in of_kind(under_test, Escalated)] == [500.0]


def test_escalations_are_suppressed_too() -> None:
    """At night nobody is woken by a later step either."""
    under_test = policy(
        ESCALATING + '[[suppression]]\nchannels = ["mail"]\nquiet = "00:04-00:06"\nzone = "UTC"\n'
    )
    under_test.submit(alert(), 0.0)
    assert [d.channel for now in (0.0, 300.0, 600.0) for d in play(under_test, now)] == ["ops", "pager"]
    (suppressed,) = of_kind(under_test, Suppressed)
    assert (suppressed.step, suppressed.counts) == (1, False)
    assert books(under_test.trail).closes


def test_a_rule_resolves_its_incident() -> None:
    """A resolved alert closes the incident, is sent by its route, and told once to PagerDuty."""
    under_test = policy('[[route]]\nchannels = ["pager"]\n')
    under_test.submit(alert(number=None, status="critical"), 0.0)
    play(under_test, 0.0)
    assert under_test.acknowledge("High volume", 1.0)
    under_test.submit(alert(number=None, status="resolved"), 2.0)
    sent = play(under_test, 2.0)
    assert [delivery.action for delivery in sent] == ["acknowledge", "resolve"]
    assert {delivery.incident for delivery in sent} == {"High volume"}
    assert under_test.incidents() == {}
    assert of_kind(under_test, Resolved)[0].why == "resolved by the rule"
    assert [record.opens for record in of_kind(under_test, Raised)] == [True, False]
    assert books(under_test.trail).closes


def test_a_muted_end_reaches_pagerduty_all_the_same() -> None:
    """An incident that was told must not stay open there because its end is muted."""
    text = '[[route]]\nchannels = ["pager"]\n[[suppression]]\nstatus = "resolved"\n'
    under_test = policy(text)
    under_test.submit(alert(number=None, status="critical"), 0.0)
    under_test.submit(alert(number=None, status="resolved"), 2.0)
    assert [delivery.action for delivery in play(under_test, 2.0)] == ["trigger", "resolve"]


def test_giving_back_is_no_try() -> None:
    """What a sender did not try is due again, as the first try that it is."""
    under_test = policy()
    under_test.submit(alert(), 0.0)
    (first,) = under_test.due(0.0)
    under_test.release(first.delivery_id, 1.0)
    under_test.release("unknown", 1.0)
    (again,) = under_test.due(1.0)
    assert again == first


def test_a_failing_trail_stops_the_decision() -> None:
    """A record that could not be written does not count."""

    def full(_: object) -> None:
        raise OSError("no space left")

    under_test = policy(write=full)
    with pytest.raises(OSError, match="no space left"):
        under_test.submit(alert(), 0.0)
    assert under_test.trail == []
    assert under_test.due(0.0) == ()


def test_after_a_restart_it_goes_on() -> None:
    """A policy made from the trail of another has its pending retries, escalations, windows and mutes."""
    text = ESCALATING.replace('channels = ["ops"]\n', 'channels = ["ops"]\ndeduplicate = "1m"\n', 1) + (
        '[[suppression]]\nname = "m"\nissue = 9\nuntil_count = 1\n'
    )
    before = policy(text)
    before.submit(alert(), 0.0)
    play(before, 0.0, DOWN)
    before.submit(alert(number=9), 0.0)
    before.submit(alert(number=2), 0.5)
    before.due(0.5)  # in somebody's hands when the process dies
    after = Policy(settings(text), seed="test", trail=before.trail)
    retry = of_kind(before, Attempted)[0].next_at
    due = {delivery.alert_id: delivery for delivery in after.due(max(retry, 0.5))}
    assert sorted(delivery.attempt for delivery in due.values()) == [1, 2]
    after.submit(alert(), 10.0)
    after.submit(alert(number=9), 10.0)
    assert [record.reason for record in of_kind(after, Suppressed) if record.at == 10.0] == ["duplicate"]
    assert [record.by for record in of_kind(after, Lifted)] == ["m"]
    assert len({record.alert_id for record in of_kind(after, Raised)}) == 5
    for delivery in due.values():
        after.report(delivery.delivery_id, OK, 11.0)
    play(after, 700.0)
    assert [record.step for record in of_kind(after, Escalated)].count(2) == 3
    assert books(after.trail).closes


def test_a_channel_that_is_gone_after_a_restart() -> None:
    """What waited for it is dead, with that reason, and not pending for ever."""
    before = policy('[[route]]\nchannels = ["mail"]\n')
    before.submit(alert(), 0.0)
    shorter = CHANNELS[: CHANNELS.index('[[channel]]\nname = "mail"')]
    after = Policy(settings(ALL, shorter), seed="test", trail=before.trail)
    assert after.due(1.0) == ()
    assert of_kind(after, Dead)[0].why == "no channel is called 'mail'"
    assert books(after.trail).closes


def test_severity_can_be_given() -> None:
    """Whoever submits may know better."""
    under_test = policy('[[route]]\nseverity = "critical"\nchannels = ["pager"]\n')
    under_test.submit(
        alert(number=None, status="warning"), 0.0, severity="critical", project="7", environment="qa"
    )
    (delivery,) = under_test.due(0.0)
    assert (delivery.notice.project, delivery.notice.environment) == ("7", "qa")
    assert "/alerts/rules/details/3/" in delivery.url
    assert of_kind(under_test, Queued)[0].why == "a route names it"
    assert of_kind(under_test, Delivered) == []


def test_what_is_known_of_duplicates_does_not_grow_for_ever() -> None:
    """Keys whose window is over are forgotten."""
    under_test = policy(ALL + 'deduplicate = "1s"\n')
    for number in range(1, 3000):
        under_test.submit(alert(number=number, data={}), float(number))
    assert len(under_test._state._accepted) < 1100
    assert of_kind(under_test, Suppressed) == []
