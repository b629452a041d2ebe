"""From requests, and what arrived of them, to the account of objectives: what was, and what Sentry shows of it.

The load generator knows every request it sent, with its outcome and its time. Sentry knows transactions, and sessions. The trace
id that a request carried joins the two, so that a difference is told request by request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ..load.load_ledger import refused
from ..model.analysis import PatternTold
from ..model.ledger import Ended
from ..model.objectives import ObjectivesInfo, ObjectiveTold
from ..model.scenario import Objective as Asked
from ..monitor.patterns import Facet, Finding, find_patterns
from ..monitor.requests import Request
from ..monitor.slo import Objective
from .objectives_joined import Reported, difference, first_of, joined_of, reason_for
from .objectives_sides import Span, counted, objective_of, side_of, span_of

_MOST_PATTERNS = 5
_MOST_REASONS = 10
_MOST_NAMES = 5
_OUTCOMES = ("tags[http.status_code]",)
"""What says how a request ended is no cause of it."""
_FEW = 5
"""Fewer bad requests than that say nothing of what they have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that objectives are held against."""

    ended: Sequence[Ended] | None
    """What the load generator saw, of every request; None: it does not tell."""
    reported: Sequence[Reported]
    sessions: tuple[int, int] = (0, 0)
    """All that arrived, and those that crashed."""
    with_error: Collection[str] = frozenset()
    """Trace ids of error events."""
    dropped: Mapping[str, int] | None = None
    """Transactions that the SDK counted as dropped, by reason."""
    odd: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By name of the objective what is odd about its search."""


def account_of(objectives: Sequence[Asked], evidence: Evidence) -> ObjectivesInfo:
    """The account of all ``objectives``. Pure, and the same for the same evidence. O(objectives x n log n)."""
    sent = None if evidence.ended is None else [request_of_ended(each) for each in evidence.ended]
    span = span_of(sent or [each.request for each in evidence.reported]) or Span(0.0, 0.0)
    traces = {each.trace_id for each in sent or ()}
    return ObjectivesInfo(
        begin=span.begin,
        seconds=span.end - span.begin,
        objectives=tuple(_told(each, sent, evidence, span) for each in objectives),
        dropped=tuple(Counter(evidence.dropped or {}).most_common(_MOST_REASONS)),
        no_trace=sum(each.request.trace_id not in traces for each in evidence.reported) if sent else 0,
    )


def request_of_ended(ended: Ended) -> Request:
    """A request as its sender saw it: failed is what ``load.failed`` counts, 500 and above, 429, and no answer."""
    return Request(
        at=ended.at,
        seconds=ended.seconds,
        failed=refused(ended.status),
        name=ended.request,
        trace_id=ended.trace_id,
    )


def _told(asked: Asked, sent: Sequence[Request] | None, evidence: Evidence, span: Span) -> ObjectiveTold:
    objective = objective_of(asked, span)
    counting = None if sent is None or not asked.comparable else _chosen(asked, sent)
    shown = _shown(asked, counting, evidence.reported)
    known = None if counting is None else side_of(objective, counting, span)
    if asked.by == "sessions":
        seen = counted(objective, *evidence.sessions)
    else:
        seen = side_of(objective, (each.request for each in shown), span)
    joined = None
    if counting is not None and asked.by == "transactions":
        joined = joined_of(objective, counting, shown)
    off, low, high = difference(known, seen, joined)
    contradicted = known is not None and known.share is not None and known.state != seen.state and low != 0
    rows = _rows(objective, counting, shown)
    return ObjectiveTold(
        name=asked.name,
        what=asked.what,
        target=asked.target,
        threshold=asked.threshold,
        window=asked.window,
        on=asked.on,
        search=asked.search,
        by=asked.by,
        known=known,
        seen=seen,
        joined=joined,
        off=off,
        off_low=low,
        off_high=high,
        contradicted=contradicted,
        reason=reason_for(known, seen, joined, by_sessions=asked.by == "sessions")
        if off or contradicted
        else "",
        bad_with_error=sum(bad and trace in evidence.with_error for bad, trace, _ in rows),
        patterns=_patterns(rows),
        doubts=(*evidence.odd.get(asked.name, ()), *_unmatched(asked, sent)),
    )


def _unmatched(asked: Asked, sent: Sequence[Request] | None) -> list[str]:
    """Globs of ``on`` that no request matched: what they were to watch, nothing watched."""
    if sent is None:
        return []
    names = sorted({each.name for each in sent})
    there = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
    return [
        f"on = {glob!r} matched no request of the load; there were: {there}"
        for glob in asked.on
        if not any(fnmatchcase(name, glob) for name in names)
    ]


def _chosen(asked: Asked, sent: Sequence[Request]) -> list[Request]:
    if not asked.on:
        return list(sent)
    chosen = {
        name: any(fnmatchcase(name, glob) for glob in asked.on) for name in {each.name for each in sent}
    }
    return [each for each in sent if chosen[each.name]]


def _shown(asked: Asked, counting: Sequence[Request] | None, reported: Sequence[Reported]) -> list[Reported]:
    """The transactions that count in Sentry: those the search finds, else those of the requests that count."""
    if asked.search:
        return [each for each in reported if asked.name in each.found_by]
    if counting is None:
        return list(reported)
    return list(first_of({each.trace_id for each in counting}, reported).values())


_Row = tuple[bool, str, frozenset[Facet]]
"""Whether a request is bad, its trace, and what it has."""


def _rows(objective: Objective, counting: Sequence[Request] | None, shown: Sequence[Reported]) -> list[_Row]:
    """The requests that count, by the better view of them there is."""
    if counting is None:
        return [
            (bad, each.request.trace_id, each.facets)
            for each in shown
            if (bad := objective.is_bad(each.request)) is not None
        ]
    by_trace = first_of({each.trace_id for each in counting}, shown)
    rows = []
    for request in counting:
        bad = objective.is_bad(request)
        if bad is not None:
            report = by_trace.get(request.trace_id)
            facets = frozenset({("request", request.name)}) | (report.facets if report else frozenset())
            rows.append((bad, request.trace_id, facets))
    return rows


def _but_outcomes(facets: frozenset[Facet]) -> frozenset[Facet]:
    return frozenset(facet for facet in facets if facet[0] not in _OUTCOMES)


def _patterns(rows: Sequence[_Row]) -> tuple[PatternTold, ...]:
    if sum(bad for bad, _, _ in rows) < _FEW:
        return ()
    found = find_patterns(
        ((1, _but_outcomes(facets)) for bad, _, facets in rows if bad),
        compared_with=(_but_outcomes(facets) for bad, _, facets in rows if not bad),
        most=_MOST_PATTERNS,
    )
    return tuple(map(pattern_told, found.findings))


def pattern_told(found: Finding) -> PatternTold:
    """As reports have it."""
    return PatternTold(
        key=found.key,
        value=found.value,
        hits=found.hits,
        of=found.events,
        others_hits=found.others_hits,
        others=found.others,
        odds=found.odds_ratio,
        low=found.low,
        high=found.high,
        q=found.q,
    )
