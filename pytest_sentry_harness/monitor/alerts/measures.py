"""What a metric rule measures: an aggregate over the rows of a window. Sentry docs, "Metric Alerts"."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from ...errors import RulesError
from ...model.monitored import Seen
from ..aggregates import Aggregate, parse_aggregate
from ..fields import Fields, Kind, fields_of_issue
from ..search import Search, parse_search
from .model import MetricRule
from .node import Node
from .windows import TimeLine

KINDS: dict[str, Kind] = {"errors": "event", "transactions": "transaction", "sessions": "session"}
_READ: dict[Kind, tuple[str, ...]] = {
    "event": ("user",),
    "transaction": ("transaction.duration", "transaction.status", "user"),
    "session": ("sessions", "session.status", "user"),
}
"""What aggregates read besides their arguments."""


def check_measure(node: Node, dataset: str) -> None:
    """Refuse an aggregate or query at ``node`` that cannot be taken over ``dataset``. Raises ``UsageError``."""
    kind = KINDS[dataset]
    aggregate = parse_aggregate(node.text("aggregate") or "", where=node.where("aggregate"))
    misfits = aggregate.misfits(kind)
    if misfits:
        raise RulesError(
            f"aggregate {aggregate.text} does not fit the dataset: {misfits[0]}",
            where=node.where("aggregate"),
            hint={
                "event": "over errors: count(), count_unique(user)",
                "transaction": "over transactions: count(), p95(transaction.duration), failure_rate(), apdex(300)",
                "session": "over sessions: percentage(sessions_crashed, sessions) AS _crash_rate_alert_aggregate",
            }.get(kind),
        )
    _search(node.text("query") or "", kind, node.where("query"))


def is_crash_free(rule: MetricRule) -> bool:
    """Whether the figure is the crash-free rate: Sentry turns the crash rate it asks for round."""
    return rule.dataset == "sessions" and rule.aggregate.replace(" ", "").startswith("percentage(")


def doubts_of(rule: MetricRule) -> tuple[str, ...]:
    """What the query of a rule says that is allowed and yet unlikely to be meant."""
    return () if rule.unmeasured else _search(rule.query, KINDS[rule.dataset], "").doubts


class Measure:
    """The rows of one metric rule and the figure over any window that has not passed.

    A count keeps 8 bytes a row and costs O(log rows) an evaluation; any other aggregate keeps the few values it
    reads and goes over the rows of the window.
    """

    def __init__(self, rule: MetricRule, late: float = 0.0) -> None:
        self.kind = KINDS[rule.dataset]
        self._nothing = bool(rule.unmeasured)
        self._aggregate: Aggregate = parse_aggregate("count()" if self._nothing else rule.aggregate)
        self._search = _search("" if self._nothing else rule.query, self.kind, "")
        self._everything = not self._search.parts
        self._environment = rule.environment
        self._types = frozenset(rule.event_types if self.kind == "event" else ())
        self._crash_free = is_crash_free(rule)
        self._keep = rule.window + (rule.comparison or 0.0) + late
        self._counts = TimeLine(self._keep) if self._aggregate.text == "count()" else None
        self._rows: deque[tuple[float, Fields]] = deque()
        self._names = (*self._aggregate.arguments, *_READ[self.kind])

    def add(self, at: float, environment: str, row: Fields) -> None:
        """Take a row into account if the rule looks at it."""
        if not self.takes(at, environment, row):
            return
        if self._counts is not None:
            self._counts.add(at)
            return
        self._rows.append((at, _kept(row, self._names)))
        while self._rows and self._rows[0][0] <= at - self._keep:
            self._rows.popleft()

    def takes(self, at: float, environment: str, row: Fields) -> bool:
        """Whether the rule looks at a row: by environment, type and query."""
        if self._nothing or (self._environment is not None and environment != self._environment):
            return False
        if self._types and not self._types.intersection(row("event.type")):
            return False
        return self._everything or self._search.matches(row, now=at)

    def value(self, until: float, seconds: float) -> float | None:
        """The figure over (until - seconds, until]; None only for a crash-free rate without sessions."""
        if self._counts is not None:
            return float(self._counts.count(until - seconds, until))
        found = self._aggregate.of(self._within(until - seconds, until), seconds=seconds)
        if self._crash_free:
            return None if found is None else round((1 - found) * 100, 3)
        return 0.0 if found is None else found

    def _within(self, after: float, until: float) -> Iterator[Fields]:
        return (row for at, row in self._rows if after < at <= until)


def with_issue(row: Fields, seen: Seen) -> Fields:
    """``row``, which knows about its issue too: queries such as ``is:unresolved`` ask for it."""
    issue = fields_of_issue(seen.issue)
    return lambda name: issue(name) if name in ("is", "issue.category", "issue.priority") else row(name)


def _search(query: str, kind: Kind, where: str) -> Search:
    # Queries over errors may also ask for the issue, so they are read without a kind.
    return parse_search(query, kind=None if kind == "event" else kind, where=where)


def _kept(row: Fields, names: tuple[str, ...]) -> Fields:
    values: dict[str, Sequence[object]] = {name: found for name in names if (found := row(name))}
    return lambda name: values.get(name, ())
