"""What a portfolio could lose: the margin a clearing house asks for, by simulation."""

from __future__ import annotations

import functools
import heapq
import random
from collections.abc import Mapping
from decimal import Decimal

SCENARIOS = 10_000
"""Days that are imagined. The margin is the mean loss of the worst hundredth of them."""
_TAIL = SCENARIOS // 100
_MARKET, _OWN = 0.011, 0.014
"""Daily volatility that instruments have in common, and of their own; both made up."""


def margin(exposure: Mapping[str, float]) -> Decimal:
    """The expected shortfall at 99 % of one day for ``exposure``: symbol to value held, negative when short.

    Each holding is revalued in every scenario, as margin models of clearing houses do it; zero when nothing can be lost.
    """
    results = [0.0] * SCENARIOS
    for symbol, value in exposure.items():
        results = [result + value * move for result, move in zip(results, moves(symbol), strict=True)]
    worst = heapq.nsmallest(_TAIL, results)
    return Decimal(f"{max(0.0, -sum(worst) / _TAIL):.4f}")


@functools.cache
def moves(symbol: str) -> tuple[float, ...]:
    """The relative change of ``symbol`` in each scenario: the same for the same symbol, anywhere."""
    dice = random.Random(symbol)
    return tuple(common + dice.gauss(0.0, _OWN) for common in _market())


@functools.cache
def _market() -> tuple[float, ...]:
    dice = random.Random("market")
    return tuple(dice.gauss(0.0, _MARKET) for _ in range(SCENARIOS))
