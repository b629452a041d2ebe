"""How often things fail over time: a series, whether it rises, and where it leaps up.

Times are seconds since the epoch. What is counted are events and transactions that arrived: where the SDK samples
transactions, shares are those of the sample.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..statistics.counts import surprise
from ..statistics.slope import slope
from .requests import Request

Of = Literal["events", "share"]
"""``events`` per minute, or the ``share`` of requests that fail."""
MOST_INTERVALS = 1_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """What was counted from ``begin`` to ``begin + seconds``, the end not included."""

    begin: float
    seconds: float
    events: int = 0
    requests: int = 0
    failed: int = 0

    @property
    def per_minute(self) -> float:
        """Events per minute."""
        return self.events * 60 / self.seconds

    @property
    def share(self) -> float | None:
        """Share of requests that failed; None without requests."""
        return self.failed / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class Trend:
    """How fast a rate changes, with its 95 % bounds."""

    of: Of
    per_hour: float
    """Events per minute, or share, that come on top each hour."""
    low: float
    high: float
    chance: float
    """Of a slope as steep, in either direction, were there none."""
    direction: Literal["rising", "falling", "unclear"]
    """Unclear: the bounds do not exclude that nothing changes."""
    because: str


@dataclass(frozen=True, slots=True)
class Spike:
    """Neighbouring intervals with more than those before let expect."""

    of: Of
    begin: float
    end: float
    count: int
    """Events, or failed requests, in all of its intervals."""
    expected: float
    chance: float
    """Of as many in its most surprising interval, had nothing changed."""
    stays: bool
    """It lasted so long that it is the new level: later intervals are compared with it."""
    because: str


@dataclass(frozen=True, slots=True)
class Spikes:
    """What was found, and how much could be looked at."""

    found: tuple[Spike, ...]
    judged: int
    not_judged: int
    """Intervals with too few before them, or without requests."""
    false_alarm: float
    """Chance of an alarm in one interval if nothing changes."""

    @property
    def expected_false(self) -> float:
        """How many intervals would give an alarm if nothing had changed at all."""
        return self.judged * self.false_alarm


def error_rate(
    events: Iterable[float],
    requests: Iterable[Request] = (),
    *,
    begin: float,
    end: float,
    interval: float = 60.0,
) -> tuple[Interval, ...]:
    """The whole intervals from ``begin`` to ``end``; one that is not over is left out, since it would always seem quiet.

    ``events``: when error events were received, in any order. O(events + requests + intervals). Raises ``ValueError``
    for times or an interval that cannot be, and for more than a million intervals.
    """
    if not (math.isfinite(begin) and math.isfinite(end) and 0 < interval < math.inf):
        raise ValueError(f"no intervals of {interval} s from {begin} to {end}")
    count = max(int((end - begin) / interval + 1e-9), 0)
    if count > MOST_INTERVALS:
        raise ValueError(f"{count} intervals are too many: use a longer one than {interval} s")
    counts, asked, failed = [0] * count, [0] * count, [0] * count
    for at in events:
        if (place := _place(at, begin, interval, count)) is not None:
            counts[place] += 1
    for request in requests:
        if (place := _place(request.at, begin, interval, count)) is not None:
            asked[place] += 1
            failed[place] += request.failed
    return tuple(
        Interval(begin + number * interval, interval, *three)
        for number, three in enumerate(zip(counts, asked, failed, strict=True))
    )


def trend(series: Sequence[Interval], of: Of = "events") -> Trend | None:
    """Whether the rate rises; None with fewer than 16 intervals that say something.

    Neighbouring intervals are alike, so the bounds come from the means of eight stretches (``statistics.slope``). That a
    trend is linear is an assumption: a leap gives one, too.
    """
    points = [(each.begin + each.seconds / 2, _value(each, of)) for each in series]
    known = [(at / 3600, value) for at, value in points if value is not None]
    found = slope([at for at, _ in known], [value for _, value in known])
    if found is None:
        return None
    direction: Literal["rising", "falling", "unclear"] = "unclear"
    if found.low > 0:
        direction = "rising"
    elif found.high < 0:
        direction = "falling"
    unit = "events a minute" if of == "events" else "percentage points"
    scale = 1.0 if of == "events" else 100.0
    because = (
        f"{direction}: {found.value * scale:+.3g} {unit} each hour, "
        f"95 % bounds {found.low * scale:+.3g} to {found.high * scale:+.3g}, over {len(known)} intervals"
    )
    return Trend(of, found.value, found.low, found.high, found.chance, direction, because)


def spikes(
    series: Sequence[Interval],
    of: Of = "events",
    *,
    baseline: int = 60,
    fewest: int = 20,
    false_alarm: float = 1e-4,
) -> Spikes:
    """Where the rate leaps above the ``baseline`` intervals before.

    Each interval is held against the earlier ones by ``statistics.counts.surprise``, which knows that errors come in clusters; of
    ``share``, the number of failed requests is held against those of the requests there were. ``false_alarm`` is the chance of an alarm
    in an interval in which nothing has changed: 1e-4 is one alarm a week with intervals of a minute. ``benchmarks/spike_alarms.py`` measures
    the true chance: with 60 intervals before, less than stated for independent events, 1 to 2 times for clusters, 4 times for
    rare clusters of ten, of which an hour holds too few; with 20 intervals 2 to 3 and 9 times. It assumes that intervals are alike but for chance: a load that follows the time of day needs ``share``.

    Intervals that gave an alarm do not become part of the baseline, lest a second spike hide behind the first; a spike that
    has lasted for half a baseline becomes the new one. O(intervals x baseline). Raises ``ValueError`` for settings that cannot be.
    """
    if not (3 <= fewest <= baseline and 0 < false_alarm < 1):
        raise ValueError(f"baseline {baseline}, fewest {fewest}, false alarm {false_alarm}")
    before: deque[tuple[int, float]] = deque(maxlen=baseline)
    run: list[_Alarm] = []
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
        if chance < false_alarm:
            run.append(_Alarm(each, count, size, expected, chance))
            if len(run) >= max(fewest, baseline // 2):
                found.append(_spike(of, run, stays=True))
                before.clear()
                before.extend((alarm.count, alarm.size) for alarm in run)
                run = []
            continue
        if run:
            found.append(_spike(of, run, stays=False))
            run = []
        before.append((count, size))
    if run:
        found.append(_spike(of, run, stays=False))
    return Spikes(tuple(found), judged, len(series) - judged, false_alarm)


@dataclass(frozen=True, slots=True)
class _Alarm:
    interval: Interval
    count: int
    size: float
    expected: float
    chance: float


def _judge(count: int, size: float, before: Sequence[tuple[int, float]]) -> tuple[float, float]:
    counts, sizes = [pair[0] for pair in before], [pair[1] for pair in before]
    mean = (sum(counts) + 0.5) / math.fsum(sizes) * size
    # Not more than expected: no alarm whatever the dispersion, and the costly part is saved.
    return surprise(count, counts, sizes, size) if count > mean else (mean, 1.0)


def _spike(of: Of, run: Sequence[_Alarm], *, stays: bool) -> Spike:
    peak = min(run, key=lambda alarm: alarm.chance)
    count, expected = sum(alarm.count for alarm in run), math.fsum(alarm.expected for alarm in run)
    what = "events" if of == "events" else f"of {sum(round(alarm.size) for alarm in run)} requests failed"
    because = (
        f"{count} {what} in {len(run)} {'interval' if len(run) == 1 else 'intervals'}, {expected:.3g} expected; in the most "
        f"surprising {peak.count} instead of {peak.expected:.3g}, chance {peak.chance:.1g}"
        + ("; it stays, and is the level that later ones are compared with" if stays else "")
    )
    last = run[-1].interval
    return Spike(
        of, run[0].interval.begin, last.begin + last.seconds, count, expected, peak.chance, stays, because
    )


def _value(each: Interval, of: Of) -> float | None:
    return each.per_minute if of == "events" else each.share


def _place(at: float, begin: float, interval: float, count: int) -> int | None:
    # Not a number compares false and is left out.
    if not begin <= at < begin + count * interval:
        return None
    return min(int((at - begin) / interval), count - 1)
