"""The criterion ``timing``: what is reported to have taken so long took so long, and began when it is said to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from ..model.timing import UNMATCHED, Timings, Told
from ..model.verdict import Measurement
from .timing_bounds import worst_median, worst_quantile
from .timing_findings import findings
from .timing_table import info

__all__ = ["findings", "info", "measure"]

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def measure(timings: Timings) -> dict[str, Measurement]:
    """All ``timing.*`` metrics, by name."""
    errors: dict[str, list[float]] = defaultdict(list)
    starts: dict[str, list[float]] = defaultdict(list)
    for each in timings.durations:
        if each.error is not None:
            errors[each.operation].append(each.error)
        if each.start_error is not None:
            starts[each.operation].append(each.start_error)
    expected = sum(each.state not in (Told.UNSAMPLED, Told.OUTSIDE) for each in timings.durations)
    matched = sum(map(len, errors.values()))
    why = "" if matched else _nothing(timings, expected)
    farthest = max((abs(error) for each in errors.values() for error in each), default=None)
    found = [
        *(worst_quantile(f"timing.error.{name}", errors, share, why) for name, share in _SHARES.items()),
        _measured("timing.error.max", farthest, matched, "seconds", why),
        worst_median("timing.bias", errors, why),
        worst_quantile("timing.start.p99", starts, 0.99, why or _NO_CLOCK),
        _measured("timing.unmatched", _count(timings, UNMATCHED), expected, "count"),
        _missampled(timings),
        _measured("timing.measured", expected, expected, "count"),
    ]
    return {each.metric: each for each in found}


_NO_CLOCK = "the true starts are not known: neither load nor harness wrote a journal"


def _measured(metric: str, value: float | None, samples: int, unit: str, note: str = "") -> Measurement:
    return Measurement(
        metric=metric,
        value=None if value is None else float(value),
        low=None,
        high=None,
        samples=samples,
        unit=unit,
        exact=True,
        note=note if value is None else "",
    )


def _missampled(timings: Timings) -> Measurement:
    wrong = len(timings.oversampled) + len(timings.undersampled)
    return _measured("timing.missampled", wrong, timings.traces, "count")


def _count(timings: Timings, states: Iterable[Told]) -> int:
    wanted = tuple(states)
    return sum(each.state in wanted for each in timings.durations)


def _nothing(timings: Timings, expected: int) -> str:
    """Why nothing can be said about errors: there is no matched duration."""
    if not timings.durations:
        return "no duration was measured: no request reached a marked operation"
    if not expected:
        return f"none of {len(timings.durations)} measured durations should have been reported"
    reasons = Counter(each.reason for each in timings.durations if each.reason)
    often = reasons.most_common(1)[0][0] if reasons else ""
    return f"none of {expected} measured durations was reported: {often.replace('_', ' ')}"
