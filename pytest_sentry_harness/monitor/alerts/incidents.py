"""States of metric rules: when an incident opens, changes and closes. Sentry docs, "Metric Alerts".

Two generations, two machines: a rule of ``/alert-rules/`` has triggers that are active or not; a detector has one
priority that follows its conditions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .coverage import Coverage
from .legacy_thresholds import AUTO_RESOLVE
from .model import Action, Comparator, Label, MetricRule, Threshold

Status = Literal["critical", "warning", "triggered", "resolved"]
COOLDOWN = 600.0
"""A trigger of ``/alert-rules/`` takes part in no second incident within so many seconds of the first."""
PRIORITY: dict[Status, int] = {"critical": 75, "warning": 50, "triggered": 25, "resolved": 0}
COMPARE: dict[Comparator, Callable[[float, float], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "ne": operator.ne,
}
_WORDS: dict[Comparator, str] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=", "ne": "!="}


@dataclass(frozen=True, slots=True)
class Change:
    """The incident of a rule has another status now."""

    status: Status
    before: Status
    actions: tuple[Action, ...]
    figure: str
    """What was measured."""
    said: str
    """Comparison that made it so, such as ``> 100``; true as it is written, of ``figure`` too."""


def holds(threshold: Threshold, value: float, coverage: Coverage | None) -> bool:
    """Whether ``value`` is beyond ``threshold``."""
    outcome = COMPARE[threshold.op](value, threshold.value)
    return outcome if coverage is None else coverage.note(threshold.number, outcome)


def compared(op: Comparator, value: float, limit: float) -> tuple[str, str]:
    """``value``, and ``op`` with ``limit``: so exact that the comparison holds as it is written."""
    for digits in (6, 9, 12, 17):
        left, right = _figure(value, digits), _figure(limit, digits)
        if COMPARE[op](float(left), float(right)):
            break
    return left, f"{_WORDS[op]} {right}"


def _figure(value: float, digits: int) -> str:
    whole = abs(value) < 1e15 and value == int(value)
    return str(int(value)) if whole else f"{value:.{digits}g}"


class TriggerIncident:
    """Of a rule of ``/alert-rules/``."""

    def __init__(self, rule: MetricRule, coverage: Coverage | None) -> None:
        self._rule, self._coverage = rule, coverage
        self._resolving = {trigger.label: self._resolve_of(trigger) for trigger in rule.thresholds}
        self._alerts: dict[Label, int] = {trigger.label: 0 for trigger in rule.thresholds}
        self._resolves = dict(self._alerts)
        self._active: set[Label] = set()
        self._opened: float | None = None
        self._was_critical = False
        self._last_incident: dict[Label, float] = {}

    def reset(self) -> None:
        """There was no data: consecutive evaluations begin anew."""
        for label in self._alerts:
            self._alerts[label] = self._resolves[label] = 0

    def step(self, at: float, value: float) -> Change | None:
        """One evaluation. None: nothing changes."""
        before = self._status()
        figure = said = ""
        changed = fired = False
        for trigger in self._rule.thresholds:
            label = trigger.label
            if holds(trigger, value, self._coverage) and label not in self._active:
                if self._alert(label, at):
                    if not said:
                        figure, said = compared(trigger.op, value, trigger.value)
                    changed = fired = True
            else:
                self._alerts[label] = 0
            if self._is_well(label, value) and label in self._active:
                self._resolves[label] += 1
                if self._resolves[label] >= self._rule.period:
                    self._active.discard(label)
                    self._resolves[label] = 0
                    figure, said = self._why_well(trigger, value)
                    changed = True
            else:
                self._resolves[label] = 0
        if not changed:
            return None
        status = self._status()
        self._was_critical |= status == "critical"
        actions = self._actions(status, fired)
        if not self._active:
            self._opened, self._was_critical = None, False
        return Change(status, before, actions, figure, said)

    def _alert(self, label: Label, at: float) -> bool:
        self._alerts[label] += 1
        last = self._last_incident.get(label)
        if (last is not None and at - last <= COOLDOWN) or self._alerts[label] < self._rule.period:
            return False
        if self._opened is None:
            self._opened = at
        self._active.add(label)
        self._last_incident[label] = self._opened
        self._alerts[label] = 0
        return True

    def _is_well(self, label: Label, value: float) -> bool:
        well = self._resolving[label]
        coverage = self._coverage if well in self._rule.resolve else None
        return holds(well, value, coverage)

    def _resolve_of(self, trigger: Threshold) -> Threshold:
        """The given one belongs to the least grave trigger; others are well on the other side of their own."""
        if self._rule.resolve and trigger is self._rule.thresholds[-1]:
            return self._rule.resolve[0]
        above = trigger.op == "gt"
        value = trigger.value + (AUTO_RESOLVE if above else -AUTO_RESOLVE)
        return Threshold(label=trigger.label, op="lt" if above else "gt", value=value)

    def _why_well(self, trigger: Threshold, value: float) -> tuple[str, str]:
        """At its own threshold a trigger is well already: that is what the little amount beyond it is for."""
        well = self._resolving[trigger.label]
        op: Comparator = "lte" if trigger.op == "gt" else "gte"
        if well not in self._rule.resolve and COMPARE[op](value, trigger.value):
            return compared(op, value, trigger.value)
        return compared(well.op, value, well.value)

    def _status(self) -> Status:
        if not self._active:
            return "resolved"
        return "critical" if "critical" in self._active else "warning"

    def _actions(self, status: Status, fired: bool) -> tuple[Action, ...]:
        """All actions where it is or was critical, those of the warning where it never was."""
        everybody = status == "critical" or self._was_critical or (not fired and status == "warning")
        chosen = [t for t in self._rule.thresholds if everybody or t.label == "warning"]
        return tuple(action for trigger in chosen for action in trigger.actions)


class DetectorState:
    """Of a detector: the gravest condition that is true decides; where none is, it stays as it was."""

    def __init__(self, rule: MetricRule, coverage: Coverage | None) -> None:
        self._rule, self._coverage = rule, coverage
        self._status: Status = "resolved"
        self._wanted: tuple[Status, int] = ("resolved", 0)

    def reset(self) -> None:
        """There was no data: consecutive evaluations begin anew."""
        self._wanted = (self._status, 0)

    def step(self, at: float, value: float) -> Change | None:
        """One evaluation; when it is does not matter. None: nothing changes."""
        rule, found = self._rule, None
        for threshold in (*rule.thresholds, *rule.resolve):
            if holds(threshold, value, self._coverage) and found is None:
                found = threshold
        if found is None:
            self.reset()
            return None
        status: Status = found.label if found in rule.thresholds else "resolved"
        if status == self._status:
            self.reset()
            return None
        count = self._wanted[1] + 1 if self._wanted[0] == status else 1
        self._wanted = (status, count)
        if count < rule.period:
            return None
        before, self._status = self._status, status
        self.reset()
        return Change(status, before, found.actions, *compared(found.op, value, found.value))
