"""What is known of alerts and their notifications: a fold over the records of the audit trail, and nothing else.

Live and after a restart the same records go through ``State.apply``, so that both know the same.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Literal

from ...model.notified import (
    Acknowledged,
    Action,
    Attempted,
    Dead,
    Delivered,
    Escalated,
    Lifecycle,
    Lifted,
    Noted,
    Queued,
    Raised,
    Resolved,
    Summarised,
    Suppressed,
    Throttled,
)
from .notices import Notices
from .settings import Notifications, Throttle
from .suppressing import Standing

_PRUNE = 1024


@dataclass(slots=True)
class Pending:
    """A notification whose end is not known yet."""

    delivery_id: str
    alert_id: str
    channel: str
    incident: str
    action: Action
    step: int
    due_at: float
    key: str = ""
    attempts: int = 0
    taken: bool = False
    """A sender has it."""


@dataclass(slots=True)
class Incident:
    """Something that is open until it is resolved."""

    key: str
    alert_id: str
    """Of the alert that opened it."""
    opened_at: float
    state: Lifecycle = "triggered"
    escalated: set[int] = field(default_factory=set)
    told: dict[str, None] = field(default_factory=dict)
    """Channels that were notified of it, in their order."""


@dataclass(slots=True)
class Held:
    """Notifications that a throttle holds back, until they are summarised."""

    summary_at: float
    """A window after the first of them: one summary for each window, so that it does not take the place of alerts."""
    count: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    severities: set[str] = field(default_factory=set)


Kind = Literal["delivery", "escalation", "summary"]


class State:
    """See above. Each record costs O(log n) at most, n being what is scheduled."""

    def __init__(self, settings: Notifications) -> None:
        self._settings = settings
        self.raised = 0
        self.summaries = 0
        self.notices = Notices()
        self.pending: dict[str, Pending] = {}
        self.incidents: dict[str, Incident] = {}
        self.standings: dict[str, Standing] = defaultdict(Standing)
        self.held: dict[str, Held] = {}
        self.agenda: list[tuple[float, int, Kind, str, int]] = []
        """When, order, what, its key, the number of the escalation."""
        self._order = 0
        self._recent: dict[str, deque[float]] = {}
        self._accepted: dict[tuple[str, str], tuple[float, float]] = {}
        self._prune_at = _PRUNE

    def apply(self, record: Noted) -> None:
        """Take in one record; records of kinds that change nothing are passed over."""
        match record:
            case Raised():
                self._raised(record)
            case Summarised():
                self.summaries += 1
                self.notices[record.alert_id] = record.notice
                self.held.pop(record.channel, None)
            case Queued():
                self._queued(record)
            case Suppressed():
                self._suppressed(record)
            case Lifted():
                self.standings[record.by].lifted = True
            case Throttled():
                self._throttled(record)
            case Attempted():
                self._attempted(record)
            case Delivered() | Dead():
                self._ended(record)
            case Acknowledged():
                self._move(record.incident, "acknowledged")
            case Resolved():
                self._move(record.incident, "resolved")
            case Escalated():
                self._escalated(record)

    def last_accepted(self, channel: str, key: str, now: float) -> float | None:
        """When a notification of this key was last accepted, if another now would be its duplicate."""
        found = self._accepted.get((channel, key))
        return found[0] if found is not None and found[0] <= now < found[0] + found[1] else None

    def room_at(self, channel: str, now: float) -> float:
        """When ``channel`` takes another notification: ``now``, or later when its throttle is closed."""
        throttle = self._throttle(channel)
        recent = self._recent.get(channel)
        if throttle is None or recent is None:
            return now
        while recent and recent[0] + throttle.window <= now:
            recent.popleft()
        return now if len(recent) < throttle.most else recent[-throttle.most] + throttle.window

    def schedule(self, at: float, kind: Kind, key: str, number: int = 0) -> None:
        """Have something looked at, at that time."""
        self._order += 1
        heapq.heappush(self.agenda, (at, self._order, kind, key, number))

    def _throttle(self, channel: str) -> Throttle | None:
        known = self._settings.channels.get(channel)
        return None if known is None else known.throttle

    def _raised(self, record: Raised) -> None:
        self.raised += 1
        self.notices[record.alert_id] = record.notice
        if not record.opens:
            return
        self.incidents[record.incident] = Incident(record.incident, record.alert_id, record.at)
        for number, escalation in enumerate(self._settings.escalations, start=1):
            if escalation.match(record.notice):
                self.schedule(record.at + escalation.after, "escalation", record.incident, number)

    def _queued(self, record: Queued) -> None:
        pending = Pending(
            record.delivery_id,
            record.alert_id,
            record.channel,
            record.incident,
            record.action,
            record.step,
            record.at,
            record.key,
        )
        self.pending[record.delivery_id] = pending
        self.schedule(record.at, "delivery", record.delivery_id)
        incident = self.incidents.get(record.incident)
        if incident is not None and record.action == "trigger":
            incident.told[record.channel] = None
        if self._throttle(record.channel) is not None:
            self._recent.setdefault(record.channel, deque()).append(record.at)
        if record.key:
            self._accepted[record.channel, record.key] = (record.at, record.window)
            self._prune(record.at)

    def _prune(self, now: float) -> None:
        if len(self._accepted) >= self._prune_at:
            self._accepted = {key: entry for key, entry in self._accepted.items() if now < sum(entry)}
            self._prune_at = max(_PRUNE, 2 * len(self._accepted))

    def _suppressed(self, record: Suppressed) -> None:
        if record.by:
            standing = self.standings[record.by]
            standing.release = standing.release or record.release
            standing.count += record.counts

    def _throttled(self, record: Throttled) -> None:
        held = self.held.get(record.channel)
        if held is None:
            throttle = self._throttle(record.channel)
            at = record.at + (throttle.window if throttle is not None else 0.0)
            held = self.held[record.channel] = Held(at)
            self.schedule(at, "summary", record.channel)
        held.count += 1
        held.rules[record.rule] = held.rules.get(record.rule, 0) + 1
        held.severities.add(record.severity)

    def _attempted(self, record: Attempted) -> None:
        pending = self.pending.get(record.delivery_id)
        if pending is None:
            return
        pending.attempts = record.attempt
        pending.taken = False
        if record.next_at is not None:
            pending.due_at = record.next_at
            self.schedule(record.next_at, "delivery", record.delivery_id)

    def _ended(self, record: Delivered | Dead) -> None:
        pending = self.pending.pop(record.delivery_id, None)
        if pending is None:
            return
        if isinstance(record, Dead):
            # Nobody was told: the next one of its key is no duplicate.
            self._accepted.pop((pending.channel, pending.key), None)

    def _move(self, key: str, state: Lifecycle) -> None:
        incident = self.incidents.get(key)
        if incident is None:
            return
        incident.state = state
        if state == "resolved":
            del self.incidents[key]

    def _escalated(self, record: Escalated) -> None:
        incident = self.incidents.get(record.incident)
        if incident is not None:
            incident.escalated.add(record.step)
