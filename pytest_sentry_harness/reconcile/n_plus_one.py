"""N+1 queries in a transaction, by the rule of Sentry's own detector.

Sentry docs, "N+1 Queries": sequential, non-overlapping database spans with similar descriptions, at least five of
them, 50 ms together, whole queries (not cut off), and a database span before them, the source. Sentry groups
by the query with its values taken out. Both numbers can be set in a project, and so they can in a scenario.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..model.ledger import Place
from ..model.scenario import NPlusOne, Profiling
from ..protocol.spans import SpanTold, TransactionTold

_VALUES = re.compile(r"'(?:[^']|'')*'|(?<![\w.$:@%])[-+]?\d+(?:\.\d+)?(?![\w.])")
_LISTS = re.compile(r"\(\s*(?:%s|\?)(?:\s*,\s*(?:%s|\?))+\s*\)")
_CUT_OFF = ("...", "…")
_WORDS = {
    "too_few_spans": "fewer than {count} spans of the query follow one another",
    "query_cut_off": "the SDK left out the end of the query",
    "no_source_query": "no span of another query comes before it",
    "too_quick": "its spans take less than {time:g} s together",
}
_OVERLAP = 0.001
"""Seconds that two spans may overlap and still follow one another: clocks of different origin are joined."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A query that was asked again and again."""

    query: str
    count: int
    seconds: float
    place: Place | None
    """The line that asks, if the SDK tells it."""
    source: bool
    """A database span ended before the first of them."""

    @property
    def cut_off(self) -> bool:
        """The SDK left out the end of the query, so nobody can tell whether they are equal."""
        return self.query.endswith(_CUT_OFF)

    def counts(self, rule: Profiling) -> bool:
        """Whether Sentry would make an issue of it."""
        return self.why_not(rule) == ""

    def why_not(self, rule: Profiling) -> str:
        """What is missing for Sentry to make an issue of it; empty when nothing is."""
        if self.count < rule.queries:
            return "too_few_spans"
        if self.cut_off:
            return "query_cut_off"
        if not self.source:
            return "no_source_query"
        return "too_quick" if self.seconds < rule.queries_time else ""


def repeated(transaction: TransactionTold) -> Iterator[Repeated]:
    """Every run of equal queries below one parent, also of one query alone."""
    queries = sorted(filter(_is_query, transaction.spans), key=lambda span: span.start)
    first_end = min((span.end for span in queries), default=0.0)
    siblings: dict[str | None, list[SpanTold]] = {}
    for span in queries:
        siblings.setdefault(span.parent_span_id, []).append(span)
    for spans in siblings.values():
        run: list[SpanTold] = []
        for span in spans:
            if run and not (_alike(run[-1], span) and span.start >= run[-1].end - _OVERLAP):
                yield _run(run, first_end)
                run = []
            run.append(span)
        yield _run(run, first_end)


def why_missed(declared: NPlusOne, runs: Iterable[Repeated], rule: Profiling) -> tuple[str, str]:
    """Why the ``declared`` queries were not found among ``runs`` of one transaction, as reason and words; or empty."""
    of_it = [run for run in runs if fnmatchcase(run.query, declared.description)]
    if not of_it:
        return "no_query_span", "no span has the query"
    best = max(of_it, key=lambda run: (run.counts(rule), run.count))
    reason = best.why_not(rule)
    if not reason and best.count < declared.count:
        reason = "too_few_spans"
    if reason:
        return reason, _WORDS[reason].format(count=max(rule.queries, declared.count), time=rule.queries_time)
    if declared.file and best.place is None:
        return (
            "no_line",
            "found, but no span says which line asks",
        )
    if declared.file and best.place is not None and not best.place.file.endswith(declared.file):
        return "wrong_line", f"found, but said to be asked at {best.place}"
    return "", ""


def without_values(query: str) -> str:
    """``query`` with its values taken out, so that queries that differ by them only are equal."""
    return _LISTS.sub("(%s)", _VALUES.sub("%s", " ".join(query.split())))


def _is_query(span: SpanTold) -> bool:
    return span.op.startswith("db") and not span.op.startswith("db.redis") and bool(span.description)


def _alike(one: SpanTold, other: SpanTold) -> bool:
    return one.description == other.description or without_values(one.description) == without_values(
        other.description
    )


def _run(spans: list[SpanTold], first_end: float) -> Repeated:
    return Repeated(
        query=without_values(spans[0].description),
        count=len(spans),
        seconds=sum(max(0.0, span.duration) for span in spans),
        place=next((place for span in spans if (place := place_of(span.data))), None),
        source=first_end <= spans[0].start + _OVERLAP,
    )


def place_of(data: dict[str, Any]) -> Place | None:
    """The line of code a span names; attributes have other names in streamed spans than in transactions."""
    file = data.get("code.filepath") or data.get("code.file.path")
    line = data.get("code.lineno") or data.get("code.line.number")
    if not isinstance(file, str) or not isinstance(line, int | float | str) or not str(line).isdecimal():
        return None
    function = data.get("code.function") or data.get("code.function.name")
    return Place(file=file, line=int(line), function=function if isinstance(function, str) else "")
