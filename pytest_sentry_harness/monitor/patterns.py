"""Which tags, releases, routes and environments an issue's events have more often than others.

For each issue and each pair of key and value, the issue's events are held against all others (or against transactions): a one-sided
exact test by Fisher, its odds ratio with bounds, and the expected share of false findings among those at least as clear (Benjamini and
Hochberg), over all comparisons that were possible. A value is compared among what has its key at all: that a tag is set is a
finding of its own (``ANY``), and else every value of it would be one. Events count as independent of each other: one incident on one host that makes a
thousand events makes that host significant, and whatever else it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from ..model.monitored import Data, Seen
from ..protocol.event_fields import tags_of
from ..statistics.associations import false_discovery, fisher_above, odds_ratio

Facet = tuple[str, str]
"""A key, such as ``release`` or ``tags[browser]``, and its value."""
Row = tuple[int, Iterable[Facet]]
"""Number of the issue, and what its event has."""
ANY = "(set)"
"""Stands for whatever value: the key is there."""
MOST_FACETS = 200
MOST_TEXT = 200
_PLAIN = ("release", "environment", "transaction", "server_name", "dist", "platform", "logger", "level")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A value that an issue's events have more often than others."""

    issue: int
    key: str
    value: str
    hits: int
    """Of its events, how many have it."""
    events: int
    """Events of the issue."""
    others_hits: int
    others: int
    """What it was compared with: events of other issues, or transactions."""
    odds_ratio: float
    low: float
    high: float
    """95 % bounds, for each finding by itself."""
    chance: float
    """Of as many hits or more, were the issue like the others."""
    q: float
    """Expected share of false findings among those at least as clear."""
    because: str


@dataclass(frozen=True, slots=True)
class Patterns:
    """What was found, most telling first, and how much was compared."""

    findings: tuple[Finding, ...]
    compared: int
    """How many pairs of issue and facet could have been found at all."""
    rows: int
    left_out: int
    """Findings beyond the number that was asked for."""


def facets_of(data: object) -> frozenset[Facet]:
    """What an event or a transaction has: release, environment, route and more, and its tags. Never raises."""
    if not isinstance(data, Mapping):
        return frozenset()
    found = {(key, _cut(data[key])) for key in _PLAIN if isinstance(data.get(key), str) and data[key]}
    if not isinstance(data.get("environment"), str):
        found.add(("environment", "production"))
    user = data.get("user")
    # The first that says who it is; an address is of many users, and of none for long.
    who = next(
        (user[key] for key in ("id", "email", "username") if isinstance(user, dict) and _says(user.get(key))),
        None,
    )
    if who is not None:
        found.add(("user", _cut(str(who))))
    tags = data.get("tags")
    if isinstance(tags, dict | list):
        first = dict(islice(tags.items(), MOST_FACETS)) if isinstance(tags, dict) else tags[:MOST_FACETS]
        found.update((f"tags[{_cut(key)}]", _cut(value)) for key, value in tags_of(first, []).items())
    return frozenset(found)


def issue_patterns(
    seen: Iterable[Seen], *, transactions: Iterable[Data] | None = None, most: int = 20, q: float = 0.05
) -> Patterns:
    """``find_patterns`` over events as they were put to their issues."""
    rows = ((each.issue.number, facets_of(each.event.data)) for each in seen)
    return find_patterns(
        rows, compared_with=None if transactions is None else map(facets_of, transactions), most=most, q=q
    )


def find_patterns(
    rows: Iterable[Row],
    *,
    compared_with: Iterable[Iterable[Facet]] | None = None,
    most: int = 20,
    q: float = 0.05,
    fewest: int = 5,
) -> Patterns:
    """What is over-represented in which issue, most telling first: by the lower bound of the odds ratio.

    ``compared_with`` None: the events of all other issues; else these, and keys that they never have are left out, since nothing
    can be said of them. Values and issues with fewer than ``fewest`` events are left out beforehand, by counts that say nothing of
    whether they go together (Tarone, Biometrics 46, 1990). One pass over the rows and one over the pairs that occur:
    O(rows x facets + findings log findings). Raises ``ValueError`` for settings that cannot be.
    """
    if not 0 < q < 1 or fewest < 1 or most < 0:
        raise ValueError(f"q {q}, fewest {fewest}, most {most}")
    counts = _count(rows, compared_with)
    issues = [issue for issue, events in counts.issues.items() if fewest <= events < counts.everything(issue)]
    testable = {
        facet
        for facet, hits in counts.facets.items()
        if hits >= fewest and counts.is_comparable(facet) and (facet[1] != ANY or hits < counts.all_rows)
    }
    wanted = set(issues)
    tables = []
    for (issue, facet), hits in counts.pairs.items():
        if issue in wanted and facet in testable:
            table = counts.table(issue, facet, hits)
            # As often as in others or less: its chance is large, whatever it is exactly.
            if table.hits * table.total > table.drawn * table.marked:
                tables.append(table)
    chances = [fisher_above(table.hits, table.drawn, table.marked, table.total) for table in tables]
    compared = max(len(issues) * len(testable), len(tables))
    found = [
        _finding(table, chance, share, against_events=compared_with is None)
        for table, chance, share in zip(tables, chances, false_discovery(chances, compared), strict=True)
        if share <= q
    ]
    found.sort(key=lambda each: (-each.low, each.chance, each.issue, each.key, each.value))
    return Patterns(tuple(found[:most]), compared, counts.rows, max(len(found) - most, 0))


@dataclass(frozen=True, slots=True)
class _Table:
    issue: int
    facet: Facet
    hits: int
    drawn: int
    marked: int
    total: int


@dataclass(slots=True)
class _Counts:
    issues: Counter[int]
    pairs: Counter[tuple[int, Facet]]
    facets: Counter[Facet]
    """Of all rows, or of the issues' and the compared ones together."""
    rows: int
    compared: int | None
    """How many it is compared with; None: the other issues' events."""
    compared_facets: Counter[Facet]

    def everything(self, issue: int) -> int:
        return self.rows if self.compared is None else self.issues[issue] + self.compared

    @property
    def all_rows(self) -> int:
        return self.rows + (self.compared or 0)

    def is_comparable(self, facet: Facet) -> bool:
        return self.compared is None or (facet[0], ANY) in self.compared_facets

    def table(self, issue: int, facet: Facet, hits: int) -> _Table:
        marked = self.facets[facet] if self.compared is None else hits + self.compared_facets[facet]
        drawn, total = self.issues[issue], self.everything(issue)
        key = (facet[0], ANY)
        if facet != key:
            drawn = self.pairs[issue, key]
            total = self.facets[key] if self.compared is None else drawn + self.compared_facets[key]
        return _Table(issue, facet, hits, drawn, marked, total)


def _count(rows: Iterable[Row], compared_with: Iterable[Iterable[Facet]] | None) -> _Counts:
    issues: Counter[int] = Counter()
    pairs: Counter[tuple[int, Facet]] = Counter()
    facets: Counter[Facet] = Counter()
    for issue, given in rows:
        issues[issue] += 1
        for facet in _with_keys(given):
            pairs[issue, facet] += 1
            facets[facet] += 1
    others: Counter[Facet] = Counter()
    compared = None
    if compared_with is not None:
        compared = 0
        for given in compared_with:
            compared += 1
            others.update(_with_keys(given))
        facets.update(others)
    return _Counts(issues, pairs, facets, issues.total(), compared, others)


def _with_keys(given: Iterable[Facet]) -> set[Facet]:
    facets = set(given)
    return facets | {(key, ANY) for key, _ in facets}


def _finding(table: _Table, chance: float, share: float, *, against_events: bool) -> Finding:
    ratio, low, high = odds_ratio(table.hits, table.drawn, table.marked, table.total)
    key, value = table.facet
    others_hits, others = table.marked - table.hits, table.total - table.drawn
    whom = "events of other issues" if against_events else "transactions"
    because = (
        f"{key} {value}: {table.hits} of {table.drawn} events of issue {table.issue} ({_percent(table.hits, table.drawn)}), "
        f"{others_hits} of {others} {whom} ({_percent(others_hits, others)}); odds {_number(ratio)} times as high, 95 % bounds "
        f"{_number(low)} to {_number(high)}; of findings as clear as this, a share of at most {_small(share)} is expected to be false"
    )
    return Finding(
        issue=table.issue,
        key=key,
        value=value,
        hits=table.hits,
        events=table.drawn,
        others_hits=others_hits,
        others=others,
        odds_ratio=ratio,
        low=low,
        high=high,
        chance=chance,
        q=share,
        because=because,
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g} %"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _small(share: float) -> str:
    return "1e-300" if share < 1e-300 else f"{share:.1g}"


def _says(value: object) -> bool:
    return (isinstance(value, str) and bool(value)) or (type(value) is int and abs(value) < 2**63)


def _cut(text: str) -> str:
    return text[:MOST_TEXT]
