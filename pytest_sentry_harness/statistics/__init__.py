"""Samples to an estimate with its interval. Pure."""

from __future__ import annotations


def binomial_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact two-sided bounds of a proportion (Clopper and Pearson, Biometrika 26, 1934).

    The bounds are quantiles of beta distributions: lower = Beta(a/2; k, n-k+1), upper =
    Beta(1-a/2; k+1, n-k), with a = 1 - confidence. ``trials`` = 0 gives (0, 1): nothing is known.
    Raises ``ValueError`` for counts that cannot be.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    if trials == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    # The two ends have closed forms; they are by far the most common case and need no library.
    if successes == trials:
        return tail ** (1 / trials), 1.0
    if successes == 0:
        return 0.0, 1 - tail ** (1 / trials)
    from scipy.stats import beta

    low = float(beta.ppf(tail, successes, trials - successes + 1))
    high = float(beta.ppf(1 - tail, successes + 1, trials - successes))
    return low, high
