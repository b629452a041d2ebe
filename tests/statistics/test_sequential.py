"""Intervals that are looked at after each launch: how often they miss, and what they come to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from pytest_sentry_harness.statistics.sequential import (
    FEWEST,
    LEVELS,
    MOST,
    OVERALL,
    Estimate,
    change_interval,
    critical_value,
    largest,
    mean_interval,
)

SERIES = 60_000
LOOKS = range(FEWEST, MOST + 1)


def halves(values: np.ndarray, comparisons: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Mean and half width of the interval of each series at each look: two arrays, a column for each look."""
    means, widths = [], []
    for count in LOOKS:
        part = values[:, :count]
        means.append(part.mean(axis=1))
        error = part.std(axis=1, ddof=1) / math.sqrt(count)
        widths.append(critical_value(count, comparisons) * error)
    return np.stack(means, axis=1), np.stack(widths, axis=1)


def series(seed: int, mean: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1.2, (SERIES, MOST))


@pytest.mark.parametrize("comparisons", [1, 3])
def test_any_look_misses_the_truth_in_one_case_of_twenty(comparisons: int) -> None:
    """The chance that any of the twelve looks misses is 5 %, shared between comparisons."""
    means, widths = halves(series(1), comparisons)
    missed = (np.abs(means) > widths).any(axis=1).mean()
    wanted = OVERALL / comparisons
    assert abs(missed - wanted) < 4 * math.sqrt(wanted / SERIES)


def test_the_ordinary_interval_would_not_survive_the_peeking() -> None:
    """Without the boundary, one case in six would be wrong: the reason why there is one."""
    values = series(2)
    wrong = np.zeros(SERIES, dtype=bool)
    for count in LOOKS:
        part = values[:, :count]
        statistic = part.mean(axis=1) / (part.std(axis=1, ddof=1) / math.sqrt(count))
        wrong |= np.abs(statistic) > student.isf(0.025, count - 1)
    assert wrong.mean() > 0.14


@pytest.mark.parametrize(
    "true,passes,fails",
    [(0.0, (0.999, 1.0), (0.0, 0.0005)), (5.0, (0.0, 0.03), (0.0, 0.03)), (8.0, (0.0, 0.001), (0.95, 1.0))],
)
def test_verdicts_on_five_percent(
    true: float, passes: tuple[float, float], fails: tuple[float, float]
) -> None:
    """Stopping at the first clear look: certain far from the threshold, and hardly ever wrong on it."""
    means, widths = halves(series(3, true))
    below, above = means + widths < 5, means - widths > 5
    first_below = np.where(below.any(axis=1), below.argmax(axis=1), len(LOOKS))
    first_above = np.where(above.any(axis=1), above.argmax(axis=1), len(LOOKS))
    passed, failed = (first_below < first_above).mean(), (first_above < first_below).mean()
    assert passes[0] <= passed <= passes[1]
    assert fails[0] <= failed <= fails[1]


def test_the_interval_at_the_stop_covers_the_truth() -> None:
    """The interval that is reported when the launching ends, whatever ended it, covers in at least 95 %."""
    means, widths = halves(series(4, 3.0))
    clear = (means + widths < 5) | (means - widths > 5)
    stop = np.where(clear.any(axis=1), clear.argmax(axis=1), len(LOOKS) - 1)
    rows = np.arange(SERIES)
    covered = (np.abs(means[rows, stop] - 3.0) <= widths[rows, stop]).mean()
    assert covered >= 0.95


def test_the_boundary_falls_with_every_launch() -> None:
    """Each further launch narrows the interval by more than the square root alone."""
    values = [critical_value(count) for count in LOOKS]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(student.isf(LEVELS[0] / 2, 2))


def test_more_comparisons_than_the_table_has_are_stricter_still() -> None:
    """Beyond the table the boundary goes on rising, without a step back."""
    values = [critical_value(6, comparisons) for comparisons in range(1, 30)]
    assert values == sorted(values)


@pytest.mark.parametrize("count", [2, 15])
def test_other_numbers_of_launches_are_refused(count: int) -> None:
    """The levels were found for 3 to 14."""
    with pytest.raises(ValueError, match=f"{count} launches: the levels were found for 3 to 14"):
        critical_value(count)


def test_no_comparisons_are_refused() -> None:
    """Less than one comparison is a mistake of the caller."""
    with pytest.raises(ValueError, match="0 comparisons"):
        critical_value(5, 0)


def test_a_mean_with_its_bounds() -> None:
    """Mean ± c(n) s / √n."""
    found = mean_interval([1.0, 2.0, 3.0])
    half = critical_value(3) / math.sqrt(3)
    assert (found.value, found.count) == (2.0, 3)
    assert found.low == pytest.approx(2 - half)
    assert found.high == pytest.approx(2 + half)


def test_too_few_values_have_no_bounds() -> None:
    """One or two launches say where it may lie, and not how surely."""
    assert mean_interval([1.0, 2.0]) == Estimate(1.5, None, None, 2)
    assert change_interval([0.0]) == Estimate(0.0, None, None, 1)
    with pytest.raises(ValueError, match="no values"):
        mean_interval([])


def test_log_ratios_become_relative_changes() -> None:
    """The value is the geometric mean of the ratios, and swapping the arms turns it round."""
    ratios = [math.log(1.02), math.log(1.03), math.log(1.04), math.log(1.05)]
    found = change_interval(ratios)
    assert found.value == pytest.approx((1.02 * 1.03 * 1.04 * 1.05) ** 0.25 - 1)
    turned = change_interval([-ratio for ratio in ratios])
    assert found.low is not None
    assert turned.high is not None
    assert (1 + turned.high) * (1 + found.low) == pytest.approx(1)


def test_wild_launches_have_endless_bounds() -> None:
    """Ratios that differ by orders of magnitude give no error, and no verdict."""
    found = change_interval([-300.0, 0.0, 300.0])
    assert found.low == pytest.approx(-1)
    assert found.high == math.inf


def test_the_largest_of_several() -> None:
    """Upper bound: of the highest. Lower bound: the highest of the strict ones."""
    loose = [Estimate(0.01, 0.0, 0.02, 5), Estimate(0.03, 0.02, 0.04, 5)]
    strict = [Estimate(0.01, -0.01, 0.03, 5), Estimate(0.03, 0.01, 0.05, 5)]
    assert largest(loose, strict) == Estimate(0.03, 0.01, 0.04, 5)
    assert largest(loose) == Estimate(0.03, 0.02, 0.04, 5)
    assert largest([Estimate(0.01, None, None, 2)]) == Estimate(0.01, None, None, 2)
