"""What is wrong with what was told of time, by operation and cause."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..model.account import Finding, Outcome, State
from ..model.ledger import Place
from ..model.timing import UNMATCHED, Duration, Timings, Told
from ..statistics.quantiles import quantile, quantile_ranks
from .timing_bounds import each_of

LIMIT = 0.1
"""Seconds from which on a duration or start counts as wrong, unless a gate says otherwise."""
_LEAST_SHARE = 0.05
"""An operation is named as a cause when at least this share of its durations is wrong: a busy machine delays any."""
_PLACE = re.compile(r" \((.+):(\d+)\)$")


def findings(timings: Timings, limits: Mapping[str, float] | None = None) -> tuple[Finding, ...]:
    """What is wrong, by operation and cause. ``limits``: metric to the seconds its gate allows."""
    allowed = limits or {}
    by_operation: dict[str, list[Duration]] = defaultdict(list)
    for each in timings.durations:
        by_operation[each.operation].append(each)
    several = len({each.operation for each in timings.durations if each.error is not None})
    found: list[Finding] = []
    for operation, durations in sorted(by_operation.items()):
        far = [*_off(operation, durations, allowed.get("timing.error.p99", LIMIT), several)]
        found += far or _biased(operation, durations, allowed.get("timing.bias", math.inf))
        found += _started_off(operation, durations, allowed.get("timing.start.p99", LIMIT), several)
        found += _untold(operation, durations)
    return (*found, *_sampled_wrongly(timings))


def _off(operation: str, durations: Sequence[Duration], limit: float, operations: int) -> Iterator[Finding]:
    matched = [(each, each.error) for each in durations if each.error is not None]
    off = [(each, error) for each, error in matched if abs(error) >= limit]
    if not _many(len(off), len(matched), operations):
        return
    ratio = quantile(sorted((each.reported or 0.0) / (each.true or 1e-9) for each, _ in off), 0.5)
    if _near(ratio, 1000) or _near(ratio * 1000, 1):
        reason = "wrong_unit"
        words = f"{'1000 times' if ratio > 1 else 'a thousandth of'} what it took"
    else:
        error = _median_of(off)
        reason, words = _direction(error), f"{_by(error)} than it took"
    words += f" in {len(off)} of {len(matched)} calls"
    if len(off) < len(matched):  # those that are farthest off say too much of the others, or too little
        words += f", and {_by(_median_of(matched))} in the median of all"
    yield _finding("timing.error.p99", operation, reason, f"{operation} reports {words}", off[0][0], len(off))


def _biased(operation: str, durations: Sequence[Duration], limit: float) -> Iterator[Finding]:
    """Most calls are off, each by less than would be wrong for one of them."""
    matched = [(each, each.error) for each in durations if each.error is not None]
    if not matched or abs(error := _median_of(matched)) < limit:
        return
    words = f"{operation} reports {_by(error)} than it took in the median of {len(matched)} calls"
    yield _finding("timing.bias", operation, _direction(error), words, matched[0][0], len(matched))


def _started_off(
    operation: str, durations: Sequence[Duration], limit: float, operations: int
) -> Iterator[Finding]:
    known = [(each, each.start_error) for each in durations if each.start_error is not None]
    off = [(each, error) for each, error in known if abs(error) >= limit]
    if not _many(len(off), len(known), operations):
        return
    error = _median_of(off)
    words = f"{operation} starts {abs(error) * 1000:.0f} ms too {'late' if error > 0 else 'early'}"
    yield _finding("timing.start.p99", operation, "starts_off", words, off[0][0], len(off))


def _many(off: int, calls: int, operations: int) -> bool:
    """Whether so many of the calls are off that it is no chance: a share of them, or so many that the gate fails."""
    if not off:
        return False
    surely, _ = quantile_ranks(calls, 0.99, each_of(operations))
    return off >= _LEAST_SHARE * calls or off > calls - (surely or 0)


def _median_of(errors: Sequence[tuple[Duration, float]]) -> float:
    return quantile(sorted(error for _, error in errors), 0.5)


def _direction(error: float) -> str:
    return "reported_long" if error > 0 else "reported_short"


def _by(error: float) -> str:
    return f"{abs(error) * 1000:.0f} ms {'more' if error > 0 else 'less'}"


def _untold(operation: str, durations: Iterable[Duration]) -> Iterator[Finding]:
    groups: dict[tuple[Told, str], list[Duration]] = defaultdict(list)
    for each in durations:
        if each.state in UNMATCHED:
            groups[each.state, each.reason].append(each)
    for (state, reason), members in groups.items():
        words = f"{operation}: {state.replace('_', ' ')}"
        yield _finding("timing.unmatched", operation, reason, words, members[0], len(members))


def _sampled_wrongly(timings: Timings) -> Iterator[Finding]:
    place = _PLACE.search(timings.sampler)
    sampler = f"traces_sampler={timings.sampler[: place.start()] if place else timings.sampler}; "
    for traces, words in ((timings.oversampled, "not below"), (timings.undersampled, "below")):
        if traces:
            what = "sampled" if words == "not below" else "left out"
            text = f"{what} although sample_rand is {words} {timings.rate:g}"
            yield Finding(
                metric="timing.missampled",
                fault="",
                reason="sampled_against_rand",
                source="sdk",
                culprit=(sampler if timings.sampler else "") + text,
                place=Place(file=place[1], line=int(place[2])) if place else None,
                count=len(traces),
                example=_example("", traces[0]),
            )


def _finding(metric: str, operation: str, reason: str, words: str, example: Duration, count: int) -> Finding:
    return Finding(
        metric=metric,
        fault=operation,
        reason=reason,
        source="timing",
        culprit=words,
        place=None,
        count=count,
        example=_example(operation, example.trace_id),
    )


def _example(operation: str, trace_id: str | None) -> Outcome:
    """One to look at: no fault, a trace."""
    return Outcome(fault_id="", fault=operation, state=State.CAPTURED, trace_id=trace_id)


def _near(ratio: float, wanted: float) -> bool:
    return 0.9 * wanted <= ratio <= 1.1 * wanted
