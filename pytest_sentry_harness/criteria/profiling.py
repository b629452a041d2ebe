"""The criterion ``profiling``: slow operations are found, and found where they are."""

from __future__ import annotations

from ..model.profiling import ProfilingInfo
from ..model.verdict import Measurement
from ..statistics import binomial_interval


def measure(info: ProfilingInfo) -> dict[str, Measurement]:
    """All ``profiling.*`` metrics of a run, by name."""
    slow = sum(operation.slow for operation in info.operations)
    arrived = info.transactions > 0
    nothing = "no transaction arrived: is traces_sample_rate set?"
    none_slow = (
        "no call of an [[operation]] was slow: the load must reach them, and they must take `slow` or longer"
    )
    shares = (
        _share(
            "profiling.attributed",
            sum(operation.attributed for operation in info.operations),
            slow,
            none_slow,
        ),
        _share(
            "profiling.profiled",
            info.profiles.profiled,
            info.profiles.transactions,
            "no transaction lasted long enough for a profile" if arrived else nothing,
        ),
        _share(
            "profiling.top",
            sum(operation.on_top for operation in info.operations),
            sum(operation.burnt for operation in info.operations),
            "no slow call that spent its time computing came with a profile",
        ),
    )
    counts = (
        _count("profiling.n_plus_one.missed", info.missed, info.transactions),
        _count("profiling.n_plus_one.false", info.undeclared, info.transactions, "" if arrived else nothing),
        _count("profiling.uninstrumented", info.uninstrumented, slow, "" if arrived else nothing),
        _count("profiling.operations", slow, slow),
    )
    return {measurement.metric: measurement for measurement in (*shares, *counts)}


def _share(metric: str, of_them: int, samples: int, nothing: str) -> Measurement:
    low, high = binomial_interval(of_them, samples)
    return Measurement(
        metric=metric,
        value=of_them / samples if samples else None,
        low=low if samples else None,
        high=high if samples else None,
        samples=samples,
        unit="ratio",
        note="" if samples else nothing,
    )


def _count(metric: str, count: int, samples: int, nothing: str = "") -> Measurement:
    return Measurement(
        metric=metric,
        value=None if nothing else float(count),
        low=None,
        high=None,
        samples=samples,
        unit="count",
        exact=True,
        note=nothing,
    )
