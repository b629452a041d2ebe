"""Times counted in buckets whose width grows with the time: a million of them in a few hundred numbers.

Bucket ``n`` holds what is above 1.01**(n-1) and up to 1.01**n seconds; its value is given as the one from which both
ends are equally far, relatively: half a percent. Buckets of several processes are simply added. (Masson, Rim and Lee,
DDSketch, Proceedings of the VLDB Endowment 12, 2019.)
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

_GROWTH = 1.01
_SCALE = 1 / math.log(_GROWTH)
_LEAST = 1e-6
"""A microsecond; what is shorter counts as that."""


def bucket_of(seconds: float) -> int:
    """The bucket that ``seconds`` falls into."""
    return math.ceil(math.log(seconds if seconds > _LEAST else _LEAST) * _SCALE)


def seconds_in(bucket: int) -> float:
    """The value that stands for all times in ``bucket``."""
    return float(2 * _GROWTH**bucket / (_GROWTH + 1))


class Histogram:
    """Counts by bucket, and the longest time."""

    __slots__ = ("buckets", "longest")

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one time."""
        self.buckets[bucket_of(seconds)] += 1
        if seconds > self.longest:
            self.longest = seconds

    def merge(self, buckets: Mapping[int, int], longest: float = 0.0) -> None:
        """Add what another one counted."""
        self.buckets.update(buckets)
        self.longest = max(self.longest, longest)

    @property
    def count(self) -> int:
        """How many times were counted."""
        return self.buckets.total()

    def at_rank(self, rank: int) -> float:
        """The time of that rank: 1 is the shortest, ``count`` the longest. Nearest, for ranks beyond."""
        left = min(max(rank, 1), self.count)
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                return min(seconds_in(bucket), self.longest or math.inf)
        return self.longest

    def taken(self) -> dict[int, int]:
        """The buckets, which are empty afterwards; the longest time is forgotten too."""
        buckets, self.buckets, self.longest = dict(self.buckets), Counter(), 0.0
        return buckets
