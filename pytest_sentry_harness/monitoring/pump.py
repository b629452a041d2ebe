"""From what arrived to the alerts it leads to: issues, archiving, rules, classification. Pure but for what it hands on.

The time is what is handed in, and never goes back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from ..errors import ProtocolError
from ..model.alerting import Put
from ..model.arrival import Arrival
from ..model.classified import Classified
from ..model.delays import Delays, next_multiple
from ..model.monitored import Alert, Event, Seen
from ..monitor.alerts.evaluator import Evaluator
from ..monitor.alerts.measures import with_issue
from ..monitor.alerts.model import MetricRule
from ..monitor.alerts.sessions import SessionItem
from ..monitor.classification import classify
from ..monitor.fields import fields_of_event
from ..monitor.issues import Issues
from ..protocol.tolerant import json_object
from .inputs import Inputs

EVERY = 0.25
"""Seconds between decisions of metric rules that have no time table."""
_ROUNDING = 1e-3


class Submit(Protocol):
    """Takes an alert."""

    def __call__(self, alert: Alert, *, classified: Classified | None, environment: str) -> object:
        """See ``Policy.submit``."""
        ...


class Pump:
    """Issues and rules at work. ``put`` gets each event that was put to its issue before rules see it, ``submit`` each alert."""

    def __init__(self, inputs: Inputs, delays: Delays, *, put: Callable[[Put], None], submit: Submit) -> None:
        self._inputs, self._delays = inputs, delays
        self._put, self._submit = put, submit
        self._issues = Issues(inputs.grouping)
        self._evaluator = Evaluator(inputs.rules, delays=delays)
        self._rules = inputs.rules.rules
        self._metrics = any(isinstance(rule, MetricRule) and rule.enabled for rule in self._rules)
        self._steady = self._metrics and not delays.metric_every
        """Metric rules decide whenever they are asked."""
        self._fed_at: float | None = None
        """When something was last put in."""
        self._ticked_at = 0.0
        self.unread = 0
        """Arrivals whose payload could not be read."""

    def see(self, arrival: Arrival, payload: bytes, now: float) -> None:
        """Something arrived, and ingestion has come to it at ``now``."""
        try:
            data = json_object(payload, f"the {arrival.item_type}")
        except ProtocolError:
            self.unread += 1
            return
        self._fed_at = now
        if arrival.item_type == "event":
            alerts = self._see_event(arrival, data, now)
        elif arrival.item_type == "transaction":
            alerts = self._evaluator.see_transaction(data, at=now, project=arrival.project)
        else:
            item: SessionItem = "session" if arrival.item_type == "session" else "sessions"
            alerts = self._evaluator.see_session(data, at=now, project=arrival.project, item=item)
        self._hand_on(alerts)

    def tick(self, now: float) -> None:
        """Everything that came until ``now`` was seen: decide what is due."""
        if self._is_due(now):
            self._ticked_at = now
            self._hand_on(self._evaluator.tick(now))

    def next_due(self) -> float | None:
        """When ``tick`` is to be called next; None: not before something is seen."""
        if self._steady:
            return self._ticked_at + EVERY
        return self._evaluator.next_due()

    def under_way(self) -> list[str]:
        """What will still be decided because of what was seen, a sentence each."""
        found = []
        if count := self._evaluator.put_off:
            found.append(f"decisions put off: {count}")
        if self._metrics and self._fed_at is not None:
            every, after = self._delays.metric_every, self._delays.metric_after
            if self._ticked_at < next_multiple(self._fed_at, every) + after - _ROUNDING:
                found.append("metric rules had still to decide about what came last")
        return found

    def _is_due(self, now: float) -> bool:
        if self._steady:
            seen_since = self._fed_at is not None and self._fed_at >= self._ticked_at
            return seen_since or now >= self._ticked_at + EVERY
        due = self._evaluator.next_due()
        return due is not None and due <= now

    def _see_event(self, arrival: Arrival, data: dict[str, Any], now: float) -> list[Alert]:
        event = Event(
            cursor=arrival.cursor,
            received_at=now,
            project=arrival.project,
            event_id=arrival.event_id or "",
            data=data,
        )
        seen = self._archive(self._issues.see(event))
        self._put(
            Put(
                cursor=arrival.cursor,
                event_id=event.event_id,
                received_at=arrival.received_at,
                at=now,
                issue=seen.issue.number,
                title=seen.issue.title,
                state=seen.issue.state,
                is_new=seen.is_new,
                is_regression=seen.is_regression,
                has_reappeared=seen.has_reappeared,
            )
        )
        return self._evaluator.see(seen)

    def _archive(self, seen: Seen) -> Seen:
        """``seen``, archived if it is a new issue that one of the searches means."""
        if not (seen.is_new and self._inputs.archived):
            return seen
        fields = with_issue(fields_of_event(seen.event), seen)
        now = seen.event.received_at
        if not any(search.matches(fields, now=now) for search in self._inputs.archived):
            return seen
        return replace(seen, issue=self._issues.ignore(seen.issue.number, now))

    def _hand_on(self, alerts: list[Alert]) -> None:
        for alert in alerts:
            classified = None
            if alert.event is not None:
                classified = classify(alert.event.data, self._inputs.classification)
            environment = self._rules[alert.rule_index].environment or ""
            self._submit(alert, classified=classified, environment=environment)
