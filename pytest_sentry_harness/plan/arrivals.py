"""When the requests of an open load arrive: a pure function of stages, manner and seed.

The rate over time, r(t), goes in straight lines from stage to stage. Arrival k is due when the cumulative rate

    L(t) = integral of r from 0 to t

reaches S(k), that is at L^-1(S(k)). With S(k) = k the arrivals are as even as the rate allows (*constant*); with S(k) the
sum of k + 1 independent exponential variates of mean 1 they are a Poisson process of rate r(t), as independent visitors
make (inversion of the cumulative rate; E. Cinlar, Introduction to Stochastic Processes, 1975, section 4.7).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..model.scenario import Stage
from .schedule import draw

SHAPES: dict[str, tuple[tuple[float, str, str], ...]] = {
    "steady": ((1.0, "rate", "rate"),),
    "ramp": ((1.0, "none", "rate"),),
    "soak": ((0.1, "none", "rate"), (0.8, "rate", "rate"), (0.1, "rate", "none")),
    "spike": ((0.45, "rate", "rate"), (0.1, "peak", "peak"), (0.45, "rate", "rate")),
    "burst": ((0.18, "rate", "rate"), (0.02, "peak", "peak")) * 5,
}
"""Each shape as shares of the load's time, with the rate at their begin and end."""
PEAKED = ("spike", "burst")
"""The shapes that have a peak."""


def shaped(shape: str, *, seconds: float, rate: float, peak: float) -> tuple[Stage, ...]:
    """The stages of the shape called ``shape``, stretched over ``seconds``."""
    values = {"none": 0.0, "rate": rate, "peak": peak}
    return tuple(
        Stage(seconds=share * seconds, start=values[start], end=values[end])
        for share, start, end in SHAPES[shape]
    )


def expected(stages: Sequence[Stage]) -> float:
    """How many arrivals there are on average: L at the end."""
    return sum(stage.seconds * (stage.start + stage.end) / 2 for stage in stages)


def duration_of(stages: Sequence[Stage]) -> float:
    """Seconds from the first stage's begin to the last one's end."""
    return sum(stage.seconds for stage in stages)


def arrival_times(
    stages: Sequence[Stage], manner: str, seed: int, lane: str = "", share: float = 1.0
) -> Iterator[float]:
    """Seconds after the load's begin at which requests are due, in order; made one by one.

    ``manner``: ``constant`` or ``poisson``. Several generators that send side by side take a ``share`` each, with a ``lane``
    of its own: independent Poisson processes add up to one of the sum of their rates, and even ones are shifted
    against each other. The same arguments give the same times, on any machine.
    """
    passed = elapsed = 0.0
    dues = _dues(manner, seed, lane)
    due = next(dues)
    for stage in stages:
        amount = share * stage.seconds * (stage.start + stage.end) / 2
        while due < passed + amount:
            yield elapsed + min(_within(stage, (due - passed) / share), stage.seconds)
            due = next(dues)
        passed += amount
        elapsed += stage.seconds


def _dues(manner: str, seed: int, lane: str) -> Iterator[float]:
    """S(0), S(1), ...: by how much of the cumulative rate each arrival is due."""
    total = draw(seed, "arrivals", lane, "offset") if manner == "constant" and lane else 0.0
    index = 0
    while True:
        if manner == "poisson":
            # 1 - u lies in (0, 1], where the logarithm is finite.
            total -= math.log(1.0 - draw(seed, "arrivals", lane, index))
            yield total
        else:
            yield total + index
        index += 1


def _within(stage: Stage, amount: float) -> float:
    """When ``amount`` arrivals of ``stage`` have come: t with start*t + slope*t^2/2 = amount.

    Written so that nothing cancels out when the slope is small or zero.
    """
    slope = (stage.end - stage.start) / stage.seconds
    root = math.sqrt(max(stage.start**2 + 2 * slope * amount, 0.0))
    divisor = stage.start + root
    return 0.0 if divisor == 0 else 2 * amount / divisor
