"""Which faults a metric rule can see: what it decides about is a figure, and not every fault is in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..model.alerting import Put
from ..model.monitored import Data
from ..monitor.alerts.attributes import environment_of
from ..monitor.alerts.listening import listens
from ..monitor.alerts.measures import Measure, with_issue
from ..monitor.alerts.model import MetricRule, Rule
from ..monitor.fields import fields_of_event, fields_of_transaction
from ..monitor.notifications.notice import clean
from .alerting_replay import Step, replay
from .alerting_why import Monitored

_MOST_TRACES = 100_000


class Counted:
    """Looks at what arrived, once, when the first is asked about. ``names``: of rules that were raised."""

    def __init__(self, monitored: Monitored, names: Collection[str]) -> None:
        self._monitored = monitored
        rules = monitored.rules.rules
        self._measures = {
            clean(rule.name): [Measure(each) for each in detectors_of(rule, rules)]
            for rule in reversed(rules)
            if clean(rule.name) in names
        }
        self._read = False
        self._events: dict[str, set[str]] = defaultdict(set)
        """By rule, the ids of those that it counts."""
        self._trace: dict[str, str] = {}
        """Of an event."""
        self._transactions: dict[str, dict[str, list[tuple[float, bool]]]] = defaultdict(dict)
        """By rule and trace: when each came, and whether the rule counts it."""

    def sees(self, rule: str, puts: Sequence[Put], until: float) -> bool | None:
        """Whether ``rule`` counted one of the events ``puts`` up to ``until``, or a transaction of their traces.

        None: nobody knows. So of sessions, which belong to no fault, and of transactions where no trace has one.
        """
        measures = self._measures.get(rule, [])
        kinds = {each.kind for each in measures}
        if not kinds or "session" in kinds:
            return None
        if not self._read:
            self._look()
        known: list[bool] = []
        if "event" in kinds:
            known.append(any(put.at <= until and put.event_id in self._events[rule] for put in puts))
        if "transaction" in kinds:
            traces = {self._trace.get(put.event_id, "") for put in puts}
            came = [
                taken
                for trace in traces
                for at, taken in self._transactions[rule].get(trace, ())
                if at <= until
            ]
            if not came:
                return True if any(known) else None
            known.append(any(came))
        return any(known)

    def _look(self) -> None:
        self._read = True
        told = self._monitored
        for step in replay(told.items(), told.puts, told.delays.ingest):
            if step.seen is not None:
                self._see(step)
            elif step.item.item_type == "transaction":
                self._see_transaction(step)

    def _see(self, step: Step) -> None:
        assert step.seen is not None
        event = step.seen.event
        row, environment = with_issue(fields_of_event(event), step.seen), environment_of(event.data)
        for rule, measures in self._measures.items():
            if any(each.kind == "event" and each.takes(step.at, environment, row) for each in measures):
                self._events[rule].add(event.event_id)
        if len(self._trace) < _MOST_TRACES:
            self._trace[event.event_id] = trace_of(event.data)

    def _see_transaction(self, step: Step) -> None:
        data = step.item.data
        trace = trace_of(data)
        if not trace:
            return
        row = fields_of_transaction(data, project=step.item.project, received_at=step.at)
        for rule, measures in self._measures.items():
            asked = [each for each in measures if each.kind == "transaction"]
            if asked and len(self._transactions[rule]) < _MOST_TRACES:
                taken = any(each.takes(step.at, environment_of(data), row) for each in asked)
                self._transactions[rule].setdefault(trace, []).append((step.at, taken))


def detectors_of(rule: Rule, rules: Sequence[Rule]) -> list[MetricRule]:
    """The metric rules that decide for ``rule``: itself, or those that a workflow listens to."""
    if isinstance(rule, MetricRule):
        return [rule]
    return [each for each in rules if isinstance(each, MetricRule) and listens(rule, each)]


def trace_of(data: Data) -> str:
    """The id of its trace; empty: it has none."""
    found: Any = data
    for key in ("contexts", "trace", "trace_id"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""
