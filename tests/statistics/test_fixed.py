"""Intervals of a number of values that was fixed beforehand."""

from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from pytest_sentry_harness.statistics.fixed import student_change, student_interval


def test_the_bounds_are_students() -> None:
    """The same as those of scipy."""
    values = [1.0, 2.0, 4.0, 3.5]
    found = student_interval(values)
    low, high = stats.t.interval(0.95, 3, loc=2.625, scale=stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((2.625, low, high))


@pytest.mark.slow
def test_the_bounds_cover_the_truth_as_often_as_they_say() -> None:
    """95 of 100, for three values; each of two that share the error more often."""
    dice = random.Random(1)
    series = [[dice.gauss(0, 1) for _ in range(3)] for _ in range(4000)]
    for comparisons, wanted in ((1, 0.95), (2, 0.975)):
        found = [student_interval(values, comparisons) for values in series]
        covered = sum(each.low is not None and each.low < 0 < (each.high or 0) for each in found)
        assert covered / 4000 == pytest.approx(wanted, abs=0.012)


def test_one_value_has_no_bounds_and_none_no_mean() -> None:
    """Nothing is made up."""
    assert student_interval([3.0]).low is None
    with pytest.raises(ValueError, match="0 values"):
        student_interval([])


def test_changes_are_geometric() -> None:
    """Halving and doubling cancel; bounds beyond a float are infinite."""
    found = student_change([math.log(2), math.log(0.5)])
    assert found.value == pytest.approx(0.0)
    assert found.low == pytest.approx(math.expm1(-12.706 * math.log(2)), abs=1e-3)
    assert student_change([1000.0, -1000.0]).high == math.inf
    assert student_change([0.0]).high is None
