"""Error rates over time: the series, its trend, its spikes, and how often they cry wolf."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import RandomState

from pytest_sentry_harness.monitor.rates import Interval, error_rate, spikes, trend
from pytest_sentry_harness.monitor.requests import Request, request_of
from tests.examples import examples

BEGIN = 1_700_000_000.0


def minutes(counts: list[int]) -> list[Interval]:
    return [Interval(BEGIN + 60 * number, 60.0, count) for number, count in enumerate(counts)]


def asked(pairs: list[tuple[int, int]]) -> list[Interval]:
    return [
        Interval(BEGIN + 60 * number, 60.0, failed, requests, failed)
        for number, (failed, requests) in enumerate(pairs)
    ]


def test_a_series() -> None:
    """Each event in its interval, the end not included, what is outside left out, no interval that is not over."""
    events = [BEGIN, BEGIN + 29.9, BEGIN + 30, BEGIN + 59.9, BEGIN - 1, BEGIN + 60, math.nan]
    requests = [
        Request(BEGIN + 1, 0.1, False),
        Request(BEGIN + 31, 0.1, True),
        Request(BEGIN + 32, 0.1, False),
    ]
    series = error_rate(events, requests, begin=BEGIN, end=BEGIN + 75, interval=30)
    assert series == (Interval(BEGIN, 30, 2, 1, 0), Interval(BEGIN + 30, 30, 2, 2, 1))
    assert [each.per_minute for each in series] == [4.0, 4.0]
    assert [each.share for each in series] == [0.0, 0.5]
    assert Interval(BEGIN, 60).share is None
    assert error_rate(events, begin=BEGIN, end=BEGIN - 10) == ()


def test_intervals_that_cannot_be() -> None:
    """No length, no end, or more than anybody can look at."""
    for begin, end, interval in ((0.0, 10.0, 0.0), (0.0, math.inf, 1.0), (math.nan, 1.0, 1.0)):
        with pytest.raises(ValueError, match="no intervals of"):
            error_rate([], begin=begin, end=end, interval=interval)
    with pytest.raises(ValueError, match="10000000 intervals are too many"):
        error_rate([], begin=0, end=1e7, interval=1)


@given(
    st.lists(st.floats(allow_nan=True), max_size=20),
    st.floats(0.1, 100),
    st.floats(-1e6, 1e6),
    st.integers(0, 50),
)
def test_no_event_is_counted_twice_or_lost(
    events: list[float], interval: float, begin: float, count: int
) -> None:
    """All that lie within are counted once."""
    series = error_rate(events, begin=begin, end=begin + count * interval, interval=interval)
    end = begin + len(series) * interval
    assert sum(each.events for each in series) == sum(begin <= at < end for at in events)


def test_a_trend_with_its_bounds() -> None:
    """A planted rise of six a minute per hour is found within its bounds; noise alone is unclear."""
    random = RandomState(5)
    rising = minutes([int(random.poisson(5 + number / 10)) for number in range(120)])
    found = trend(rising)
    assert found is not None
    assert found.direction == "rising"
    assert found.low < 6 < found.high
    assert found.because.startswith("rising: +")
    assert "over 120 intervals" in found.because
    falling = trend(minutes([each.events for each in reversed(rising)]))
    assert falling is not None
    assert falling.direction == "falling"


def test_noise_alone_seldom_has_a_trend() -> None:
    """Of 200 series without one, about 5 % are said to have one."""
    random = RandomState(6)
    found = [trend(minutes(random.poisson(10, 60).tolist())) for _ in range(200)]
    assert sum(each is not None and each.direction != "unclear" for each in found) <= 22


def test_a_trend_of_the_share() -> None:
    """Of requests; intervals without any are left out, and too few say nothing."""
    found = trend(asked([(number, 100) for number in range(40)] + [(0, 0)] * 5), "share")
    assert found is not None
    assert found.per_hour == pytest.approx(0.6)
    assert found.because == (
        "rising: +60 percentage points each hour, 95 % bounds +60 to +60, over 40 intervals"
    )
    assert trend(asked([(1, 10)] * 10 + [(0, 0)] * 20), "share") is None


def test_a_spike() -> None:
    """Forty instead of five, for three minutes: one spike with its counts, and the quiet after it is none."""
    random = RandomState(1)
    counts = random.poisson(5, 90).tolist()
    counts[70:73] = [40, 45, 30]
    found = spikes(minutes(counts))
    assert found.judged == 70
    assert found.not_judged == 20
    assert found.expected_false == pytest.approx(0.007)
    assert len(found.found) == 1
    spike = found.found[0]
    assert (spike.begin, spike.end) == (BEGIN + 70 * 60, BEGIN + 73 * 60)
    assert spike.count == 115
    assert 12 < spike.expected < 18
    assert spike.chance < 1e-6
    assert not spike.stays
    assert spike.because.startswith("115 events in 3 intervals, ")
    assert "45 instead of" in spike.because


def test_a_burst_out_of_nothing() -> None:
    """After an hour without any error, five at once may be one cause; fifty are a spike."""
    assert spikes(minutes([0] * 60 + [5])).found == ()
    (spike,) = spikes(minutes([0] * 60 + [50])).found
    assert spike.because.startswith("50 events in 1 interval, ")


def test_a_second_spike_does_not_hide_behind_the_first() -> None:
    """What gave an alarm is no part of the baseline."""
    counts = [10, 9, 11, 10] * 15 + [60, 10, 60]
    assert [each.count for each in spikes(minutes(counts)).found] == [60, 60]


def test_what_stays_becomes_the_new_level() -> None:
    """A spike that lasts for half a baseline is reported once, as a new level, and the next is held against it."""
    counts = [2, 3, 1, 2] * 15 + [50, 52, 48, 51] * 15 + [200]
    found = spikes(minutes(counts)).found
    assert [each.stays for each in found] == [True, False]
    assert found[0].because.endswith("it stays, and is the level that later ones are compared with")
    assert found[0].end - found[0].begin == 30 * 60
    assert found[1].count == 200


def test_the_share_does_not_take_load_for_trouble() -> None:
    """Ten times the requests with ten times the failures are no spike; three times the share is one."""
    pairs = [(5, 500)] * 40 + [(50, 5000)] + [(0, 0)] + [(15, 500)] * 2
    assert len(spikes(asked(pairs)).found) == 1  # by events, the load is one
    found = spikes(asked([*pairs[:41], *pairs[41:42], (60, 500)]), "share")
    assert [each.count for each in found.found] == [60]
    assert found.not_judged == 21
    assert "60 of 500 requests failed in 1 interval" in found.found[0].because


@pytest.mark.slow
@pytest.mark.parametrize("mean,dispersion", [(0.5, 1.0), (20.0, 1.0), (5.0, 4.0), (100.0, 30.0)])
def test_how_often_it_cries_wolf(mean: float, dispersion: float) -> None:
    """Over 40 hours in which nothing changes, alarms are as rare as stated, with and without clusters."""
    random = RandomState(3)
    draw: Any = (
        random.poisson(mean, 2460)
        if dispersion == 1
        else random.negative_binomial(mean / (dispersion - 1), 1 / dispersion, 2460)
    )
    found = spikes(minutes(draw.tolist()), fewest=60, false_alarm=1e-2)
    assert found.judged == 2400
    assert len(found.found) <= 1.5 * found.expected_false + 3 * math.sqrt(1.5 * found.expected_false)


def test_settings_that_cannot_be() -> None:
    """A baseline shorter than what is needed, or a chance that is none."""
    for settings_ in ({"baseline": 10}, {"fewest": 2}, {"false_alarm": 0.0}, {"false_alarm": 1.0}):
        with pytest.raises(ValueError, match="baseline"):
            spikes([], **settings_)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields,wanted",
    [
        ({}, Request(10.5, 0.5, False, "/a", "production", "")),
        (
            {"contexts": {"trace": {"status": "internal_error"}}},
            Request(10.5, 0.5, True, "/a", "production", ""),
        ),
        ({"contexts": {"trace": {"status": "cancelled"}}}, Request(10.5, 0.5, False, "/a", "production", "")),
        ({"environment": "staging", "release": "1.2"}, Request(10.5, 0.5, False, "/a", "staging", "1.2")),
        ({"start_timestamp": "1970-01-01T00:00:10Z"}, Request(10.5, 0.5, False, "/a", "production", "")),
        ({"start_timestamp": 11}, None),
        ({"start_timestamp": True}, None),
        ({"timestamp": "soon"}, None),
        ({"timestamp": math.nan}, None),
        ({"timestamp": []}, None),
    ],
)
def test_a_transaction_as_a_request(fields: dict[str, Any], wanted: Request | None) -> None:
    """Failed is any status but ok, cancelled and unknown, as Sentry's failure rate counts."""
    assert request_of({"start_timestamp": 10.0, "timestamp": 10.5, "transaction": "/a", **fields}) == wanted


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@examples(200)
@given(
    ANYTHING
    | st.fixed_dictionaries(
        {},
        optional={
            "start_timestamp": ANYTHING,
            "timestamp": ANYTHING,
            "contexts": ANYTHING | st.fixed_dictionaries({"trace": ANYTHING}),
            "transaction": ANYTHING,
            "environment": ANYTHING,
        },
    )
)
def test_any_transaction_can_be_read(data: Any) -> None:
    """Whatever arrives is a request or none."""
    found = request_of(data)
    assert found is None or (found.seconds >= 0 and math.isfinite(found.at))
