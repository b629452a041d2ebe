"""How likely a count is, given counts before it, when events may come in clusters. Pure, and needs no library.

Counts of independent events have a variance equal to their mean (Poisson). Errors seldom do: one cause makes several. The
dispersion is by how much the variance is larger than the mean; the negative binomial distribution has it as a second parameter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

DISPERSIONS: tuple[float, ...] = (
    *(2 ** (step / 2) for step in range(8)),
    *(float(2**step) for step in range(4, 13)),
)
"""Dispersions that are thought possible: 1 (Poisson) to 4096."""
_PRIOR = (*(1.0,) * 8, *(2.0,) * 9)
"""All orders of magnitude are equally likely beforehand; above 16 the steps are twice as wide."""
_NEGLIGIBLE = 1e-9


def surprise(count: int, before: Sequence[int], sizes: Sequence[float], size: float) -> tuple[float, float]:
    """What was expected instead of ``count``, and the chance of as many or more if nothing has changed.

    ``before`` are earlier counts, each over an exposure of ``sizes`` (seconds, or requests; all above 0), ``size`` is that of ``count``.
    The mean is proportional to the exposure and estimated with Jeffreys' half event added, as for a Poisson rate (Jeffreys, Theory of
    Probability, 3rd edition 1961, section 3.1). The variance is the dispersion times the mean; dispersions are weighed by their likelihood
    in ``before``, instead of taking the best for the truth, and the uncertainty of the mean widens them by ``1 + size / sum(sizes)``.
    Overdispersed counts as negative binomial: Noufaily et al., Statistics in Medicine 32, 2013. O(distinct counts x dispersions).
    Raises ``ValueError`` without earlier counts or with an exposure that is not above 0.
    """
    if not before or len(before) != len(sizes) or size <= 0 or min(sizes) <= 0:
        raise ValueError(f"{len(before)} counts before, {len(sizes)} exposures, {size} of this one")
    total = math.fsum(sizes)
    rate = (sum(before) + 0.5) / total
    widened = 1 + size / total
    seen: dict[tuple[int, float], int] = {}
    for pair in zip(before, sizes, strict=True):
        seen[pair] = seen.get(pair, 0) + 1
    logs = [
        math.log(prior)
        + math.fsum(times * log_chance(each, rate * of, dispersion) for (each, of), times in seen.items())
        for dispersion, prior in zip(DISPERSIONS, _PRIOR, strict=True)
    ]
    most = max(logs)
    weights = [math.exp(log - most) for log in logs]
    chances = (
        (weight, chance_of_at_least(count, rate * size, dispersion * widened))
        for weight, dispersion in zip(weights, DISPERSIONS, strict=True)
        if weight > _NEGLIGIBLE
    )
    return rate * size, min(
        math.fsum(weight * chance for weight, chance in chances) / math.fsum(weights), 1.0
    )


def log_chance(count: int, mean: float, dispersion: float) -> float:
    """Logarithm of the chance of exactly ``count``: Poisson for ``dispersion`` 1, else negative binomial of that variance/mean."""
    if dispersion <= 1:
        return count * math.log(mean) - mean - math.lgamma(count + 1)
    shape = mean / (dispersion - 1)
    return (
        math.lgamma(count + shape)
        - math.lgamma(shape)
        - math.lgamma(count + 1)
        - shape * math.log(dispersion)
        + count * math.log1p(-1 / dispersion)
    )


def chance_of_at_least(count: int, mean: float, dispersion: float) -> float:
    """The chance of ``count`` or more, negative binomial with ``dispersion`` above 1.

    It is a regularised incomplete beta function (NIST Digital Library of Mathematical Functions, 8.17.24).
    """
    if count <= 0:
        return 1.0
    return incomplete_beta(count, mean / (dispersion - 1), 1 - 1 / dispersion)


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22) in Lentz's way (DLMF 3.10.2).

    Relative precision about 1e-10, also where it is tiny, and 1e-6 with a or b of a hundred million. Raises ``ValueError`` outside a, b > 0 and 0 <= x <= 1.
    """
    if not (a > 0 and b > 0 and 0 <= x <= 1):
        raise ValueError(f"incomplete beta of a = {a}, b = {b}, x = {x}")
    if x in (0, 1):
        return float(x)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    return front * _fraction(a, b, x) / a if front > 0 else 0.0


def _fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value, m = d, 0
    # The number of steps grows with the root of the larger of a and b: DLMF 8.17(v).
    for m in range(1, 1000 + 20 * math.isqrt(int(max(a, b)))):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return value
