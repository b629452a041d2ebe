"""Log ratios of repeated launches to a ratio with its interval, looked at again and again. Pure.

Each launch gives one number, ``log(with / without)``; the launch is the unit of replication, however many
requests it had. After launch 3, 4, ... 14 the interval of their mean is looked at, and the launching ends as soon as it
lies wholly on one side of a threshold. Looking that often with the ordinary 95 % interval would be wrong far more often than in one case of
20. So each look uses Student's t interval at the smaller, constant nominal level that keeps the chance that *any* of
the looks misses the truth at 5 % (repeated confidence intervals: Jennison and Turnbull, Journal of the Royal Statistical
Society B 51, 1989; the constant level: Pocock, Biometrika 64, 1977). The interval therefore holds whatever rule
ended the launching, also one that waits for several metrics.

The levels are found by simulation, since 3 to 14 values are too few for the normal limit those papers tabulate:
``benchmarks/sequential_levels.py``, seeded, four million series.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

FEWEST = 3
"""Launches before anything is said: with two, one degree of freedom is left, and the interval covers everything."""
MOST = 14
"""Launches after which it ends, whatever is known."""
OVERALL = 0.05
"""The chance that an interval misses the truth at any look at all."""
LEVELS = (
    0.009555,
    0.004298,
    0.002726,
    0.001979,
    0.001549,
    0.001263,
    0.001068,
    0.000920,
    0.000813,
    0.000726,
    0.000654,
    0.000594,
)
"""Two-sided nominal level of each look, for 1, 2, 3, ... comparisons that share ``OVERALL`` equally."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its bounds; ``low`` and ``high`` are None while there are too few values."""

    value: float
    low: float | None
    high: float | None
    count: int


def critical_value(count: int, comparisons: int = 1) -> float:
    """By how many standard errors the interval reaches to either side after ``count`` launches.

    ``comparisons``: how many intervals share the error (Bonferroni). Raises ``ValueError`` outside 3 to 14
    launches, for which the levels were found, and for fewer than one comparison.
    """
    if not FEWEST <= count <= MOST:
        raise ValueError(f"{count} launches: the levels were found for {FEWEST} to {MOST}")
    if comparisons < 1:
        raise ValueError(f"{comparisons} comparisons")
    from scipy.stats import t as student

    # Beyond the table the level falls a little faster than 1/comparisons: its last step is kept, and more taken off.
    last = len(LEVELS)
    level = LEVELS[comparisons - 1] if comparisons <= last else LEVELS[-1] * (last / comparisons) ** 1.2
    return float(student.isf(level / 2, count - 1))


def mean_interval(values: Sequence[float], comparisons: int = 1) -> Estimate:
    """Mean of ``values`` (any unit) with bounds ``mean ± c(n) s / √n`` that survive being looked at after each value.

    s is the standard deviation with n - 1 in its denominator, c(n) the ``critical_value``. With
    less than ``FEWEST`` values there are no bounds. Raises ``ValueError`` for no values at all, and for more than ``MOST``.
    """
    count = len(values)
    if count == 0:
        raise ValueError("no values")
    mean = math.fsum(values) / count
    if count < FEWEST:
        return Estimate(mean, None, None, count)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = critical_value(count, comparisons) * math.sqrt(variance / count)
    return Estimate(mean, mean - half, mean + half, count)


def change_interval(log_ratios: Sequence[float], comparisons: int = 1) -> Estimate:
    """The relative change ``exp(mean) - 1`` that ``log_ratios`` stand for, with bounds: 0.03 is 3 % more.

    It is the geometric mean of the ratios, and the interval is that of the mean log carried over, which keeps its coverage.
    Raises as ``mean_interval``.
    """
    found = mean_interval(log_ratios, comparisons)
    return Estimate(
        math.expm1(found.value),
        None if found.low is None else math.expm1(found.low),
        None if found.high is None else _expm1(found.high),
        found.count,
    )


def largest(estimates: Sequence[Estimate], strict: Sequence[Estimate] | None = None) -> Estimate:
    """The largest of several true values, by the estimates of each.

    Lower bound: the largest of the lower bounds, and those are to be taken from ``strict``, the same estimates at a level
    shared between them, since any of them could be too high by chance. Upper bound: the largest of the upper
    bounds; no sharing is needed, since only that of the truly largest has to hold. Raises ``ValueError`` for none.
    """
    value = max(estimate.value for estimate in estimates)
    lows = [estimate.low for estimate in strict or estimates]
    highs = [estimate.high for estimate in estimates]
    count = min(estimate.count for estimate in estimates)
    if any(low is None for low in lows) or any(high is None for high in highs):
        return Estimate(value, None, None, count)
    return Estimate(
        value,
        max(low for low in lows if low is not None),
        max(high for high in highs if high is not None),
        count,
    )


def _expm1(value: float) -> float:
    # Three launches that disagree wildly have bounds beyond what a float can hold.
    return math.expm1(value) if value < 700 else math.inf
