"""How fast something grows, with bounds that do not believe that samples in a row are independent."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

STRETCHES = 8
_LEAST_OF_EACH = 2


class Slope(NamedTuple):
    """Growth per unit of time, with its 95 % bounds."""

    value: float
    low: float
    high: float
    chance: float
    """Of a slope as steep, in either direction, were there none."""


def slope(times: Sequence[float], values: Sequence[float], *, stretches: int = STRETCHES) -> Slope | None:
    """The slope of a straight line through the means of equal stretches; None with too few samples for it.

    ``times`` increase.

    Samples of memory taken every half second are anything but independent: a line through all of them would have
    bounds that are far too narrow. The method of batch means (Law, Simulation Modeling and Analysis, 2015,
    section 9.5.3) goes on with the means of a few long stretches, which nearly are: least squares through
    ``stretches`` points, bounds from Student's distribution with two degrees of freedom less.
    """
    if len(times) != len(values):
        raise ValueError(f"{len(times)} times and {len(values)} values")
    if len(times) < stretches * _LEAST_OF_EACH or stretches <= _LEAST_OF_EACH or times[-1] <= times[0]:
        return None
    cuts = [len(times) * number // stretches for number in range(stretches + 1)]
    x = [_mean(times[begin:end]) for begin, end in itertools.pairwise(cuts)]
    y = [_mean(values[begin:end]) for begin, end in itertools.pairwise(cuts)]
    middle, level = _mean(x), _mean(y)
    spread = sum((each - middle) ** 2 for each in x)
    rise = sum((at - middle) * (value - level) for at, value in zip(x, y, strict=True)) / spread
    left = sum((value - level - rise * (at - middle)) ** 2 for at, value in zip(x, y, strict=True))
    freedom = stretches - 2
    from scipy.stats import t

    error = math.sqrt(left / freedom / spread)
    half = float(t.ppf(0.975, freedom)) * error
    if error > 0:
        chance = 2 * float(t.sf(abs(rise) / error, freedom))
    else:
        chance = 1.0 if rise == 0 else 0.0
    return Slope(rise, rise - half, rise + half, chance)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
