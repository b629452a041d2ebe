"""The nominal levels of ``statistics.sequential``: simulated, and how far a given table is off.

    python benchmarks/sequential_levels.py --series 4000000

Draws series of 14 normal values, looks at each after 3, 4, ... 14 of them, and takes the smallest
two-sided p-value of Student's t over the looks. The nominal level that keeps the chance of ever being
wrong at ``a`` is the quantile ``a`` of these smallest p-values. Seeded: the same numbers each time.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import t as student

from pytest_sentry_harness.statistics.sequential import FEWEST, LEVELS, MOST, OVERALL

CHUNK = 200_000


def smallest_p_values(series: int, seed: int) -> np.ndarray:
    """The smallest p-value over all looks, for each of ``series`` series in which nothing is different."""
    random = np.random.default_rng(seed)
    found = []
    for begin in range(0, series, CHUNK):
        values = random.standard_normal((min(CHUNK, series - begin), MOST))
        sums, squares = values.cumsum(axis=1), (values**2).cumsum(axis=1)
        smallest = np.ones(len(values))
        for count in range(FEWEST, MOST + 1):
            mean = sums[:, count - 1] / count
            variance = (squares[:, count - 1] - count * mean**2) / (count - 1)
            statistic = np.abs(mean) / np.sqrt(variance / count)
            smallest = np.minimum(smallest, 2 * student.sf(statistic, count - 1))
        found.append(smallest)
    return np.concatenate(found)


def main() -> None:
    """Print the level for each number of comparisons, beside the one in use."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=int, default=4_000_000)
    parser.add_argument("--seed", type=int, default=20240501)
    arguments = parser.parse_args()
    smallest = smallest_p_values(arguments.series, arguments.seed)
    print("comparisons  overall   simulated  in use    ever wrong with it")
    for comparisons, level in enumerate(LEVELS, start=1):
        overall = OVERALL / comparisons
        simulated = float(np.quantile(smallest, overall))
        wrong = float(np.mean(smallest < level))
        print(f"{comparisons:11}  {overall:7.4f}  {simulated:10.6f}  {level:.6f}  {wrong:.4%}")


if __name__ == "__main__":
    main()
