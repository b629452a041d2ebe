"""A number of values that was fixed beforehand to their mean with its interval. Pure.

For what is looked at once, at the end. What is looked at again and again needs ``statistics.sequential``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .sequential import Estimate


def student_interval(values: Sequence[float], comparisons: int = 1, confidence: float = 0.95) -> Estimate:
    """Mean of ``values`` (any unit) with Student's bounds ``mean ± t(n-1) s / √n`` (Student, Biometrika 6, 1908).

    ``comparisons``: how many intervals share the error (Bonferroni). One value has no bounds. Raises
    ``ValueError`` for none, and for fewer than one comparison.
    """
    count = len(values)
    if count == 0 or comparisons < 1:
        raise ValueError(f"{count} values, {comparisons} comparisons")
    mean = math.fsum(values) / count
    if count == 1:
        return Estimate(mean, None, None, count)
    from scipy.stats import t as student

    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = float(student.isf((1 - confidence) / 2 / comparisons, count - 1)) * math.sqrt(variance / count)
    return Estimate(mean, mean - half, mean + half, count)


def student_change(log_ratios: Sequence[float], comparisons: int = 1) -> Estimate:
    """The relative change ``exp(mean) - 1`` with bounds, as ``sequential.change_interval`` for values looked at once."""
    found = student_interval(log_ratios, comparisons)
    return Estimate(
        math.expm1(found.value),
        None if found.low is None else math.expm1(found.low),
        None if found.high is None else (math.expm1(found.high) if found.high < 700 else math.inf),
        found.count,
    )
