"""A share of few or many with its bounds, in closed form. Pure, and needs no library."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided bounds of a proportion by the score test (Wilson, Journal of the American Statistical Association 22, 1927).

    For what is looked at again and again and shown beside its estimate: unlike the exact bounds of ``binomial_interval`` they
    are right on average, not at the least (Brown, Cai and DasGupta, Statistical Science 16, 2001), and cost nothing. ``trials`` = 0
    gives (0, 1): nothing is known. Raises ``ValueError`` for counts that cannot be.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / trials
    spread = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / spread
    half = z / spread * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low = 0.0 if successes == 0 else max(middle - half, 0.0)
    high = 1.0 if successes == trials else min(middle + half, 1.0)
    return low, high
