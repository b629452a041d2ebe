"""The criterion ``timing``: what is reported to have taken so long took so long, and began when it is said to."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ..model.account import Finding, Outcome, State
from ..model.ledger import Place
from ..model.timing import UNMATCHED, Duration, Far, TimingInfo, TimingRow, Timings, Told
from ..model.verdict import Measurement
from ..statistics.quantiles import quantile, quantile_ranks, samples_for_quantile

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
LIMIT = 0.1
"""Seconds from which on a duration or start counts as wrong, unless a gate says otherwise."""
_LEAST_SHARE = 0.05
"""An operation is named as a cause when at least this share of its durations is wrong: a busy machine delays any."""
_PLACE = re.compile(r" \((.+):(\d+)\)$")


def measure(timings: Timings) -> dict[str, Measurement]:
    """All ``timing.*`` metrics, by name."""
    matched = [each for each in timings.durations if each.state is Told.MATCHED]
    expected = sum(each.state not in (Told.UNSAMPLED, Told.OUTSIDE) for each in timings.durations)
    why = "" if matched else _nothing(timings, expected)
    errors = sorted(each.error for each in matched if each.error is not None)
    sizes = sorted(abs(error) for error in errors)
    starts = sorted(abs(each.start_error) for each in matched if each.start_error is not None)
    found = [
        *(_quantile(f"timing.error.{name}", sizes, share, why, least=0.0) for name, share in _SHARES.items()),
        _measured("timing.error.max", sizes[-1] if sizes else None, len(sizes), "seconds", why),
        _quantile("timing.bias", errors, 0.5, why),
        _quantile("timing.start.p99", starts, 0.99, why or _NO_CLOCK, least=0.0),
        _measured("timing.unmatched", _count(timings, UNMATCHED), expected, "count"),
        _missampled(timings),
        _measured("timing.measured", expected, expected, "count"),
    ]
    return {each.metric: each for each in found}


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


def findings(timings: Timings, limits: Mapping[str, float] | None = None) -> tuple[Finding, ...]:
    """What is wrong, by operation and cause. ``limits``: metric to the seconds its gate allows."""
    allowed = limits or {}
    by_operation: dict[str, list[Duration]] = defaultdict(list)
    for each in timings.durations:
        by_operation[each.operation].append(each)
    found: list[Finding] = []
    for operation, durations in sorted(by_operation.items()):
        found += _off(operation, durations, allowed.get("timing.error.p99", LIMIT))
        found += _started_off(operation, durations, allowed.get("timing.start.p99", LIMIT))
        found += _untold(operation, durations)
    return (*found, *_sampled_wrongly(timings))


def _off(operation: str, durations: Sequence[Duration], limit: float) -> Iterator[Finding]:
    matched = [(each, each.error) for each in durations if each.error is not None]
    off = [(each, error) for each, error in matched if abs(error) >= limit]
    if not off or len(off) < _LEAST_SHARE * len(matched):
        return
    error = quantile(sorted(error for _, error in off), 0.5)
    ratio = quantile(sorted((each.reported or 0.0) / (each.true or 1e-9) for each, _ in off), 0.5)
    if _near(ratio, 1000) or _near(ratio * 1000, 1):
        reason, words = "wrong_unit", f"{'1000 times' if ratio > 1 else 'a thousandth of'} what it took"
    else:
        reason = "reported_long" if error > 0 else "reported_short"
        words = f"{abs(error) * 1000:.0f} ms {'more' if error > 0 else 'less'} than it took"
    yield _finding("timing.error.p99", operation, reason, f"{operation} reports {words}", off[0][0], len(off))


def _started_off(operation: str, durations: Sequence[Duration], limit: float) -> Iterator[Finding]:
    known = [(each, each.start_error) for each in durations if each.start_error is not None]
    off = [(each, error) for each, error in known if abs(error) >= limit]
    if not off or len(off) < _LEAST_SHARE * len(known):
        return
    error = quantile(sorted(error for _, error in off), 0.5)
    words = f"{operation} starts {abs(error) * 1000:.0f} ms too {'late' if error > 0 else 'early'}"
    yield _finding("timing.start.p99", operation, "starts_off", words, off[0][0], len(off))


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


_NO_CLOCK = "the true starts are not known: neither load nor harness wrote a journal"


def _quantile(
    metric: str, ordered: Sequence[float], share: float, why: str, least: float | None = None
) -> Measurement:
    """A quantile with the order statistics that bound it. ``least``: no value can be below it."""
    size = len(ordered)
    low, high = quantile_ranks(size, share) if size else (None, None)
    needed = samples_for_quantile(max(share, 1 - share))
    return Measurement(
        metric=metric,
        # Without any bound the sample quantile says nothing that may be judged.
        value=quantile(ordered, share) if size and (low or high or least is not None) else None,
        low=ordered[low - 1] if low else (least if size else None),
        high=ordered[high - 1] if high else None,
        samples=size,
        unit="seconds",
        note=why if not size else "" if high else f"only {size} were matched, {needed} are needed",
    )


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
    bias = _quantile("timing.bias", errors, 0.5, "")
    worst = max(matched, key=lambda each: abs(each.error or 0.0), default=None)
    return TimingRow(
        operation=operation,
        kind=kind,
        mode=mode,
        measured=measured,
        matched=len(matched),
        true=quantile(sorted(each.true for each in matched), 0.5) if matched else None,
        bias=quantile(errors, 0.5) if errors else None,
        bias_low=bias.low,
        bias_high=bias.high,
        p50=quantile(sizes, 0.5) if sizes else None,
        p95=quantile(sizes, 0.95) if sizes else None,
        p99=quantile(sizes, 0.99) if sizes else None,
        max=sizes[-1] if sizes else None,
        start_p99=quantile(starts, 0.99) if starts else None,
        worst=None
        if worst is None or worst.reported is None
        else Far(trace_id=worst.trace_id, true=worst.true, reported=worst.reported),
    )
