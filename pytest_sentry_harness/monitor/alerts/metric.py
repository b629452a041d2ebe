"""One metric rule at work: rows in, changes of its incident out. Sentry docs, "Metric Alerts"."""

from __future__ import annotations

from dataclasses import dataclass

from .checks import span
from .coverage import Coverage
from .incidents import Change, DetectorState, TriggerIncident
from .measures import Measure, is_crash_free
from .model import MetricRule


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A change, and what was measured."""

    change: Change
    value: float
    because: str


class MetricWatch:
    """Holds the rows of a rule's windows and the state of its incident. ``late``: how far behind it may decide, seconds."""

    def __init__(self, rule: MetricRule, coverage: Coverage | None, late: float = 0.0) -> None:
        self.rule = rule
        self.measure = Measure(rule, late)
        machine = DetectorState if rule.stateful else TriggerIncident
        self._incident: DetectorState | TriggerIncident = machine(rule, coverage)
        self._last = float("-inf")

    def evaluate(self, at: float) -> Evaluated | None:
        """Decide over the window that ends at ``at``. None: nothing changes.

        An evaluation that is not after the last one is left out, as are those without sessions (of crash-free
        rates; they begin the count of consecutive evaluations anew) and without anything to compare with.
        """
        rule = self.rule
        if at <= self._last or rule.dynamic or rule.unmeasured:
            return None
        self._last = at
        current = self.measure.value(at, rule.window)
        if current is None:
            self._incident.reset()
            return None
        value = current
        if rule.comparison is not None:
            previous = self.measure.value(at - rule.comparison, rule.window)
            if not previous:
                return None
            value = current / previous * 100
        change = self._incident.step(at, value)
        if change is None:
            return None
        return Evaluated(change, value, self._because(change))

    def _because(self, change: Change) -> str:
        rule = self.rule
        name = "crash-free rate" if is_crash_free(rule) else rule.aggregate
        if rule.comparison is not None:
            compared = f" of {span(rule.comparison)} ago"
            return f"{name} in {span(rule.window)} is {change.figure} %{compared} {change.said} %"
        return f"{name} in {span(rule.window)} is {change.figure} {change.said}"
