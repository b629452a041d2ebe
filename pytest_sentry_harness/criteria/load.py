"""How the target bears the load: latency as visitors see it, failures, and memory over time. Judged where a gate asks for it.

A target that fails at once has the shortest latency: latency is never judged without failures, which have a default gate.
"""

from __future__ import annotations

from ..model.load import LoadInfo, Quantile, RequestTimes, Spread
from ..model.series import SeriesInfo
from ..model.verdict import Measurement
from ..statistics import binomial_interval

_QUANTILES = ("p50", "p95", "p99")
_UNTOLD = "no load generator told of its requests"


def measure(info: LoadInfo | None, series: SeriesInfo | None) -> dict[str, Measurement]:
    """The metrics of ``load``; what was not measured has no value, which makes its gate *inconclusive*."""
    times = info.all if info is not None else None
    spread = (times.latency or times.service) if times is not None else None
    found = [_latency(name, spread) for name in _QUANTILES]
    return {each.metric: each for each in (*found, _failed(times), _growth(series))}


def _failed(times: RequestTimes | None) -> Measurement:
    plain = 0 if times is None else times.plain
    failed = 0 if times is None else times.plain_failed
    low, high = binomial_interval(failed, plain) if plain else (None, None)
    nothing = _UNTOLD if times is None else "every request carried a fault, which may be why it failed"
    return Measurement(
        metric="load.failed",
        value=failed / plain if plain else None,
        low=low,
        high=high,
        samples=plain,
        unit="ratio",
        note="" if plain else nothing,
    )


def _latency(name: str, spread: Spread | None) -> Measurement:
    quantile: Quantile | None = None if spread is None else getattr(spread, name)
    bounded = quantile is not None and quantile.low is not None and quantile.high is not None
    few = _UNTOLD if spread is None else "too few requests for its bounds"
    return Measurement(
        metric=f"load.latency.{name}",
        value=quantile.value if quantile is not None and bounded else None,
        low=quantile.low if quantile is not None else None,
        high=quantile.high if quantile is not None else None,
        samples=0 if spread is None else spread.count,
        unit="seconds",
        note="" if bounded else few,
    )


def _growth(series: SeriesInfo | None) -> Measurement:
    course = None if series is None else series.rss
    known = course is not None and course.growth is not None
    return Measurement(
        metric="load.memory_growth",
        value=course.growth if course is not None else None,
        low=course.growth_low if course is not None else None,
        high=course.growth_high if course is not None else None,
        samples=0 if series is None else series.samples,
        unit="bytes",
        note="" if known else "the target's memory was not sampled, or the run is shorter than 12.5 s",
    )
