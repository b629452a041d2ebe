"""Exact binomial bounds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.statistics import binomial_interval


@pytest.mark.parametrize(
    "successes,trials,low,high",
    # The last two are the worked example of Clopper and Pearson's method in common textbooks.
    [
        (0, 0, 0.0, 1.0),
        (10, 10, 0.6915, 1.0),
        (0, 10, 0.0, 0.3085),
        (8, 10, 0.4439, 0.9748),
        (1, 10, 0.0025, 0.4450),
    ],
)
def test_known_values(successes: int, trials: int, low: float, high: float) -> None:
    """Published bounds to four digits."""
    assert binomial_interval(successes, trials) == (
        pytest.approx(low, abs=5e-5),
        pytest.approx(high, abs=5e-5),
    )


@given(trials=st.integers(1, 300), data=st.data())
def test_the_bounds_are_where_the_tails_have_half_the_error(trials: int, data: st.DataObject) -> None:
    """By definition: at the lower bound, as many or more successes have probability a/2; likewise above."""
    successes = data.draw(st.integers(0, trials))
    low, high = binomial_interval(successes, trials)

    def tail(p: float, ks: range) -> float:
        return sum(math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in ks)

    if successes:
        assert tail(low, range(successes, trials + 1)) == pytest.approx(0.025, rel=1e-6)
    if successes < trials:
        assert tail(high, range(successes + 1)) == pytest.approx(0.025, rel=1e-6)


@pytest.mark.parametrize(
    "successes,trials,confidence", [(2, 1, 0.95), (-1, 1, 0.95), (1, 1, 1.0), (1, 1, 0.0)]
)
def test_impossible_counts_are_refused(successes: int, trials: int, confidence: float) -> None:
    """Counts and confidences that cannot be."""
    with pytest.raises(ValueError, match=r"successes of|is not between"):
        binomial_interval(successes, trials, confidence)
