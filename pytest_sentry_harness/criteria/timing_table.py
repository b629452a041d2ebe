"""The account of measured durations, and a row for each operation and each kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from ..model.timing import UNMATCHED, Duration, Far, TimingInfo, TimingRow, Timings, Told
from ..statistics.quantiles import quantile
from .timing_bounds import median_bounds


def info(timings: Timings) -> TimingInfo:
    """The account and the tables of a report."""
    states = Counter(each.state for each in timings.durations)
    reasons = Counter(
        f"{each.operation}: {each.reason}"
        for each in timings.durations
        if each.state in (*UNMATCHED, Told.MISSAMPLED)
    )
    return TimingInfo(
        measured=len(timings.durations),
        states={str(state): states[state] for state in Told},
        reasons=dict(sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0]))),
        closes=len(timings.durations) == sum(states[state] for state in Told),
        rate=timings.rate,
        oversampled=len(timings.oversampled),
        undersampled=len(timings.undersampled),
        operations=tuple(_rows(timings.durations, lambda each: each.operation)),
        kinds=tuple(_rows(timings.durations, lambda each: "")),
        notes=timings.notes,
    )


def _rows(durations: Iterable[Duration], name: Callable[[Duration], str]) -> Iterator[TimingRow]:
    """One row for each operation (or kind) and span mode; what was not matched is with the mode that was."""
    groups: dict[tuple[str, str], dict[str, list[Duration]]] = defaultdict(lambda: defaultdict(list))
    for each in durations:
        groups[name(each), each.kind][each.mode].append(each)
    for (operation, kind), modes in sorted(groups.items()):
        untold = modes.pop("", [])
        for mode, members in sorted(modes.items()) or [("", [])]:
            yield _row(operation, kind, mode, members, len(members) + len(untold))
            untold = []


def _row(operation: str, kind: str, mode: str, matched: Sequence[Duration], measured: int) -> TimingRow:
    errors = sorted(each.error for each in matched if each.error is not None)
    sizes = sorted(map(abs, errors))
    starts = sorted(abs(each.start_error) for each in matched if each.start_error is not None)
    bias_low, bias_high = median_bounds(errors)
    worst = max(matched, key=lambda each: abs(each.error or 0.0), default=None)
    return TimingRow(
        operation=operation,
        kind=kind,
        mode=mode,
        measured=measured,
        matched=len(matched),
        true=quantile(sorted(each.true for each in matched), 0.5) if matched else None,
        bias=quantile(errors, 0.5) if errors else None,
        bias_low=bias_low,
        bias_high=bias_high,
        p50=quantile(sizes, 0.5) if sizes else None,
        p95=quantile(sizes, 0.95) if sizes else None,
        p99=quantile(sizes, 0.99) if sizes else None,
        max=sizes[-1] if sizes else None,
        start_p99=quantile(starts, 0.99) if starts else None,
        worst=None
        if worst is None or worst.reported is None
        else Far(trace_id=worst.trace_id, true=worst.true, reported=worst.reported),
    )
