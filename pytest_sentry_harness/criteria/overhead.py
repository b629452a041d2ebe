"""The criterion overhead: what Sentry costs the requests of a service, from launches with and without it.

Cost of one kind of request in one launch: ``log(with / without)`` of CPU time for a request, of the median and the 99 %
quantile of the time to an answer, and of the mean of it. Over the launches: ``statistics.sequential``. What is gated is
the dearest kind of request: its lower bound is taken at a level that the kinds share, so that more kinds do not
make a false *fail* likelier.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

from ..model.overhead import (
    WITH,
    WITHOUT,
    ArmAccount,
    ArmSample,
    Baseline,
    Cost,
    KindSample,
    Launch,
    OverheadEvidence,
    OverheadInfo,
)
from ..model.verdict import Measurement
from ..statistics.fixed import student_change
from ..statistics.sequential import FEWEST, Estimate, change_interval, largest, mean_interval

INSTRUCTIONS = "overhead.instructions"
"""The only metric of a run that counts; its number of launches is fixed beforehand."""
_OF: dict[str, Callable[[KindSample], float | None]] = {
    "overhead.cpu": lambda sample: sample.cpu,
    "overhead.latency.p50": lambda sample: sample.p50,
    "overhead.latency.p99": lambda sample: sample.p99,
    "overhead.throughput": lambda sample: sample.mean,
    INSTRUCTIONS: lambda sample: sample.instructions,
}
"""What each metric compares."""
_MOST_ITEMS = 5


def measure(evidence: OverheadEvidence) -> dict[str, Measurement]:
    """All metrics, of the arm with Sentry against the one without. Pure."""
    launches = evidence.launches
    measured = {
        metric: _worst(metric, launches)
        for metric in _OF
        if (metric == INSTRUCTIONS) is bool(evidence.counter)
    }
    if not evidence.counter:
        measured["overhead.memory"] = _memory(launches)
    lost = sum(launch.arm(WITH).lost for launch in launches)
    refused = sum(launch.arm(WITH).turned_away for launch in launches)
    measured["overhead.dropped"] = Measurement(
        metric="overhead.dropped",
        value=lost if launches else None,
        low=None,
        high=None,
        samples=sum(launch.arm(WITH).sent for launch in launches),
        unit="count",
        exact=True,
        note=(f"the server refused {refused}" if refused else "") if launches else _too_few(0),
    )
    return measured


def trouble_in(evidence: OverheadEvidence) -> list[str]:
    """Why the comparison is none: Sentry where it should not be, or not where it should. One sentence for each reason."""
    found: dict[str, None] = {}
    if not evidence.verified:
        return []
    for launch in evidence.launches:
        without, with_ = launch.arm(WITHOUT), launch.arm(WITH)
        for arm in launch.arms:
            for host in arm.cut_off:
                found[
                    f"the SDK in arm {arm.arm!r} wanted to send to {host!r}, which this run may not: point it at {{dsn}}"
                ] = None
        if without.sent or without.turned_away or without.active or without.initialised:
            found[
                f"Sentry is in both arms: the arm 'without' {_presence(without)} (launch {launch.number}); write [overhead] "
                'without = "agent", or let it set a variable that keeps the program from calling sentry_sdk.init'
            ] = None
        elif not with_.sent and not with_.turned_away:
            why = _absence(with_)
            found[
                f"no Sentry in either arm: the arm 'with' sent nothing (launch {launch.number}; {why}); see that [target] "
                "env hands the DSN over, and add an [[overhead.request]] with raises = true if nothing else is sent"
            ] = None
    return list(found)


def _presence(arm: ArmSample) -> str:
    """How it shows that there is Sentry in ``arm``."""
    if arm.sent or arm.turned_away:
        return f"sent {_items(arm)}"
    if arm.active:
        return "sent nothing, and yet its SDK has somewhere to send to"
    return (
        "sent nothing, and yet its SDK was initialised: without a DSN, too, it patches every framework and works for "
        "every request"
    )


def _absence(arm: ArmSample) -> str:
    """Why nothing may have come from ``arm``."""
    if arm.active:
        return "its SDK is set up"
    return "its SDK was initialised without a DSN" if arm.initialised else "its SDK was never initialised"


def doubts_about(evidence: OverheadEvidence) -> list[str]:
    """Reasons not to trust the figures. One sentence each, with how many launches it holds for."""
    counted: Counter[str] = Counter(
        doubt for launch in evidence.launches for doubt in dict.fromkeys(launch.doubts)
    )
    found = [text if count == 1 else f"{text} (so in {count} launches)" for text, count in counted.items()]
    if len(evidence.launches) < FEWEST:
        found.append(_too_few(len(evidence.launches)))
    return found


def info(evidence: OverheadEvidence) -> OverheadInfo:
    """Every kind and arm, for the report. Pure."""
    launches = evidence.launches
    names = [arm.arm for arm in launches[0].arms if arm.arm != WITHOUT] if launches else []
    return OverheadInfo(
        launches=len(launches),
        clock=evidence.clock,
        memory=evidence.memory,
        pinning=evidence.pinning,
        stopped=evidence.stopped,
        baseline=tuple(_baseline(kind, launches) for kind in kinds_of(launches)),
        costs=tuple(cost for name in names for cost in _costs(name, launches)),
        accounts=tuple(_account(name, launches) for name in [WITHOUT, *names] if launches),
    )


def kinds_of(launches: Sequence[Launch], *, judged: bool = False) -> list[str]:
    """The kinds of request, in order of their names; ``judged``: only those that gates look at."""
    samples = launches[0].arms[0].kinds if launches else ()
    return sorted(sample.kind for sample in samples if sample.judged or not judged)


def change(
    metric: str, arm: str, kind: str, launches: Iterable[Launch], comparisons: int = 1, than: str = WITHOUT
) -> Estimate | None:
    """By how much ``arm`` is dearer than the arm ``than``, for ``kind``; None when a launch has no figure.

    For ``overhead.throughput``: the share of requests a second that is lost.
    """
    ratios: list[float] = []
    for launch in launches:
        value = _OF[metric](_sample(launch.arm(arm), kind))
        base = _OF[metric](_sample(launch.arm(than), kind))
        if not value or not base:  # nothing measured, or nothing a ratio can be made of
            return None
        ratios.append(math.log(value / base))
    if not ratios:
        return None
    if metric == INSTRUCTIONS:
        return student_change(ratios, comparisons)
    if metric != "overhead.throughput":
        return change_interval(ratios, comparisons)
    found = change_interval([-ratio for ratio in ratios], comparisons)
    return Estimate(
        -found.value,
        None if found.high is None else -found.high,
        None if found.low is None else -found.low,
        found.count,
    )


def _worst(metric: str, launches: Sequence[Launch]) -> Measurement:
    kinds = kinds_of(launches, judged=True)
    found = {kind: change(metric, WITH, kind, launches) for kind in kinds}
    known = [estimate for estimate in found.values() if estimate is not None]
    missing = [kind for kind, estimate in found.items() if estimate is None]
    if len(launches) < FEWEST or missing:
        note = (
            _too_few(len(launches))
            if len(launches) < FEWEST
            else f"too few requests {missing[0]!r} in a launch for this figure: raise [overhead] measure"
        )
        return Measurement(
            metric=metric, value=None, low=None, high=None, samples=len(launches), unit="change", note=note
        )
    strict = [each for kind in kinds if (each := change(metric, WITH, kind, launches, len(kinds)))]
    worst = largest(known, strict)
    dearest = max(kinds, key=lambda kind: found[kind].value)  # type: ignore[union-attr]
    return Measurement(
        metric=metric,
        value=worst.value,
        low=worst.low,
        high=worst.high,
        samples=len(launches),
        unit="change",
        note=f"requests {dearest!r}, the dearest of {len(kinds)} kinds" if len(kinds) > 1 else "",
    )


def _memory(launches: Sequence[Launch]) -> Measurement:
    enough = len(launches) >= FEWEST
    found = mean_interval(_more_memory(WITH, launches)) if enough else None
    return Measurement(
        metric="overhead.memory",
        value=found.value if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        samples=len(launches),
        unit="bytes",
        note="" if enough else _too_few(len(launches)),
    )


def _more_memory(arm: str, launches: Iterable[Launch]) -> list[float]:
    return [float(launch.arm(arm).memory - launch.arm(WITHOUT).memory) for launch in launches]


def _costs(arm: str, launches: Sequence[Launch]) -> list[Cost]:
    costs = []
    for kind in kinds_of(launches):
        for metric in _OF:
            found = change(metric, arm, kind, launches)
            if found is not None:
                costs.append(_cost(arm, kind, metric, found, "change"))
    if not launches[0].arm(arm).memory:  # instructions were counted, under a tool with memory of its own
        return costs
    costs.append(_cost(arm, "", "overhead.memory", mean_interval(_more_memory(arm, launches)), "bytes"))
    growth = [float(launch.arm(arm).growth - launch.arm(WITHOUT).growth) for launch in launches]
    costs.append(_cost(arm, "", "growth", mean_interval(growth), "bytes"))
    return costs


def _cost(arm: str, kind: str, metric: str, found: Estimate, unit: str) -> Cost:
    return Cost(
        arm=arm,
        kind=kind,
        metric=metric,
        value=found.value,
        low=found.low,
        high=found.high,
        unit=unit,
        launches=found.count,
    )


def _baseline(kind: str, launches: Sequence[Launch]) -> Baseline:
    samples = [_sample(launch.arm(WITHOUT), kind) for launch in launches]
    counted = [sample.instructions for sample in samples if sample.instructions is not None]
    return Baseline(
        kind=kind,
        cpu=fmean(sample.cpu for sample in samples),
        p50=fmean(sample.p50 for sample in samples),
        instructions=fmean(counted) if counted else None,
        requests=sum(sample.requests for sample in samples),
    )


def _account(arm: str, launches: Iterable[Launch]) -> ArmAccount:
    items: Counter[str] = Counter()
    discarded: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    raised = errors = lost = 0
    for launch in launches:
        sample = launch.arm(arm)
        items.update(sample.items)
        discarded.update(sample.discarded)
        refused.update(sample.refused)
        raised, errors, lost = raised + sample.raised, errors + sample.errors, lost + sample.lost
    return ArmAccount(
        arm=arm,
        items=dict(sorted(items.items())),
        raised=raised,
        errors=errors,
        discarded=dict(sorted(discarded.items())),
        refused=dict(sorted(refused.items())),
        lost=lost if arm != WITHOUT else 0,
    )


def _sample(arm: ArmSample, kind: str) -> KindSample:
    return next(sample for sample in arm.kinds if sample.kind == kind)


def _items(arm: ArmSample) -> str:
    shown = [f"{count} {name}" for name, count in list({**arm.items, **arm.refused}.items())[:_MOST_ITEMS]]
    return ", ".join(shown)


def _too_few(launches: int) -> str:
    return f"{launches} complete launches, and {FEWEST} are the fewest a verdict can rest on"
