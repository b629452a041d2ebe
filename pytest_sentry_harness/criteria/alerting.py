"""The criterion ``alerting``: whoever has to be told of a failure is told in time, once, and of nothing else.

All metrics are counted in full over the run: every alert of it was measured, so that its 99 % quantile and its maximum are what
they are, with few alerts, too. A missed alert is infinitely late: no quantile gets better by missing. The bounds beside a quantile say
what it may be over all runs like this one; gates do not ask for them.
"""

from __future__ import annotations

import math

from ..model.metrics import METRICS
from ..model.verdict import Measurement
from ..statistics.quantiles import quantile, quantile_ranks
from .alerting_account import Alerted

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_NOTHING = "no fault fired that a rule must alert of"


def measure(alerted: Alerted) -> dict[str, Measurement]:
    """All ``alerting.*`` metrics of a run, by name."""
    info = alerted.info
    nothing = "" if info.expected else _NOTHING
    if alerted.cut_off:
        nothing = f"{alerted.cut_off} more were still under way when the run was interrupted"
    found = [_latency(alerted, name, nothing) for name in (*_SHARES, "max")]
    counts = {
        "alerting.missed": alerted.missed,
        "alerting.late": info.late,
        "alerting.duplicate": info.duplicates,
        "alerting.false": info.false,
        "alerting.dead": info.dead,
        "alerting.alerts": info.expected - alerted.cut_off,
    }
    found += [
        Measurement(
            metric=metric,
            value=float(count),
            low=None,
            high=None,
            samples=info.expected - alerted.cut_off,
            unit="count",
            exact=True,
            note=nothing,
        )
        for metric, count in counts.items()
    ]
    return {each.metric: each for each in found}


def _latency(alerted: Alerted, name: str, nothing: str) -> Measurement:
    latencies, missed = alerted.latencies, alerted.missed
    metric = f"alerting.latency.{name}"
    share = _SHARES.get(name)
    low = high = None
    if share is not None and latencies:
        low_rank, high_rank = quantile_ranks(len(latencies), share)
        low = _finite(latencies[low_rank - 1]) if low_rank else None
        high = latencies[high_rank - 1] if high_rank else None
    note = f"{missed} of {len(latencies)} were never delivered: they are infinitely late" if missed else ""
    return Measurement(
        metric=metric,
        value=quantile(latencies, share or 1.0) if latencies else None,
        low=low if high is not None else None,
        high=high,
        samples=len(latencies),
        unit=METRICS[metric].unit,
        exact=True,
        note=note or nothing,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
