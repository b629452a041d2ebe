"""Stretches of time that belong to somebody alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Interval = tuple[float, float]
"""Begin and end, epoch seconds."""


def without(whole: Interval, taken: Iterable[Interval]) -> tuple[Interval, ...]:
    """What is left of ``whole`` when everything ``taken`` is cut out, in order."""
    begin, end = whole
    left: list[Interval] = []
    for start, stop in sorted(taken):
        if stop <= begin:
            continue
        if start >= end:
            break
        if start > begin:
            left.append((begin, start))
        begin = max(begin, stop)
    if begin < end:
        left.append((begin, end))
    return tuple(left)


def length(intervals: Iterable[Interval]) -> float:
    """Seconds of ``intervals`` that do not overlap."""
    return sum(end - begin for begin, end in intervals)


def shared(one: Sequence[Interval], other: Sequence[Interval]) -> float:
    """Seconds that both have; each is in order and without overlaps."""
    total, left, right = 0.0, 0, 0
    while left < len(one) and right < len(other):
        begin = max(one[left][0], other[right][0])
        end = min(one[left][1], other[right][1])
        total += max(0.0, end - begin)
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return total
