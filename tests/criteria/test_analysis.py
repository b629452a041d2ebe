"""Rates, patterns and kinds of errors: from events and transactions alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sentry_harness.criteria import analysis_account
from pytest_sentry_harness.criteria.analysis_account import analysis_of, trace_of
from pytest_sentry_harness.criteria.objectives_joined import Reported
from pytest_sentry_harness.criteria.rates_account import Failure, interval_for, rates_of
from pytest_sentry_harness.model.analysis import AnalysisInfo
from pytest_sentry_harness.model.monitored import Event
from pytest_sentry_harness.monitor.classification import DEFAULT
from pytest_sentry_harness.monitor.grouping import GroupingConfig
from pytest_sentry_harness.monitor.requests import Request

T0 = 1_700_000_000.0
CONFIG = GroupingConfig.parse()


def failed(number: int, kind: str = "TimeoutError", at: float | None = None, **more: Any) -> Event:
    data = {"exception": {"values": [{"type": kind, "value": "no"}]}, "level": "error", **more}
    return Event(
        cursor=number,
        received_at=T0 + number / 10 if at is None else at,
        project="1",
        event_id=f"{number:032x}",
        data=data,
    )


def transactions(count: int, facets: Iterable[tuple[str, str]] = (("tags[region]", "us"),)) -> list[Reported]:
    return [
        Reported(
            request=Request(at=T0 + number / 10, seconds=0.01, failed=False, trace_id=f"a{number:031x}"),
            facets=frozenset(facets),
        )
        for number in range(count)
    ]


def analysed(
    events: Iterable[Event], arrived: Sequence[Reported] = (), sent: list[Request] | None = None
) -> AnalysisInfo:
    return analysis_of(events, arrived, sent, CONFIG, DEFAULT)


def test_nothing_arrived() -> None:
    """There is nothing to count, and nothing stands out of nothing."""
    info = analysed([])
    assert (info.rates, info.classes, info.patterns.issues, info.patterns.table) == (None, (), 0, ())


def test_a_spike_is_found_at_its_time_with_what_it_consists_of() -> None:
    """Forty errors within two seconds of ten: when, how many, of which issue and kind."""
    events = [failed(number, at=T0 + 4 + number / 20) for number in range(40)]
    events.append(failed(99, "KeyError", at=T0 + 4.5))
    sent = [
        Request(at=T0 + number / 20, seconds=0.01, failed=80 <= number < 120, name="GET /")
        for number in range(200)
    ]
    rates = analysed(events, transactions(100), sent).rates
    assert rates is not None
    assert (rates.errors, rates.transactions, rates.requests, rates.requests_failed) == (41, 100, 200, 40)
    assert (rates.interval, len(rates.series), rates.not_judged) == (0.2, 50, 8)
    assert sum(row.errors for row in rates.series) == 41
    by_rate = {spike.of: spike for spike in rates.spikes}
    assert set(by_rate) == {"errors", "requests"}
    spike = by_rate["errors"]
    assert (spike.begin, spike.end, spike.count) == pytest.approx((4.0, 6.0, 41))
    assert spike.issues == (("issue 1, TimeoutError: no", 40), ("issue 2, KeyError: no", 1))
    assert spike.categories == (("timeout", 40), ("business_logic", 1))
    assert spike.chance < 1e-4
    (errors, requests) = rates.trends
    assert (errors.of, errors.direction, requests.of) == ("errors", "none", "requests")


def test_a_rate_that_rises() -> None:
    """More and more errors over a minute: the trend has bounds and a chance."""
    events = [failed(number, at=T0 + 60 * (number / 400) ** 0.5) for number in range(400)]
    rates = analysed(events).rates
    assert rates is not None
    (trend,) = rates.trends
    assert trend.direction == "rising"
    assert 0 < trend.low < trend.per_minute < trend.high
    assert trend.chance < 0.01


def test_intervals_are_round_and_few() -> None:
    """Forty to sixty of them, for a run of seconds as for a store of months."""
    for seconds in (2.5, 7, 10, 33, 100, 3600, 9000, 86400, 30 * 86400.0, 400 * 86400.0):
        assert 29 <= seconds / interval_for(seconds) <= 60
    assert interval_for(0.0) == 0.05


def test_what_stands_out_of_an_issue() -> None:
    """Compared with transactions that had no error; their own transactions are not among them."""
    eu: dict[str, Any] = {"tags": {"region": "eu"}}
    events = [
        failed(number, contexts={"trace": {"trace_id": f"a{number:031x}"}}, **eu) for number in range(10)
    ]
    patterns = analysed(events, transactions(60)).patterns
    assert (patterns.compared_with, patterns.others) == ("transactions", 50)
    (row,) = patterns.table
    assert (row.issue, row.events, row.category, row.severity, row.left_out) == (1, 10, "timeout", "high", 0)
    (found,) = row.found
    assert (found.key, found.value, found.hits, found.of, found.others_hits, found.others) == (
        "tags[region]",
        "eu",
        10,
        10,
        0,
        50,
    )
    assert found.low > 1


def test_issues_are_compared_with_each_other_without_transactions() -> None:
    """Users, releases and the kind of error may stand out; what all have does not."""
    events = [failed(number, release="a@2", user={"id": 7}) for number in range(10)]
    events += [failed(100 + number, "KeyError", release="a@1") for number in range(30)]
    patterns = analysed(events).patterns
    assert patterns.compared_with == "issues"
    assert [row.issue for row in patterns.table] == [2, 1]
    found = {(each.key, each.value) for each in patterns.table[1].found}
    assert {("release", "a@2"), ("category", "timeout"), ("user", "(set)")} <= found


def test_one_issue_and_nothing_to_compare_it_with() -> None:
    """Nothing is said, and that it cannot be is."""
    patterns = analysed([failed(number) for number in range(10)]).patterns
    assert (patterns.compared_with, patterns.issues, patterns.table) == ("nothing", 1, ())


def test_too_many_to_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted in every rate, and the report says how many were not looked at."""
    monkeypatch.setattr(analysis_account, "MOST_COMPARED", 8)
    info = analysed([failed(number) for number in range(10)], transactions(12))
    assert info.not_compared == 2 + 4
    assert info.rates is not None
    assert info.rates.errors == 10


def test_classes_quieter_events_and_duplicates() -> None:
    """The most frequent first, each with a reason; warnings are no errors, and one id is one event."""
    events = [failed(1), failed(2), failed(2), failed(3, "KeyError"), failed(4, level="warning")]
    info = analysed(events)
    assert [(each.category, each.events, each.example) for each in info.classes] == [
        ("timeout", 2, f"{1:032x}"),
        ("business_logic", 1, f"{3:032x}"),
    ]
    assert "Python's TimeoutError means timeout" in info.classes[0].because
    assert info.quieter == 1


def test_a_clock_that_is_wrong() -> None:
    """An event's own time counts, unless it is hours from its arrival."""
    events = [
        failed(1, timestamp=T0 + 3),
        failed(2, timestamp="1970-01-01T00:00:00Z"),
        failed(3, timestamp=True),
    ]
    rates = analysed(events).rates
    assert rates is not None
    assert (rates.begin, rates.interval) == pytest.approx((T0 + 0.2, 0.05))


def test_the_trace_of_a_payload() -> None:
    """Dashed or not; nothing where there is none."""
    assert trace_of({"contexts": {"trace": {"trace_id": "AB-cd"}}}) == "abcd"
    others: list[dict[str, Any]] = [
        {},
        {"contexts": []},
        {"contexts": {"trace": 1}},
        {"contexts": {"trace": {"trace_id": 1}}},
    ]
    for data in others:
        assert trace_of(data) == ""


def test_times_that_are_no_numbers_are_left_out() -> None:
    """A request without a time is counted in the sums, and in no interval."""
    rates = rates_of(
        [Failure(T0, 1, "timeout")], [Request(at=float("nan"), seconds=0.1, failed=True)], None, {}
    )
    assert rates is not None
    assert sum(row.transactions for row in rates.series) == 0
    assert rates.transactions == 1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(
                ["level", "timestamp", "contexts", "tags", "user", "exception", "release", "transaction"]
            ),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(["trace", "trace_id", "id", "values", "type"]), inner, max_size=3
                    )
                ),
                max_leaves=6,
            ),
        ),
        max_size=12,
    )
)
def test_hostile_events(payloads: list[dict[str, Any]]) -> None:
    """Whatever they hold: no error, and every event is either counted or quieter."""
    events = [
        Event(cursor=number, received_at=T0 + number, project="1", event_id=f"{number:032x}", data=data)
        for number, data in enumerate(payloads)
    ]
    info = analysed(events)
    assert sum(each.events for each in info.classes) + info.quieter == len(payloads)
