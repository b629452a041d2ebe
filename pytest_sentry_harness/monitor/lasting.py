"""Spikes that last: neighbouring intervals that say little each, and much together.

A minute with ten errors after an hour without any may be one cluster, and clusters happen. Ten minutes in a row with one each are not
clusters. ``rates.spikes`` looks at each interval by itself, which suits years of minutes; in a run of a few dozen intervals nothing
would ever be sure.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..statistics.counts import surprise
from .rates import Interval, Of, Spike, Spikes

_STARTS = 0.02
_GOES_ON = 0.05
"""Chance below which an interval begins a stretch, or belongs to it."""
_MOST_PRODUCT = 12
"""Further intervals of a stretch make it no surer."""


@dataclass(frozen=True, slots=True)
class _Seen:
    interval: Interval
    count: int
    size: float
    expected: float


@dataclass(slots=True)
class _Stretch:
    """Neighbouring intervals with more than expected."""

    seen: list[_Seen] = field(default_factory=list)
    quiet: list[_Seen] = field(default_factory=list)
    """The one after it that is not: at most one may be within."""
    product: float = 1.0
    """Of the chances of its intervals."""

    @property
    def chance(self) -> float:
        """Of a product as small, were each chance as good as any other (Fisher, Statistical Methods for Research Workers, 1932)."""
        terms, log = 1.0, -math.log(max(self.product, 1e-300))
        total = 1.0
        for number in range(1, min(len(self.seen), _MOST_PRODUCT)):
            terms *= log / number
            total += terms
        return min(self.product * total, 1.0)


def lasting_spikes(
    series: Sequence[Interval],
    of: Of = "events",
    *,
    baseline: int = 60,
    fewest: int = 10,
    false_alarm: float = 1e-4,
) -> Spikes:
    """Where the rate is above that of the ``baseline`` intervals before, for one interval or several.

    The chances of the intervals of a stretch, each given those before, the stretch's own included (``statistics.counts.surprise``), are
    combined by Fisher's method: once the first interval has shown that errors come in clusters, or more often than was seen before,
    the next ones being like it surprise less. ``false_alarm`` is the chance of an alarm that begins at an interval if nothing changes;
    ``benchmarks/spike_alarms.py --lasting`` measures the true one: less than stated for independent events, about 2 times for
    clusters of three, 3 to 11 times for clusters of ten and more. One quiet interval within is tolerated. O(intervals x baseline).
    Raises ``ValueError`` for settings that cannot be.
    """
    if not (3 <= fewest <= baseline and 0 < false_alarm < 1):
        raise ValueError(f"baseline {baseline}, fewest {fewest}, false alarm {false_alarm}")
    before: deque[tuple[int, float]] = deque(maxlen=baseline)
    stretch = _Stretch()
    found: list[Spike] = []
    judged = 0
    for each in series:
        count, size = (each.events, each.seconds) if of == "events" else (each.failed, float(each.requests))
        if size <= 0:
            continue
        if len(before) < fewest:
            before.append((count, size))
            continue
        judged += 1
        expected, chance = _judge(count, size, before)
        now = _Seen(each, count, size, expected)
        if chance < (_GOES_ON if stretch.seen else _STARTS):
            _extend(stretch, now, chance, before)
            if stretch.chance < false_alarm and len(stretch.seen) >= max(fewest, baseline // 2):
                found.append(_spike(of, stretch, stays=True))
                before.clear()
                before.extend((seen.count, seen.size) for seen in stretch.seen)
                stretch = _Stretch()
        elif stretch.seen and not stretch.quiet:
            stretch.quiet.append(now)
        else:
            stretch = _closed(of, stretch, before, found, false_alarm)
            before.append((count, size))
    _closed(of, stretch, before, found, false_alarm)
    return Spikes(tuple(found), judged, len(series) - judged, false_alarm)


def _extend(stretch: _Stretch, now: _Seen, chance: float, before: Sequence[tuple[int, float]]) -> None:
    if stretch.seen and len(stretch.seen) < _MOST_PRODUCT:
        own = [(seen.count, seen.size) for seen in (*stretch.seen, *stretch.quiet)]
        chance = _judge(now.count, now.size, [*before, *own])[1]
    if len(stretch.seen) < _MOST_PRODUCT:
        stretch.product *= chance
    stretch.seen += [*stretch.quiet, now]
    stretch.quiet.clear()


def _closed(
    of: Of, stretch: _Stretch, before: deque[tuple[int, float]], found: list[Spike], false_alarm: float
) -> _Stretch:
    """The stretch is over: a spike, or part of what is usual."""
    if stretch.seen and stretch.chance < false_alarm:
        found.append(_spike(of, stretch, stays=False))
    else:
        before.extend((seen.count, seen.size) for seen in stretch.seen)
    before.extend((seen.count, seen.size) for seen in stretch.quiet)
    return _Stretch()


def _judge(count: int, size: float, before: Sequence[tuple[int, float]]) -> tuple[float, float]:
    counts, sizes = [pair[0] for pair in before], [pair[1] for pair in before]
    mean = (sum(counts) + 0.5) / sum(sizes) * size
    # Not more than expected: no alarm whatever the dispersion, and the costly part is saved.
    return surprise(count, counts, sizes, size) if count > mean else (mean, 1.0)


def _spike(of: Of, stretch: _Stretch, *, stays: bool) -> Spike:
    seen = stretch.seen
    count, expected = sum(each.count for each in seen), sum(each.expected for each in seen)
    what = "events" if of == "events" else f"of {sum(round(each.size) for each in seen)} requests failed"
    because = (
        f"{count} {what} in {len(seen)} {'interval' if len(seen) == 1 else 'intervals'}, {expected:.3g} expected; chance "
        f"of all of them together {stretch.chance:.1g}"
        + ("; it stays, and is the level that later ones are compared with" if stays else "")
    )
    first, last = seen[0].interval, seen[-1].interval
    return Spike(of, first.begin, last.begin + last.seconds, count, expected, stretch.chance, stays, because)
