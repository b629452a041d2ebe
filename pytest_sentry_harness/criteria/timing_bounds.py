"""How far off the operations are, with bounds: the promise is made for each of them, so the worst one is judged.

An operation is called less often than all of them together, and 1 % of its calls may be none at all. What is asked of
each and what is asked of all together is therefore not the same; ``docs/explanation/timing.md`` says how and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..model.verdict import Measurement
from ..statistics.quantiles import quantile, quantile_ranks, samples_for_quantile

_PROVEN = 0.95
"""The greatest share of its own calls that an operation has to prove right: the rest is proven for all together."""
_CONFIDENCE = 0.95
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Bounded:
    """A quantile of absolute values, and what bounds it."""

    value: float
    low: float
    """0 where nothing bounds it: no absolute value is less."""
    high: float | None
    """None: there are too few values for one."""


def each_of(operations: int) -> float:
    """The confidence by which each of so many has to be wrong, for all of them together to be held against 95 %.

    This is Bonferroni's: without it, of twenty operations one would be found wrong by chance.
    """
    return 1 - (1 - _CONFIDENCE) / max(operations, 1)


def worst_quantile(metric: str, groups: Mapping[str, Sequence[float]], share: float, why: str) -> Measurement:
    """A quantile of absolute errors, of the operation where it is greatest. ``groups``: the errors of each, signed or not.

    It is at least so great as one of the operations shows by its own calls. It is at most so great as all calls together
    show, and as each operation shows of 95 % of its calls. ``why``: there are no errors.
    """
    sizes = {name: sorted(map(abs, errors)) for name, errors in groups.items() if errors}
    everything = sorted(size for each in sizes.values() for size in each)
    if not everything:
        return _measurement(metric, {}, 0, why)
    provable = min(share, _PROVEN)
    found = {"": _bounded(everything, share, share, _CONFIDENCE)}
    for name, ordered in sizes.items():
        found[name] = _bounded(ordered, share, provable, each_of(len(sizes)))
    few = [_few("", len(everything), share)] if found[""].high is None else []
    if len(sizes) > 1:
        few += [_few(name, len(sizes[name]), provable) for name in sizes if found[name].high is None]
    return _measurement(metric, found, len(everything), "; ".join(few[:_MOST_NAMED]))


def worst_median(metric: str, groups: Mapping[str, Sequence[float]], why: str) -> Measurement:
    """The median of signed errors of the operation where it is farthest from 0, without its sign."""
    ordered = {name: sorted(errors) for name, errors in groups.items() if errors}
    found = {name: _median(errors, each_of(len(ordered))) for name, errors in ordered.items()}
    several = len(ordered) > 1
    few = [
        _few(name if several else "", len(ordered[name]), 0.5) for name in ordered if found[name].high is None
    ]
    samples = sum(map(len, ordered.values()))
    return _measurement(metric, found, samples, "; ".join(few[:_MOST_NAMED]) if ordered else why)


def median_bounds(
    ordered: Sequence[float], confidence: float = _CONFIDENCE
) -> tuple[float | None, float | None]:
    """What bounds the median of ``ordered`` values, with their signs; None where there are too few."""
    low, high = quantile_ranks(len(ordered), 0.5, confidence) if ordered else (None, None)
    return ordered[low - 1] if low else None, ordered[high - 1] if high else None


def _bounded(ordered: Sequence[float], share: float, provable: float, confidence: float) -> Bounded:
    low_rank, _ = quantile_ranks(len(ordered), share, confidence)
    _, high_rank = quantile_ranks(len(ordered), provable)
    low = ordered[low_rank - 1] if low_rank else 0.0
    high = max(ordered[high_rank - 1], low) if high_rank else None
    return Bounded(quantile(ordered, share), low, high)


def _median(ordered: Sequence[float], confidence: float) -> Bounded:
    """Between bounds of either sign lies 0."""
    value = abs(quantile(ordered, 0.5))
    sure, surely = median_bounds(ordered, confidence)
    low = 0.0
    if sure is not None and surely is not None and (sure > 0 or surely < 0):
        low = min(abs(sure), abs(surely))
    begin, end = median_bounds(ordered)
    return Bounded(value, low, None if begin is None or end is None else max(abs(begin), abs(end)))


def _measurement(metric: str, found: Mapping[str, Bounded], samples: int, note: str) -> Measurement:
    """The worst of what was ``found``: by operation, and "" for all of them together."""
    if not found:
        return Measurement(
            metric=metric, value=None, low=None, high=None, samples=0, unit="seconds", note=note
        )
    highs = [each.high for each in found.values()]
    high = None if None in highs else max(each for each in highs if each is not None)
    value = max(each.value for each in found.values())
    return Measurement(
        metric=metric,
        # Few calls have a great 99 % quantile when one of them was held up, which is no more than their bound says.
        value=value if high is None else min(value, high),
        low=max(each.low for each in found.values()),
        high=high,
        samples=samples,
        unit="seconds",
        note=note or _worst(found),
    )


def _worst(found: Mapping[str, Bounded]) -> str:
    """Which operation it is that has the greatest bound; nothing where it is the only one."""
    named = {name: each for name, each in found.items() if name}
    name = max(named, key=lambda each: (named[each].high or 0.0, named[each].value))
    return f"the worst operation is {name!r}" if len(named) > 1 else ""


def _few(name: str, size: int, share: float) -> str:
    needed = samples_for_quantile(max(share, 1 - share))
    if not name:
        return f"only {size} were matched, {needed} are needed"
    return (
        f"operation {name!r}: only {size} were matched, {needed} are needed; send more requests that reach it"
    )
