"""Why a metric rule did not alert: what it looks at of what was seen, and how near it came to its threshold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from ...model.delays import Delays, next_multiple
from ...model.monitored import Data, Seen
from ..fields import Fields, Kind, fields_of_event, fields_of_transaction
from .attributes import environment_of
from .checks import span
from .incidents import DetectorState, TriggerIncident
from .measures import Measure, with_issue
from .model import MetricRule, Threshold
from .sessions import SessionBook, SessionItem

_TICK = 0.25
"""Seconds between two evaluations of a rule that has no time table of its own: a live monitor asks as often at least."""
_WORDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=", "ne": "!="}
_UPWARDS = ("gt", "gte")


@dataclass(slots=True)
class Nearest:
    """How near a rule came to its threshold."""

    value: float | None = None
    """None: it never measured anything."""
    at: float = 0.0
    """When the evaluation was."""
    met: bool = False
    """Its threshold was reached at least once."""
    in_time: bool = False
    """By an evaluation whose decision came before the end."""
    taken: set[str] = field(default_factory=set)
    """Of the events asked about, those that it counts."""


class MetricInquiry:
    """One metric rule over all that is seen. ``wanted``: ids of events of which it is asked whether they count.

    How near it came is asked of the evaluations from ``since`` on and before ``before``. ``until``: when the monitor
    ended. Times must not go back.
    """

    def __init__(
        self,
        rule: MetricRule,
        wanted: Collection[str],
        *,
        delays: Delays | None = None,
        since: float = float("-inf"),
        before: float = float("inf"),
        until: float,
    ) -> None:
        self.rule = rule
        self.nearest = Nearest()
        self.in_alarm_since: float | None = None
        """Since when its state is not well, at the last evaluation before ``since``."""
        self._state = DetectorState(rule, None) if rule.stateful else TriggerIncident(rule, None)
        self._since, self._before = since, before
        self._wanted, self._delays, self._until = frozenset(wanted), delays or Delays(), until
        self._measure = Measure(rule, self._delays.metric_every + self._delays.metric_after)
        self._sessions = SessionBook()
        self._next: float | None = None
        self._last = self._newest = float("-inf")

    @property
    def kind(self) -> Kind:
        """What it looks at: ``event``, ``transaction`` or ``session``."""
        return self._measure.kind

    @property
    def threshold(self) -> Threshold | None:
        """The least grave one: what is reached first."""
        return self.rule.thresholds[-1] if self.rule.thresholds else None

    @property
    def wanted(self) -> str:
        """What it needs, for people."""
        threshold, rule = self.threshold, self.rule
        unit = "" if rule.comparison is None else f" % of {span(rule.comparison)} ago"
        more = f", {rule.period} times in a row" if rule.period > 1 else ""
        return f"{_WORDS[threshold.op]} {threshold.value:g}{unit}{more}" if threshold else "nothing"

    def see(self, seen: Seen) -> None:
        """An event was put to its issue."""
        at, event = seen.event.received_at, seen.event
        self._evaluate_before(at)
        if self.kind == "event":
            row, environment = with_issue(fields_of_event(event), seen), environment_of(event.data)
            if event.event_id in self._wanted and self._measure.takes(at, environment, row):
                self.nearest.taken.add(event.event_id)
            self._add(at, environment, row)

    def see_transaction(self, data: Data, *, at: float, project: str = "") -> None:
        """A transaction arrived at ``at``."""
        self._evaluate_before(at)
        if self.kind == "transaction":
            row = fields_of_transaction(data, project=project, received_at=at)
            self._add(at, environment_of(data), row)

    def see_session(self, data: Data, *, at: float, project: str = "", item: SessionItem = "session") -> None:
        """A ``session`` or ``sessions`` item arrived at ``at``."""
        self._evaluate_before(at)
        if self.kind == "session":
            for counted in self._sessions.rows(data, item, at=at, project=project):
                self._add(at, counted.environment, counted.row)

    def close(self) -> Nearest:
        """Nothing more is seen: the evaluation that would have come next is made all the same."""
        at = self._next if self._next is not None else self._newest
        if at > float("-inf"):
            self._evaluate(at)
        return self.nearest

    def _add(self, at: float, environment: str, row: Fields) -> None:
        self._newest = at
        self._measure.add(at, environment, row)
        if not self._delays.metric_every and at - self._last >= _TICK:
            self._evaluate(at)
        elif self._delays.metric_every and self._next is None:
            self._next = next_multiple(at, self._delays.metric_every)

    def _evaluate_before(self, at: float) -> None:
        if not self._delays.metric_every:
            # Nothing changes while nothing comes, but for what leaves the window: its figure is taken at both ends of the pause.
            for then in (self._last + _TICK, at - _TICK):
                if self._last < then < at:
                    self._evaluate(then)
            return
        while self._next is not None and self._next < at:
            self._evaluate(self._next)
            self._next += self._delays.metric_every

    def _evaluate(self, at: float) -> None:
        rule, threshold = self.rule, self.threshold
        self._last = max(self._last, at)
        value = self._measure.value(at, rule.window)
        if value is None or threshold is None or rule.unmeasured:
            return
        if rule.comparison is not None:
            previous = self._measure.value(at - rule.comparison, rule.window)
            if not previous:
                return
            value = value / previous * 100
        change = self._state.step(at, value)
        if at < self._since:
            if change is not None:
                self.in_alarm_since = None if change.status == "resolved" else self.in_alarm_since or at
            return
        if at >= self._before:
            return
        near = self.nearest
        met = _met(threshold, value)
        better = near.value is None or (
            value > near.value if threshold.op in _UPWARDS else value < near.value
        )
        if (met and not near.met) or (better and met == near.met):
            near.value, near.at = value, at
        near.met |= met
        near.in_time |= met and at + self._delays.metric_after <= self._until


def _met(threshold: Threshold, value: float) -> bool:
    limit = threshold.value
    return {
        "gt": value > limit,
        "gte": value >= limit,
        "lt": value < limit,
        "lte": value <= limit,
        "eq": value == limit,
        "ne": value != limit,
    }[threshold.op]
