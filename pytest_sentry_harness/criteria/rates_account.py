"""How often things failed over a run: the series, its trend, its spikes, and what made them up."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from ..model.analysis import Of, RateRow, RatesInfo, SpikeTold, TrendTold
from ..monitor.lasting import lasting_spikes
from ..monitor.rates import Interval, Spike, error_rate, trend
from ..monitor.requests import Request

_STEPS = (1, 1.5, 2, 3, 4, 5, 7.5)
_SHORTEST = 0.05
_LENGTHS = (
    _SHORTEST,
    0.075,
    *(step * scale for scale in (0.1, 1) for step in _STEPS),
    *(step * scale for scale in (10, 60, 600) for step in (1, 1.5, 2, 3, 4, 5)),
    *(step * 3600.0 for step in (1, 1.5, 2, 3, 4, 6, 12, 24)),
)
_INTERVALS = 60
"""At most so many, and seldom fewer than forty: each should hold some requests."""
_FEWEST = 8
"""Before an interval is judged."""
_MOST_SPIKES = 10
_MOST_CULPRITS = 3


class Failure(NamedTuple):
    """One error event."""

    at: float
    """Seconds since the epoch."""
    issue: int
    category: str


def interval_for(seconds: float) -> float:
    """The length of intervals for a run of ``seconds``: a round number that gives forty to sixty of them."""
    wanted = seconds / _INTERVALS
    for length in _LENGTHS:
        if length >= wanted:
            return float(length)
    return _LENGTHS[-1] * float(math.ceil(wanted / _LENGTHS[-1]))


def rates_of(
    failures: Sequence[Failure],
    transactions: Sequence[Request],
    sent: Sequence[Request] | None,
    titles: Mapping[int, str],
) -> RatesInfo | None:
    """The rates over time; None when nothing is there to be counted. ``titles``: of issues, by number. O(n log n)."""
    times = [each.at for each in failures] + [each.at for each in (*transactions, *(sent or ()))]
    times = [at for at in times if math.isfinite(at)]
    if not times:
        return None
    begin, end = min(times), max(times)
    interval = interval_for(end - begin)
    # One that is not over is left out; so that the last request is in one, there is one more.
    end = begin + (math.floor((end - begin) / interval) + 1) * interval
    told = error_rate((each.at for each in failures), transactions, begin=begin, end=end, interval=interval)
    asked = error_rate((), sent or (), begin=begin, end=end, interval=interval)
    ordered = sorted(failures)
    found: list[tuple[Of, Spike]] = []
    trends, not_judged, false_alarm = [], 0, 0.0
    for of, series, what in _rates(told, asked):
        if not _something(series, what):
            continue
        spiked = lasting_spikes(series, what, baseline=_INTERVALS, fewest=_FEWEST)
        found += [(of, each) for each in spiked.found]
        not_judged, false_alarm = max(not_judged, min(len(series), _FEWEST)), spiked.false_alarm
        # The last one ended before its time.
        if (rising := trend(series[:-1], what)) is not None:
            trends.append(
                TrendTold(
                    of=of,
                    per_minute=rising.per_hour / 60,
                    low=rising.low / 60,
                    high=rising.high / 60,
                    chance=rising.chance,
                    direction="none" if rising.direction == "unclear" else rising.direction,
                )
            )
    found.sort(key=lambda pair: pair[1].chance)
    return RatesInfo(
        begin=begin,
        interval=interval,
        errors=len(failures),
        transactions=len(transactions),
        transactions_failed=sum(each.failed for each in transactions),
        requests=None if sent is None else len(sent),
        requests_failed=None if sent is None else sum(each.failed for each in sent),
        series=tuple(_rows(told, asked, begin)),
        trends=tuple(trends),
        spikes=tuple(_told(of, each, begin, ordered, titles) for of, each in found[:_MOST_SPIKES]),
        spikes_left_out=max(len(found) - _MOST_SPIKES, 0),
        not_judged=not_judged,
        false_alarm=false_alarm,
    )


_What = Literal["events", "share"]


def _rates(
    told: Sequence[Interval], asked: Sequence[Interval]
) -> tuple[tuple[Of, Sequence[Interval], _What], ...]:
    return (("errors", told, "events"), ("transactions", told, "share"), ("requests", asked, "share"))


def _something(series: Sequence[Interval], what: _What) -> bool:
    return any(each.events if what == "events" else each.failed for each in series)


def _rows(told: Sequence[Interval], asked: Sequence[Interval], begin: float) -> Iterable[RateRow]:
    for here, there in zip(told, asked, strict=True):
        yield RateRow(
            at=round(here.begin - begin, 6),
            errors=here.events,
            transactions=here.requests,
            transactions_failed=here.failed,
            requests=there.requests,
            requests_failed=there.failed,
        )


def _told(
    of: Of, spike: Spike, begin: float, failures: Sequence[Failure], titles: Mapping[int, str]
) -> SpikeTold:
    first, last = (bisect_left(failures, (at,)) for at in (spike.begin, spike.end))
    within = failures[first:last]
    return SpikeTold(
        of=of,
        begin=round(spike.begin - begin, 6),
        end=round(spike.end - begin, 6),
        count=spike.count,
        expected=spike.expected,
        chance=spike.chance,
        stays=spike.stays,
        because=spike.because,
        issues=_most(f"issue {each.issue}, {titles.get(each.issue, '')}" for each in within),
        categories=_most(each.category for each in within),
    )


def _most(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_CULPRITS])
