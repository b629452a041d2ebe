"""Quantiles of a sample, with bounds that hold whatever the distribution is. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float:
    """The sample quantile of an ordered, non-empty sample: the smallest value with that share at or below it."""
    return ordered[max(math.ceil(share * len(ordered) - 1e-9), 1) - 1]


def quantile_ranks(size: int, share: float, confidence: float = 0.95) -> tuple[int | None, int | None]:
    """Ranks, from 1, of the ordered values that bound a quantile, whatever the distribution is.

    The number of values at or below the ``share``-quantile is binomial, B ~ Bin(``size``, ``share``). Lower: the largest
    rank r with P(B < r) <= a/2; upper: the smallest r with P(B >= r) <= a/2; a = 1 - ``confidence`` (David and
    Nagaraja, Order Statistics, 3rd edition 2003, section 7.1). None: the sample is too small for that bound. The
    values must be independent for the confidence to hold; ties keep it. Raises ``ValueError`` out of range.
    """
    if size < 0 or not 0 < share < 1 or not 0 < confidence < 1:
        raise ValueError(f"no ranks for {size} values, share {share}, confidence {confidence}")
    tail = (1 - confidence) / 2
    low = high = None
    below = 0.0  # P(B < rank)
    # What lies more than twelve standard deviations below the mean adds less than 1e-30 (Bernstein's inequality).
    spread = math.sqrt(size * share * (1 - share))
    for rank in range(max(int(size * share - 12 * spread - 50), 1), size + 1):
        below += _binomial(size, rank - 1, share)
        if below <= tail:
            low = rank
        if 1 - below <= tail:
            high = rank
            break
    return low, high


def samples_for_quantile(share: float, confidence: float = 0.95) -> int:
    """How many values an upper bound of the ``share``-quantile needs: the least n with share^n <= (1 - confidence) / 2."""
    return math.ceil(math.log((1 - confidence) / 2) / math.log(share))


def _binomial(size: int, count: int, share: float) -> float:
    """P(B = count) for B ~ Bin(size, share)."""
    return math.exp(
        math.lgamma(size + 1)
        - math.lgamma(count + 1)
        - math.lgamma(size - count + 1)
        + count * math.log(share)
        + (size - count) * math.log1p(-share)
    )
