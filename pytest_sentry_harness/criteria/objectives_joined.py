"""Requests and what Sentry holds of them, joined by the trace id that each request carried: who differs, by how much, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ..model.objectives import Joined, Side
from ..monitor.patterns import Facet
from ..monitor.requests import Request
from ..monitor.slo import Objective
from ..statistics.associations import fisher_above


@dataclass(frozen=True, slots=True)
class Reported:
    """A transaction that arrived."""

    request: Request
    facets: frozenset[Facet] = frozenset()
    """Empty beyond the number that is looked at."""
    found_by: frozenset[str] = frozenset()
    """Names of the objectives whose ``search`` it meets."""


def first_of(traces: Collection[str], reported: Iterable[Reported]) -> dict[str, Reported]:
    """The transaction of each trace that began first: what a request called reports itself, too."""
    found: dict[str, Reported] = {}
    for each in reported:
        trace, begin = each.request.trace_id, each.request.at - each.request.seconds
        if trace in traces and (
            trace not in found or begin < found[trace].request.at - found[trace].request.seconds
        ):
            found[trace] = each
    return found


def joined_of(objective: Objective, counting: Sequence[Request], shown: Sequence[Reported]) -> Joined:
    """Of the requests that count, and the transactions that count in Sentry, how many are told alike, and how the others are."""
    # A request that does not count, as a failed one for latency, is of no kind here; its transaction is one of another request.
    truths = {each.trace_id: truth for each in counting if (truth := objective.is_bad(each)) is not None}
    by_trace = first_of(truths, shown)
    found: Counter[str] = Counter()
    for trace, truth in truths.items():
        report = by_trace.get(trace)
        found[_kind(truth, None if report is None else (objective.is_bad(report.request),))] += 1
    bad, good = found["not_reported_bad"], found["not_reported_good"]
    all_bad = sum(truths.values())
    lost = bad + found["reported_good"]
    in_sentry = sum(objective.is_bad(each.request) is not None for each in shown)
    in_both = sum(objective.is_bad(each.request) is not None for each in by_trace.values())
    return Joined(
        alike=found["alike"],
        reported_good=found["reported_good"],
        reported_bad=found["reported_bad"],
        not_reported_bad=bad,
        not_reported_good=good,
        other_requests=in_sentry - in_both,
        chance=fisher_above(bad, all_bad, bad + good, len(truths)) if bad else None,
        unseen_chance=fisher_above(lost, all_bad, lost + good, len(truths)) if lost else None,
    )


def _kind(truth: bool, told: tuple[bool | None] | None) -> str:
    """What became of one request that counts. None inside: it does not count in Sentry, as a failed one for latency."""
    if told is None:
        return "not_reported_bad" if truth else "not_reported_good"
    if told[0] is truth:
        return "alike"
    return "reported_good" if truth else "reported_bad"


def difference(
    known: Side | None, seen: Side, joined: Joined | None
) -> tuple[float | None, float | None, float | None]:
    """By how much the two differ, with bounds where Sentry has a sample only."""
    if known is None or known.share is None or seen.share is None:
        return None, None, None
    off = abs(seen.share - known.share)
    missing = joined.not_reported_bad + joined.not_reported_good if joined else known.requests - seen.requests
    if missing <= 0:
        return off, None, None
    low = max(0.0, seen.low - known.share, known.share - seen.high)
    return off, low, max(abs(known.share - seen.low), abs(seen.high - known.share))


def reason_for(known: Side | None, seen: Side, joined: Joined | None, *, by_sessions: bool = False) -> str:
    """What contributes most to the difference."""
    if known is None or known.share is None:
        return ""
    if seen.share is None:
        return "no_sessions" if by_sessions else "not_reported"
    if joined is None:
        few = "no_sessions" if by_sessions else "not_reported"
        return few if seen.requests < known.requests else "other_requests"
    better = seen.share > known.share
    counts = {
        "not_reported": joined.not_reported_bad if better else joined.not_reported_good,
        "reported_good": joined.reported_good if better else 0,
        "reported_bad": 0 if better else joined.reported_bad,
        "other_requests": joined.other_requests,
    }
    return max(counts, key=counts.__getitem__)
