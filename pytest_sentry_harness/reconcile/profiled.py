"""Which transactions came with a profile, of those that could have one. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.profiling import ProfilesTold
from ..model.scenario import Profiling
from .attribution import Seen

_LONG = 0.25
"""Seconds in which two samples are taken even on a busy machine: the SDK takes a hundred a second."""


def profiles_told(
    promised: Profiling, transactions: Sequence[Seen], unprofiled: Sequence[Seen], dropped: dict[str, int]
) -> ProfilesTold:
    """How many transactions have a profile, of those that lasted long enough for the two samples it needs.

    A thread takes the samples, and may be late: so many of the shortest as the SDK says it could not profile
    for that reason are no sign of anything, unless they are long by any measure.
    """
    excused = sorted(
        (each for each in unprofiled if each.end - each.start < _LONG), key=lambda each: each.end - each.start
    )[: dropped.get("insufficient_data", 0)]
    without, left_out = set(map(id, unprofiled)), set(map(id, excused))
    counted = [
        each for each in transactions if each.end - each.start >= promised.slow and id(each) not in left_out
    ]
    return ProfilesTold(
        promised=promised.profiles,
        transactions=len(counted),
        profiled=sum(id(each) not in without for each in counted),
        short=len(transactions) - len(counted),
        lost=dropped,
    )
