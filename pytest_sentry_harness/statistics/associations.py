"""Whether two properties go together more often than chance lets them. Pure, and needs no library.

Counts come as a table of four: of ``drawn`` things ``hits`` have the property; of all ``total`` things ``marked`` have it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist


def fisher_above(hits: int, drawn: int, marked: int, total: int) -> float:
    """The chance of ``hits`` or more if drawn things were like any others: Fisher's exact test, one-sided.

    (Fisher, Journal of the Royal Statistical Society 98, 1935.) A tail of the hypergeometric distribution, summed from its largest term
    on until terms no longer matter: far fewer than ``drawn``. Raises ``ValueError`` for counts that cannot be.
    """
    if not (
        0 <= drawn <= total
        and 0 <= marked <= total
        and max(0, drawn + marked - total) <= hits <= min(drawn, marked)
    ):
        raise ValueError(f"{hits} of {drawn} drawn, {marked} of {total} marked")
    least, most = max(0, drawn + marked - total), min(drawn, marked)
    if hits == least:
        return 1.0
    first = math.exp(
        _log_choose(marked, hits) + _log_choose(total - marked, drawn - hits) - _log_choose(total, drawn)
    )
    term = total_chance = first
    for k in range(hits, most):
        ratio = (drawn - k) * (marked - k) / ((k + 1) * (total - drawn - marked + k + 1))
        term *= ratio
        total_chance += term
        if ratio < 1 and term < total_chance * 1e-15:
            break
    return min(total_chance, 1.0)


def odds_ratio(
    hits: int, drawn: int, marked: int, total: int, confidence: float = 0.95
) -> tuple[float, float, float]:
    """The odds among the drawn by those among the rest, with bounds.

    Half a thing is added to each of the four cells, which keeps it finite (Haldane, Annals of Human Genetics 20, 1956; Anscombe,
    Biometrika 43, 1956); the logarithm's variance is the sum of the reciprocals (Woolf, Annals of Human Genetics 19, 1955).
    """
    cells = [hits + 0.5, drawn - hits + 0.5, marked - hits + 0.5, total - drawn - marked + hits + 0.5]
    if min(cells) <= 0:
        raise ValueError(f"{hits} of {drawn} drawn, {marked} of {total} marked")
    log = math.log(cells[0] / cells[1]) - math.log(cells[2] / cells[3])
    half = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(math.fsum(1 / cell for cell in cells))
    return math.exp(log), math.exp(log - half), math.exp(log + half)


def false_discovery(chances: Sequence[float], comparisons: int | None = None) -> list[float]:
    """For each chance, the smallest expected share of false findings at which it would be among the findings.

    The step-up procedure of Benjamini and Hochberg (Journal of the Royal Statistical Society B 57, 1995) as adjusted values. ``comparisons``: how
    many were made, if those left out all had larger chances. Raises ``ValueError`` when they are fewer than ``chances``. O(n log n).
    """
    made = len(chances) if comparisons is None else comparisons
    if made < len(chances):
        raise ValueError(f"{len(chances)} chances of {made} comparisons")
    adjusted = [0.0] * len(chances)
    smallest = 1.0
    for place, index in sorted(
        enumerate(sorted(range(len(chances)), key=chances.__getitem__), start=1), reverse=True
    ):
        smallest = min(smallest, chances[index] * made / place)
        adjusted[index] = smallest
    return adjusted


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
