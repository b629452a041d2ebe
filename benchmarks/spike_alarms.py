"""How often spike detection cries wolf, as a multiple of the rate it states, over counts in which nothing changes.

    python benchmarks/spike_alarms.py [--series 100000] [--seed 70] [--lasting]

Each series is a baseline and one more count of the same distribution. Only counts far above the mean can be an alarm; the others
are not evaluated, which makes a hundred thousand series a matter of seconds. With ``--lasting`` a series is a run of sixty intervals, and
alarms are those of ``monitor.lasting``: a thousand series take a minute.
"""

from __future__ import annotations

import argparse

import numpy as np

from pytest_sentry_harness.monitor.lasting import lasting_spikes
from pytest_sentry_harness.monitor.rates import Interval
from pytest_sentry_harness.statistics.counts import surprise

STATED = (1e-3, 1e-4)
KINDS = ((0.2, 1), (5, 1), (1000, 1), (0.2, 3), (1, 3), (1, 10), (50, 3), (50, 20), (1000, 100))
"""Mean, and variance divided by it."""


def alarms(
    generator: np.random.Generator, series: int, baseline: int, mean: float, dispersion: float
) -> list[int]:
    """How many of ``series`` counts were an alarm, for each stated rate."""
    shape = (series, baseline + 1)
    drawn = (
        generator.poisson(mean, shape)
        if dispersion == 1
        else generator.negative_binomial(mean / (dispersion - 1), 1 / dispersion, shape)
    )
    before, last = drawn[:, :-1], drawn[:, -1]
    suspects = np.flatnonzero(
        last > before.mean(1) + 2.6 * (before.std(1) + 0.5 * np.sqrt(before.mean(1) + 0.5))
    )
    chances = [
        surprise(int(last[row]), before[row].tolist(), [1.0] * baseline, 1.0)[1] for row in suspects.tolist()
    ]
    return [sum(chance < stated for chance in chances) for stated in STATED]


def lasting(generator: np.random.Generator, series: int) -> None:
    """Print one line for each kind of count: alarms for each interval that was judged, by the stated rate."""
    stated, length = 1e-4, 60
    print("  mean  variance/mean  true / stated  alarms in a run")
    for mean, dispersion in KINDS:
        shape = (series, length)
        drawn = (
            generator.poisson(mean, shape)
            if dispersion == 1
            else generator.negative_binomial(mean / (dispersion - 1), 1 / dispersion, shape)
        )
        found = [
            lasting_spikes(
                [Interval(float(at), 1.0, count) for at, count in enumerate(row)], false_alarm=stated
            )
            for row in drawn.tolist()
        ]
        count, judged = sum(len(each.found) for each in found), sum(each.judged for each in found)
        print(f"{mean:6g} {dispersion:14} {count / judged / stated:14.2f} {count / series:16.4f}")


def main() -> None:
    """Print one line for each kind of count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=70)
    parser.add_argument("--lasting", action="store_true")
    options = parser.parse_args()
    generator = np.random.default_rng(options.seed)
    if options.lasting:
        lasting(generator, min(options.series, 1000))
        return
    print("before   mean  variance/mean  true / stated at " + "  ".join(f"{stated:g}" for stated in STATED))
    for baseline in (20, 30, 60):
        for mean, dispersion in KINDS:
            found = alarms(generator, options.series, baseline, mean, dispersion)
            ratios = "  ".join(
                f"{count / options.series / stated:5.2f}" for count, stated in zip(found, STATED, strict=True)
            )
            print(f"{baseline:6} {mean:6g} {dispersion:14} {'':16}{ratios}")


if __name__ == "__main__":
    main()
