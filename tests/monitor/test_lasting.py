"""Spikes that last: what is found, when, how surely, and how seldom where nothing changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sentry_harness.monitor.lasting import lasting_spikes
from pytest_sentry_harness.monitor.rates import Interval


def shares(failed: list[int], size: int = 6) -> list[Interval]:
    return [Interval(float(at), 1.0, count, size, count) for at, count in enumerate(failed)]


def test_an_outage_of_a_third() -> None:
    """Half of the requests fail for twenty intervals: no single one of them is sure, all together are."""
    series = shares([0] * 20 + [3] * 19 + [0] * 20)
    (spike,) = lasting_spikes(series, "share").found
    assert (spike.begin, spike.end, spike.count, spike.stays) == (20.0, 39.0, 57, False)
    assert spike.chance < 1e-5
    assert "57 of 114 requests failed in 19 intervals" in spike.because
    assert lasting_spikes(shares([0] * 20 + [3] + [0] * 20), "share").found == ()


def test_one_quiet_interval_within() -> None:
    """It is part of the spike; two end it."""
    once = lasting_spikes(shares([0] * 20 + [5, 5, 5, 0, 5, 5, 5] + [0] * 10)).found
    assert [(spike.begin, spike.end, spike.count) for spike in once] == [(20.0, 27.0, 30)]
    twice = lasting_spikes(shares([0] * 20 + [6, 6, 6, 6, 0, 0, 6, 6, 6, 6] + [0] * 10)).found
    assert [(spike.begin, spike.end) for spike in twice][:1] == [(20.0, 24.0)]


def test_a_level_that_stays() -> None:
    """After half a baseline it is what later ones are compared with."""
    series = shares([0] * 20 + [4] * 40)
    found = lasting_spikes(series, baseline=40)
    (spike,) = found.found
    assert (spike.begin, spike.end, spike.stays) == (20.0, 40.0, True)
    assert spike.because.endswith("the level that later ones are compared with")
    assert (found.judged, found.not_judged) == (50, 10)


def test_it_lasts_to_the_end() -> None:
    """A spike that has not ended is one."""
    (spike,) = lasting_spikes(shares([0] * 30 + [6] * 5)).found
    assert (spike.begin, spike.end) == (30.0, 35.0)


def test_intervals_without_requests_say_nothing() -> None:
    """They are not judged, whatever fails elsewhere."""
    assert lasting_spikes([Interval(float(at), 1.0) for at in range(40)], "share").judged == 0


def test_settings_that_cannot_be() -> None:
    """Named in the message."""
    for wrong in ({"fewest": 2}, {"fewest": 30, "baseline": 20}, {"false_alarm": 0.0}):
        with pytest.raises(ValueError, match="fewest"):
            lasting_spikes([], **wrong)  # type: ignore[arg-type]


def test_where_nothing_changes_it_is_silent() -> None:
    """Two hundred runs of independent errors: one alarm would be one in ten thousand intervals."""
    drawn = np.random.default_rng(7).poisson(0.3, (200, 60)).tolist()
    assert sum(len(lasting_spikes(shares(row, 50)).found) for row in drawn) <= 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 50), max_size=70))
def test_spikes_lie_in_order_within_the_series(counts: list[int]) -> None:
    """Whatever the counts: apart from each other, counted in full, and less likely than stated."""
    found = lasting_spikes(shares(counts, 50)).found
    for spike in found:
        assert spike.chance < 1e-4
        within = counts[int(spike.begin) : int(spike.end)]
        assert 0 <= spike.begin < spike.end <= len(counts)
        assert spike.count == sum(within)
    assert all(one.end <= other.begin for one, other in zip(found, found[1:], strict=False))
