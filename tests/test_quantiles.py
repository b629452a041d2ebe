"""Bounds of quantiles by order statistics: exact, and true to their confidence."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from pytest_sentry_harness.statistics.quantiles import quantile, quantile_ranks, samples_for_quantile


@pytest.mark.parametrize(
    "values,share,expected",
    [([7.0], 0.99, 7.0), ([1, 2, 3, 4], 0.5, 2), ([1, 2, 3], 0.5, 2), (list(range(1, 101)), 0.99, 99)],
)
def test_the_sample_quantile(values: list[float], share: float, expected: float) -> None:
    """The smallest value with that share of the sample at or below it."""
    assert quantile(values, share) == expected


@given(st.integers(0, 700), st.sampled_from([0.05, 0.5, 0.95, 0.99]), st.sampled_from([0.8, 0.95, 0.99]))
@pytest.mark.slow
def test_the_ranks_are_those_of_the_binomial_distribution(size: int, share: float, confidence: float) -> None:
    """Lower: the largest r with P(B < r) <= a/2. Upper: the smallest r with P(B >= r) <= a/2."""
    tail = (1 - confidence) / 2
    below = [float(binom.cdf(rank - 1, size, share)) for rank in range(1, size + 1)]
    low = max((rank for rank, p in enumerate(below, start=1) if p <= tail), default=None)
    high = min((rank for rank, p in enumerate(below, start=1) if 1 - p <= tail), default=None)
    assert quantile_ranks(size, share, confidence) == (low, high)


@pytest.mark.parametrize("share,needed", [(0.5, 6), (0.95, 72), (0.99, 368)])
def test_how_many_an_upper_bound_needs(share: float, needed: int) -> None:
    """One fewer has none: share^n <= 2.5 % is where it begins."""
    assert samples_for_quantile(share) == needed
    assert quantile_ranks(needed, share)[1] == needed
    assert quantile_ranks(needed - 1, share)[1] is None


def test_the_bounds_cover_the_true_quantile_as_often_as_they_say() -> None:
    """At least 95 % of 2000 samples of a skewed distribution; the seed is fixed."""
    dice = random.Random(5)
    low, high = quantile_ranks(400, 0.95)
    assert low is not None
    assert high is not None
    true = 2.995732273553991  # of the exponential distribution: -ln(0.05)
    covered = 0
    for _ in range(2000):
        sample = sorted(dice.expovariate(1.0) for _ in range(400))
        covered += sample[low - 1] <= true <= sample[high - 1]
    assert covered >= 0.945 * 2000


@pytest.mark.parametrize(
    "size,share,confidence", [(-1, 0.5, 0.95), (5, 0.0, 0.95), (5, 1.0, 0.95), (5, 0.5, 1.0)]
)
def test_what_cannot_be_asked(size: int, share: float, confidence: float) -> None:
    """Out of range is an error of the caller."""
    with pytest.raises(ValueError, match="no ranks for"):
        quantile_ranks(size, share, confidence)


def test_the_table_in_the_explanation_is_exact() -> None:
    """How many values a bound needs when none, one or two of them are outliers."""
    text = (Path(__file__).parent.parent / "docs" / "explanation" / "timing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| p(\d+) \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert [row[0] for row in rows] == ["50", "95", "99"]
    for percent, *sizes in rows:
        share = int(percent) / 100
        for outliers, size in enumerate(map(int, sizes)):
            high, fewer = quantile_ranks(size, share)[1], quantile_ranks(size - 1, share)[1]
            assert high is not None
            assert high <= size - outliers
            assert fewer is None or fewer > size - 1 - outliers
