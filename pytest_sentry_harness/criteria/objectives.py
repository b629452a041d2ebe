"""The criterion ``objectives``: service level objectives are met, and what Sentry shows of them is what was.

Whether an objective is broken is a matter of the requests there were, all of which were counted; so ``broken``, ``contradicted`` and ``unseen`` are
exact. What is left of the budget is an estimate of the service, with bounds; so is a difference when Sentry has but a sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model.account import Finding
from ..model.analysis import PatternTold
from ..model.objectives import BurnTold, ObjectivesInfo, ObjectiveTold, Side
from ..model.scenario import Gate
from ..model.verdict import Measurement
from .verdict import show

_NOTHING = "no request that counts is known of objective {!r}"


def measure(info: ObjectivesInfo) -> dict[str, Measurement]:
    """All ``objectives.*`` metrics, by name. One objective without a request, and nothing is known of all."""
    empty = next((each.name for each in info.objectives if each.judged.share is None), None)
    nothing = "" if empty is None else _NOTHING.format(empty)
    fewest = min((each.judged.requests for each in info.objectives), default=0)
    broken = sum(each.judged.state == "broken" for each in info.objectives)
    found = (
        _counted("objectives.broken", broken, fewest, nothing),
        _contradicted(info),
        _unseen(info),
        _off(info),
        _budget(info, nothing),
        _counted("objectives.requests", fewest, fewest),
    )
    return {each.metric: each for each in found}


def doubts(info: ObjectivesInfo) -> list[str]:
    """What nobody can be sure of."""
    found = []
    for each in info.objectives:
        found += [f"objective {each.name!r}: {doubt}" for doubt in each.doubts]
        found += [doubt for doubt in (_doubt(each), _slow_unseen(each)) if doubt]
    return found


def _slow_unseen(told: ObjectiveTold) -> str:
    """Requests that were slow for the load generator alone. That may be the way between, or a clock: nobody is blamed for it."""
    if told.what != "latency" or not told.unseen or told.known is None:
        return ""
    return (
        f"objective {told.name!r}: {told.unseen} of {told.known.bad} requests that took {show(told.threshold, 'seconds')} or longer are "
        "not slow in Sentry: the time went on the way, or before the SDK took the request"
    )


def _doubt(told: ObjectiveTold) -> str:
    known, seen = told.known, told.seen
    if told.judged.share is None:
        return _NOTHING.format(told.name)
    if known is None or seen.share is None or known.state == seen.state or told.contradicted:
        return ""
    return (
        f"objective {told.name!r} was {known.state}, Sentry shows it as {seen.state}, and with {seen.requests} of "
        f"{known.requests} requests that may be the chance of sampling"
    )


def findings(info: ObjectivesInfo, gates: Iterable[Gate] = ()) -> tuple[Finding, ...]:
    """One for each objective that is broken, shown otherwise than it was, or off by more than a gate allows."""
    allowed = next((gate.threshold for gate in gates if gate.metric == "objectives.off"), None)
    return tuple(_findings(info, allowed))


def _findings(info: ObjectivesInfo, allowed: float | None) -> Iterator[Finding]:
    for each in info.objectives:
        if each.judged.state == "broken":
            reason = "requests_failed" if each.what == "availability" else "requests_slow"
            yield _finding("objectives.broken", reason, broken_line(each))
        if each.contradicted:
            yield _finding("objectives.contradicted", each.reason, off_line(each, info))
        if _blind(each):
            yield _finding("objectives.unseen", _why_unseen(each), off_line(each, info), each.unseen)
        if allowed is not None and each.off is not None and each.off > allowed:
            yield _finding("objectives.off", each.reason, off_line(each, info))


def broken_line(told: ObjectiveTold) -> str:
    """What broke an objective: how many, which alert on the budget fired when, and what stands out."""
    side = told.judged
    word = "failed" if told.what == "availability" else f"took {show(told.threshold, 'seconds')} or longer"
    parts = [
        f"{told.name}: {side.bad} of {side.requests} requests {word}, {show(side.share, 'ratio')} were good of "
        f"{show(told.target, 'ratio')} that shall be"
    ]
    parts += [burn_line(burn) for burn in side.burns if burn.fired]
    parts += [f"stands out: {pattern_line(pattern)}" for pattern in told.patterns[:2]]
    return "; ".join(parts)


def burn_line(burn: BurnTold) -> str:
    """When one alert on the budget fired."""
    again = f", {len(burn.fired)} times between" if len(burn.fired) > 1 else " from"
    times = f"{burn.fired[0][0]:.3g} s {'and' if len(burn.fired) > 1 else 'to'} {burn.fired[-1][1]:.3g} s"
    return f"{burn.name} (above {burn.burn:.3g}){again} {times}, {burn.peak or 0:.3g} times too fast at most"


def off_line(told: ObjectiveTold, info: ObjectivesInfo) -> str:
    """How the two accounts differ, and by which requests."""
    known, joined = told.known, told.joined
    assert known is not None  # without it, nothing is off
    shown = "nothing of it"
    if told.seen.share is not None:
        share = show(told.seen.share, "ratio")
        shown = f"{told.seen.state} with {share} of {told.seen.requests} {told.by}"
    parts = [
        f"{told.name}: {known.state} with {show(known.share, 'ratio')} good of {known.requests} requests, and Sentry shows {shown}"
    ]
    if joined is not None:
        parts += [joined_line(told)]
    if told.reason == "not_reported" and info.dropped:
        dropped = ", ".join(f"{count} {reason}" for reason, count in info.dropped)
        parts.append(f"transactions that the SDK says it dropped: {dropped}")
    return "; ".join(filter(None, parts))


def joined_line(told: ObjectiveTold) -> str:
    """Request by request, what Sentry makes otherwise of it; empty when there is none."""
    joined, known = told.joined, told.known
    if joined is None or known is None:
        return ""
    good = known.requests - known.bad
    words = [
        (joined.not_reported_bad, f"of {known.bad} bad requests left no transaction"),
        (joined.not_reported_good, f"of {good} good ones left no transaction"),
        (joined.reported_good, "bad ones are good in Sentry"),
        (joined.reported_bad, "good ones are bad in Sentry"),
        (
            joined.other_requests,
            f"transactions are of {'failed or ' if told.what == 'latency' else ''}other requests",
        ),
    ]
    line = ", ".join(f"{count} {word}" for count, word in words if count)
    if joined.chance is not None and joined.chance < 0.05:
        line += f" (left out whatever became of them: chance {joined.chance:.1g})"
    if joined.reported_good and joined.unseen_chance is not None and joined.unseen_chance < 1e-3:
        line += f" (bad ones missing among those that Sentry shows as bad: chance {joined.unseen_chance:.1g})"
    return line


def pattern_line(pattern: PatternTold) -> str:
    """One value that stands out, with the statistic."""
    return (
        f"{pattern.key} {pattern.value}: {pattern.hits} of {pattern.of}, elsewhere {pattern.others_hits} of {pattern.others}; odds "
        f"{pattern.odds:,.3g} times as high ({pattern.low:,.3g} to {pattern.high:,.3g}), q {max(pattern.q, 1e-300):.1g}"
    )


def _blind(told: ObjectiveTold) -> bool:
    """Failures are not seen. Of slow requests ``doubts`` speaks: where their time went is not Sentry's to know alone."""
    return told.what == "availability" and told.unseen > 0


def _why_unseen(told: ObjectiveTold) -> str:
    joined = told.joined
    assert joined is not None  # without it, nothing is unseen
    return "reported_good" if joined.reported_good >= joined.not_reported_bad else "not_reported"


def _unseen(info: ObjectivesInfo) -> Measurement:
    compared = [each for each in info.objectives if each.what == "availability" and each.joined is not None]
    nothing = "" if compared else "no objective of availability can be held against transactions"
    # A request may count for several objectives: the worst is told, not a sum that would count it twice.
    most = max((each.unseen for each in compared), default=0)
    return _counted(
        "objectives.unseen", most, sum(each.known.bad for each in compared if each.known), nothing
    )


def _contradicted(info: ObjectivesInfo) -> Measurement:
    compared = [each for each in info.objectives if each.known is not None and each.known.share is not None]
    nothing = "" if compared else "the load generator told of no request that counts"
    return _counted(
        "objectives.contradicted", sum(each.contradicted for each in compared), len(compared), nothing
    )


def _off(info: ObjectivesInfo) -> Measurement:
    compared = [each for each in info.objectives if each.known is not None]
    unseen = next((each for each in compared if each.off is None), None)
    if unseen is not None or not compared:
        note = "the load generator told of no request that counts"
        if unseen is not None:
            beside = f"{info.no_trace} transactions are of no request of the load generator"
            beside = "no session arrived" if unseen.by == "sessions" else beside
            note = f"Sentry shows nothing of {unseen.name!r}; {beside}"
        return _counted("objectives.off", None, 0, note, "ratio")
    worst = max(compared, key=_by_off)
    return Measurement(
        metric="objectives.off",
        value=worst.off,
        low=worst.off_low,
        high=worst.off_high,
        samples=worst.seen.requests,
        unit="ratio",
        exact=worst.off_low is None,
        note=f"of {worst.name!r}",
    )


def _by_off(told: ObjectiveTold) -> float:
    return told.off or 0.0


def _budget(info: ObjectivesInfo, nothing: str) -> Measurement:
    worst = min(
        (each for each in info.objectives if each.judged.budget is not None),
        key=lambda each: each.judged.budget or 0.0,
        default=None,
    )
    if worst is None or nothing:
        return _counted("objectives.budget", None, 0, nothing, "ratio")
    side = worst.judged
    low, high = budget_bounds(side, worst.target)
    return Measurement(
        metric="objectives.budget",
        value=side.budget,
        low=low,
        high=high,
        samples=side.requests,
        unit="ratio",
        note=f"of {worst.name!r}",
    )


def budget_bounds(side: Side, target: float) -> tuple[float, float]:
    """Of the share of the budget that is left, from those of the share of good requests."""
    return 1 - (1 - side.low) / (1 - target), 1 - (1 - side.high) / (1 - target)


def _counted(
    metric: str, value: float | None, samples: int, nothing: str = "", unit: str = "count"
) -> Measurement:
    return Measurement(
        metric=metric,
        value=None if nothing or value is None else float(value),
        low=None,
        high=None,
        samples=samples,
        unit=unit,
        exact=True,
        note=nothing,
    )


def _finding(metric: str, reason: str, culprit: str, count: int = 1) -> Finding:
    return Finding(
        metric=metric,
        fault="",
        reason=reason,
        source="load" if metric == "objectives.broken" else "server",
        culprit=culprit,
        place=None,
        count=count,
        example=None,
    )
