"""Objectives held against requests: what was, what Sentry shows, why they differ, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sentry_harness.criteria.objectives import doubts, findings, measure
from pytest_sentry_harness.criteria.objectives_account import Evidence, account_of
from pytest_sentry_harness.criteria.objectives_joined import Reported
from pytest_sentry_harness.criteria.objectives_sides import Span, rules_of
from pytest_sentry_harness.model.ledger import Ended
from pytest_sentry_harness.model.objectives import ObjectivesInfo
from pytest_sentry_harness.model.scenario import Gate, Objective, ObjectiveBurn
from pytest_sentry_harness.monitor.requests import Request
from pytest_sentry_harness.report.lines import finding_line
from pytest_sentry_harness.statistics.associations import fisher_above

UP = Objective(name="up", what="availability", target=0.99, on=("GET /orders",))
FAST = Objective(name="fast", what="latency", target=0.9, threshold=0.2)
T0 = 1_700_000_000.0
OFF = Gate(metric="objectives.off", comparison="<", threshold=0.01, text="< 1%")


def ended(
    count: int = 100,
    bad: Sequence[int] = (),
    status: int = 500,
    request: str = "GET /orders",
    seconds: float = 0.01,
) -> list[Ended]:
    """``count`` requests, one every 100 ms; those in ``bad`` were answered ``status``."""
    return [
        Ended(
            at=T0 + number / 10,
            mono=0.0,
            trace_id=f"{number:032x}",
            request=request,
            status=status if number in bad else 200,
            seconds=seconds,
        )
        for number in range(count)
    ]


def reported(
    sent: Sequence[Ended], *, failed: bool | None = None, facets: frozenset[tuple[str, str]] = frozenset()
) -> list[Reported]:
    """Their transactions, as failed as the requests were, unless told otherwise."""
    return [
        Reported(
            request=Request(
                at=each.at,
                seconds=each.seconds,
                failed=each.status >= 500 if failed is None else failed,
                name="/orders",
                trace_id=each.trace_id,
            ),
            facets=facets,
        )
        for each in sent
    ]


def told(
    objectives: Sequence[Objective], sent: Sequence[Ended] | None, arrived: Sequence[Reported], **more: object
) -> ObjectivesInfo:
    return account_of(objectives, Evidence(ended=sent, reported=arrived, **more))  # type: ignore[arg-type]


def values(info: ObjectivesInfo) -> dict[str, float | None]:
    return {name: each.value for name, each in measure(info).items()}


def test_all_is_well() -> None:
    """Met, shown as met, and a budget that is not touched; its bounds say what a hundred requests prove."""
    sent = ended()
    info = told([UP, FAST], sent, reported(sent))
    assert values(info) == {
        "objectives.broken": 0,
        "objectives.contradicted": 0,
        "objectives.unseen": 0,
        "objectives.off": 0,
        "objectives.budget": 1,
        "objectives.requests": 100,
    }
    assert findings(info, [OFF]) == ()
    assert doubts(info) == []
    budget = measure(info)["objectives.budget"]
    assert budget.low is not None
    assert budget.low < 0
    assert budget.high == 1
    assert measure(info)["objectives.off"].exact
    assert (info.begin, info.seconds) == pytest.approx((T0 - 0.01, 9.91))


def test_an_outage_breaks_the_objective_and_burns_fast() -> None:
    """Twenty of a hundred, in the middle: the alerts of both accounts fire at the same time, and say how fast it burnt."""
    sent = ended(bad=range(40, 60))
    info = told([UP], sent, reported(sent), with_error={each.trace_id for each in sent[40:50]})
    (told_of,) = info.objectives
    assert told_of.known is not None
    assert (told_of.known.state, told_of.seen.state, told_of.off, told_of.bad_with_error) == (
        "broken",
        "broken",
        0,
        10,
    )
    assert told_of.known.budget == pytest.approx(1 - 20)
    fast, slow = told_of.known.burns
    assert (fast.name, fast.severity) == ("fast burn", "critical")
    assert fast.burn == pytest.approx(14.4)
    ((begin, end),) = fast.fired
    assert 4.0 < begin < 4.6
    assert 5.9 < end < 6.5
    assert fast.peak == pytest.approx(100)
    assert slow.fired
    (finding,) = findings(info)
    assert (finding.metric, finding.reason, finding.count) == ("objectives.broken", "requests_failed", 1)
    assert finding.culprit.startswith(
        "up: 20 of 100 requests failed, 80 % were good of 99 % that shall be; fast burn (above 14.4) from 4."
    )
    assert values(info)["objectives.broken"] == 1


def test_failures_that_sentry_is_not_told_of() -> None:
    """It shows an objective that is met; the finding says how many, how unlikely by chance, and who dropped them."""
    sent = ended(bad=range(40, 60))
    info = told(
        [UP], sent, reported([each for each in sent if each.status == 200]), dropped={"before_send": 20}
    )
    (each,) = info.objectives
    assert each.joined is not None
    assert (each.joined.alike, each.joined.not_reported_bad, each.joined.not_reported_good) == (80, 20, 0)
    assert each.joined.chance is not None
    assert each.joined.chance < 1e-15
    assert each.contradicted
    assert values(info)["objectives.off"] == pytest.approx(0.2)
    low = measure(info)["objectives.off"].low
    assert low is not None
    assert 0.1 < low < 0.2
    assert [(found.metric, found.reason) for found in findings(info, [OFF])] == [
        ("objectives.broken", "requests_failed"),
        ("objectives.contradicted", "not_reported"),
        ("objectives.unseen", "not_reported"),
        ("objectives.off", "not_reported"),
    ]
    assert findings(info)[1].culprit == (
        "up: broken with 80 % good of 100 requests, and Sentry shows met with 100 % of 80 transactions; 20 of 20 bad requests left no "
        "transaction (left out whatever became of them: chance 2e-21); transactions that the SDK says it dropped: 20 before_send"
    )


def test_nothing_is_shown_at_all() -> None:
    """That is a contradiction, too: an alert on it would stay silent for ever. How far it is off nobody can say."""
    sent = ended()
    info = told([UP], sent, [])
    assert values(info) == {
        "objectives.broken": 0,
        "objectives.contradicted": 1,
        "objectives.unseen": 0,
        "objectives.off": None,
        "objectives.budget": 1,
        "objectives.requests": 100,
    }
    assert "Sentry shows nothing of 'up'" in measure(info)["objectives.off"].note
    (finding,) = findings(info)
    assert "and Sentry shows nothing of it; 100 of 100 good ones left no transaction" in finding.culprit


def test_an_answer_means_something_else_to_sentry() -> None:
    """404 is no failure of the service, and one in Sentry; a gateway's 504 is one, and none in Sentry."""
    missing = ended(bad=range(30), status=404)
    (each,) = told([UP], missing, reported(missing[:30], failed=True) + reported(missing[30:])).objectives
    assert (each.reason, each.contradicted, each.joined and each.joined.reported_bad) == (
        "reported_bad",
        True,
        30,
    )
    late = ended(bad=range(30), status=504)
    (each,) = told([UP], late, reported(late, failed=False)).objectives
    assert (each.reason, each.contradicted, each.joined and each.joined.reported_good) == (
        "reported_good",
        True,
        30,
    )
    assert (
        "30 bad ones are good in Sentry"
        in findings(told([UP], late, reported(late, failed=False)))[1].culprit
    )


def test_a_sample_of_the_requests_is_no_contradiction() -> None:
    """Every tenth is sampled, whatever became of it: the difference has bounds, and near the target it proves nothing."""
    sent = ended(1000, bad=range(5, 1000, 83))
    info = told([UP], sent, reported(sent[::10]))
    (each,) = info.objectives
    assert each.known is not None
    assert (each.known.state, each.seen.state, each.contradicted, each.off_low) == ("broken", "met", False, 0)
    assert doubts(info) == [
        "objective 'up' was broken, Sentry shows it as met, and with 100 of 1000 requests that may be the chance of sampling"
    ]
    assert values(info)["objectives.contradicted"] == 0


def test_what_a_request_calls_is_not_the_request() -> None:
    """Of several transactions in a trace the one that began first counts; others are of no request."""
    sent = ended()
    inner = [
        replace(each, request=replace(each.request, failed=True, seconds=each.request.seconds / 2))
        for each in reported(sent)
    ]
    stray = Reported(request=Request(at=T0, seconds=1.0, failed=True, trace_id="f" * 32))
    info = told([UP], sent, [*inner, *reported(sent), stray])
    assert values(info)["objectives.off"] == 0
    assert info.no_trace == 1


def test_a_search_says_what_sentry_counts() -> None:
    """With ``on`` beside it the two are compared, requests of neither included; alone, it is all that is judged."""
    sent = ended(bad=range(10)) + [replace(each, request="GET /quotes") for each in ended(200)[100:]]
    arrived = [
        replace(each, found_by=frozenset({"up"}) if number < 150 else frozenset())
        for number, each in enumerate(reported(sent))
    ]
    both = replace(UP, search="transaction:/orders")
    (each,) = told([both], sent, arrived).objectives
    assert each.joined is not None
    assert (each.seen.requests, each.joined.other_requests, each.reason) == (150, 50, "other_requests")
    (alone,) = told([replace(both, on=())], sent, arrived).objectives
    assert (alone.known, alone.seen.requests, alone.off, alone.judged.state) == (None, 150, None, "broken")
    info = told([replace(both, on=())], sent, arrived)
    assert measure(info)["objectives.off"].note == "the load generator told of no request that counts"
    assert values(info)["objectives.contradicted"] is None
    assert values(info)["objectives.broken"] == 1


def test_latency_leaves_failures_out() -> None:
    """A fast failure is not fast service; one that Sentry does not know as a failure makes it look better than it is."""
    slow = [replace(each, seconds=0.5) for each in ended(20)]
    sent = slow + ended(100, bad=range(90, 100))[20:]
    info = told([FAST], sent, reported(sent))
    (each,) = info.objectives
    assert (each.judged.requests, each.judged.bad, each.judged.state) == (90, 20, "broken")
    (finding,) = findings(info)
    assert finding.reason == "requests_slow"
    assert "20 of 90 requests took 200 ms or longer" in finding.culprit
    (blind,) = told([FAST], sent, reported(sent, failed=False)).objectives
    assert blind.joined is not None
    assert (blind.joined.alike, blind.joined.reported_good, blind.joined.other_requests) == (90, 0, 10)
    assert blind.reason == "other_requests"
    assert (
        "10 transactions are of failed or other requests"
        in findings(told([FAST], sent, reported(sent, failed=False)), [replace(OFF, threshold=0.0)])[
            -1
        ].culprit
    )
    (upside_down,) = told([FAST], sent, reported(sent, failed=True)).objectives
    assert upside_down.joined is not None
    assert (upside_down.joined.reported_good, upside_down.joined.reported_bad) == (20, 70)


def test_a_failed_request_without_a_transaction_is_none_of_latency() -> None:
    """It does not count, so it is missing from nothing, and no chance is worked out of it."""
    sent = ended(405, bad=range(20))
    slow = [replace(each, seconds=0.5) if 20 <= number < 25 else each for number, each in enumerate(sent)]
    kept = [each for number, each in enumerate(slow) if 22 <= number < 246]
    (each,) = told([FAST], slow, reported(kept)).objectives
    assert each.known is not None
    assert each.joined is not None
    assert (each.known.requests, each.known.bad) == (385, 5)
    assert (each.joined.alike, each.joined.not_reported_bad, each.joined.not_reported_good) == (224, 2, 159)
    assert each.joined.chance == pytest.approx(fisher_above(2, 5, 161, 385))


HALF = replace(UP, target=0.9)


def test_sentry_is_blind_to_failures_though_the_objective_is_met() -> None:
    """Twenty of 405 break nothing; that none of them is seen is counted, and told with its chance."""
    sent = ended(405, bad=range(100, 120))
    info = told([HALF], sent, reported(sent, failed=False))
    assert (values(info)["objectives.contradicted"], values(info)["objectives.unseen"]) == (0, 20)
    (finding,) = findings(info)
    assert (finding.metric, finding.reason, finding.count) == ("objectives.unseen", "reported_good", 20)
    assert "20 bad ones are good in Sentry (bad ones missing among those that" in finding.culprit
    away = told([HALF], sent, reported([each for each in sent if each.status == 200]))
    assert [each.reason for each in findings(away)] == ["not_reported"]


@pytest.mark.parametrize("kept", ["tenth", "two", "most"])
def test_what_chance_may_leave_out_is_not_unseen(kept: str) -> None:
    """A sample that is blind to the outcome, two connections that broke, and a few of many failures."""
    sent = ended(405, bad=range(100, 120))
    arrived = reported(sent)
    if kept == "tenth":
        arrived = arrived[::10]
    elif kept == "two":
        sent = ended(405, bad=(100, 101))
        arrived = reported(sent, failed=False)
    else:
        arrived = [each for number, each in enumerate(arrived) if number not in range(100, 110)]
    info = told([HALF], sent, arrived)
    assert values(info)["objectives.unseen"] == 0
    assert "objectives.unseen" not in {each.metric for each in findings(info)}


def test_slow_requests_that_sentry_does_not_know_are_a_doubt() -> None:
    """Their time may have gone on the way: nobody is blamed, and nothing passes."""
    sent = [replace(each, seconds=0.5) if number < 8 else each for number, each in enumerate(ended())]
    fast = [replace(each, seconds=0.01) for each in sent]
    info = told([FAST, UP], sent, reported(fast))
    assert values(info)["objectives.unseen"] == 0
    assert doubts(info) == [
        "objective 'fast': 8 of 8 requests that took 200 ms or longer are not slow in Sentry: the time went on the way, or before "
        "the SDK took the request"
    ]
    alone = told([FAST], sent, reported(fast))
    assert "no objective of availability" in measure(alone)["objectives.unseen"].note


def test_a_glob_that_matched_nothing_is_a_doubt() -> None:
    """What it was to watch nobody watched; the requests that there were are named."""
    sent = ended(bad=range(10)) + ended(100, request="GET /quotes")
    asked = replace(UP, on=("GET /quotes", "GET /order"))
    info = told([asked], sent, [])
    assert doubts(info) == [
        "objective 'up': on = 'GET /order' matched no request of the load; there were: GET /orders, GET /quotes"
    ]
    odd = account_of([replace(UP, on=())], Evidence(ended=None, reported=reported(sent), odd={"up": ["x"]}))
    assert doubts(odd)[0] == "objective 'up': x"


def test_the_burn_of_a_run_without_failures_is_that_of_its_end() -> None:
    """And not of its first request."""
    sent = ended(380)
    (each,) = told([UP], sent, reported(sent)).objectives
    slow = next(burn for burn in each.judged.burns if burn.name == "burn")
    assert "0 of 380" in slow.because


def test_sessions_know_the_sum_alone() -> None:
    """Which request crashed they do not say, so there are no burn alerts and no account of each."""
    crashes = Objective(name="crashes", what="availability", target=0.99, by="sessions")
    sent = ended(bad=range(10))
    (each,) = told([crashes], sent, [], sessions=(100, 10)).objectives
    assert (each.seen.state, each.seen.burns, each.joined, each.off) == ("broken", (), None, 0)
    (few,) = told([crashes], sent, [], sessions=(90, 0)).objectives
    assert (few.reason, few.contradicted) == ("no_sessions", True)
    (many,) = told([crashes], sent, [], sessions=(200, 10)).objectives
    assert many.reason == "other_requests"


def test_no_session_came() -> None:
    """Which has nothing to do with transactions: neither the note, nor what is to be done."""
    crashes = Objective(name="crashes", what="availability", target=0.99, by="sessions")
    info = told([crashes], ended(), [], dropped={"sample_rate": 7})
    (finding,) = findings(info)
    assert (finding.metric, finding.reason) == ("objectives.contradicted", "no_sessions")
    assert finding.culprit.endswith("Sentry shows nothing of it")
    assert "sentry_sdk.flush()" in finding_line(finding)
    assert measure(info)["objectives.off"].note == "Sentry shows nothing of 'crashes'; no session arrived"


def test_nothing_is_known() -> None:
    """Neither requests nor transactions: the gate is inconclusive and says of which objective."""
    info = told([UP], None, [])
    assert values(info)["objectives.broken"] is None
    assert doubts(info) == ["no request that counts is known of objective 'up'"]
    assert measure(info)["objectives.budget"].note == "no request that counts is known of objective 'up'"
    assert (info.begin, info.seconds) == (0, 0)


def test_what_the_bad_requests_have_in_common() -> None:
    """The value that only they have, with its statistic; how a request ended is no cause; few say nothing."""
    sent = ended(bad=range(0, 100, 4))
    eu = frozenset({("tags[region]", "eu"), ("tags[http.status_code]", "500")})
    arrived = reported([each for each in sent if each.status == 500], facets=eu)
    arrived += reported(
        [each for each in sent if each.status == 200], facets=frozenset({("tags[region]", "us")})
    )
    (each,) = told([UP], sent, arrived).objectives
    (pattern,) = each.patterns
    assert (pattern.key, pattern.value, pattern.hits, pattern.of) == ("tags[region]", "eu", 25, 25)
    assert (pattern.others_hits, pattern.others) == (0, 75)
    assert pattern.low > 10
    assert pattern.q < 1e-10
    assert (
        "stands out: tags[region] eu: 25 of 25, elsewhere 0 of 75; odds "
        in findings(told([UP], sent, arrived))[0].culprit
    )
    few = ended(bad=(1, 2, 3, 4))
    assert told([UP], few, reported(few, facets=eu)).objectives[0].patterns == ()


def test_burn_alerts_follow_window_and_run() -> None:
    """The Workbook's factors for thirty days, smaller for a week; windows as long for the run as theirs for six hours."""
    span = Span(T0, T0 + 36.0)
    fast, slow = rules_of(UP, span)
    assert (fast.burn, fast.long, fast.short) == pytest.approx((14.4, 6.0, 0.5))
    assert (slow.burn, slow.long, slow.short) == pytest.approx((6.0, 36.0, 3.0))
    assert [rule.burn for rule in rules_of(replace(UP, window=7 * 86400.0), span)] == [
        pytest.approx(3.36),
        pytest.approx(1.4),
    ]
    assert rules_of(replace(UP, window=6 * 3600.0), span) == ()
    days = rules_of(UP, Span(T0, T0 + 86400.0))
    assert [(rule.long, rule.short) for rule in days] == [(3600, 300), (21600, 1800)]
    own = replace(UP, burns=(ObjectiveBurn(name="own", burn=2.0, long=3.0, short=1.0),))
    (rule,) = rules_of(own, span)
    assert (rule.name, rule.burn, rule.long, rule.short, rule.severity) == ("own", 2.0, 3.0, 1.0, "high")
    loose = replace(UP, target=0.9)
    assert [rule.name for rule in rules_of(loose, span)] == ["burn"]
    sent = ended(bad=range(100))
    (burn,) = (
        told([replace(own, burns=(replace(own.burns[0], burn=100.0),))], sent, reported(sent))
        .objectives[0]
        .judged.burns
    )
    assert (burn.never, burn.fired) == (True, ())


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 200, 404, 429, 500]), st.sampled_from(["ok", "bad", "none"])),
        max_size=40,
    )
)
def test_the_account_closes(rows: list[tuple[int, str]]) -> None:
    """Each request is of exactly one kind, and whatever arrives is judged without an error."""
    sent = [replace(each, status=status) for each, (status, _) in zip(ended(len(rows)), rows, strict=True)]
    arrived = [
        report
        for each, (_, shown) in zip(sent, rows, strict=True)
        if shown != "none"
        for report in reported([each], failed=shown == "bad")
    ]
    info = told([UP, FAST], sent or None, arrived)
    for each in info.objectives:
        if each.joined is not None and each.known is not None:
            joined = each.joined
            parts = (
                joined.alike,
                joined.reported_good,
                joined.reported_bad,
                joined.not_reported_bad,
                joined.not_reported_good,
            )
            assert sum(parts) == each.known.requests
    measure(info)
    findings(info, [OFF])
    doubts(info)
