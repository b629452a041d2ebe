"""The account of an audit trail: how each notification, and each alert, ended.

Counted from the trail alone, not from a policy's state, so that each checks the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ...model.notified import (
    Dead,
    Delivered,
    Noted,
    Queued,
    Raised,
    Reason,
    Summarised,
    Suppressed,
    Throttled,
)

End = Literal["delivered", "suppressed", "throttled", "dead", "pending"]
_BEST: tuple[End, ...] = ("delivered", "pending", "dead", "throttled", "suppressed")
"""How an alert with several notifications ended: as the first of these that one of them did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Things, and how they ended."""

    total: int
    delivered: int
    suppressed: Mapping[Reason, int]
    throttled: int
    dead: int
    pending: int

    @property
    def closes(self) -> bool:
        """Whether every one ended in one way."""
        ended = self.delivered + sum(self.suppressed.values()) + self.throttled + self.dead
        return self.total == ended + self.pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Alerts, and their notifications: one for each channel, escalation or follow-up; summaries apart."""

    alerts: Sum
    notifications: Sum
    summaries: Sum
    wrong: tuple[str, ...]
    """Contradictions in the trail, one sentence each, 20 at most: ended twice, ended but never queued, never accounted for."""

    @property
    def closes(self) -> bool:
        """Whether all sums close and nothing contradicts anything."""
        return not self.wrong and all(
            each.closes for each in (self.alerts, self.notifications, self.summaries)
        )


def books(trail: Iterable[Noted]) -> Books:
    """The account of ``trail``. One pass."""
    ledger = _Ledger()
    for record in trail:
        ledger.enter(record)
    return ledger.close()


class _Ledger:
    def __init__(self) -> None:
        self._alerts: dict[str, list[tuple[End, Reason | None]]] = {}
        self._summaries: set[str] = set()
        self._queued: dict[str, tuple[str, End]] = {}
        self._direct: list[tuple[str, End, Reason | None]] = []
        self._wrong: list[str] = []

    def enter(self, record: Noted) -> None:
        match record:
            case Raised():
                if record.alert_id in self._alerts:
                    self._wrong.append(f"alert {record.alert_id} was raised twice")
                self._alerts[record.alert_id] = []
            case Summarised():
                self._summaries.add(record.alert_id)
            case Queued():
                if record.delivery_id in self._queued:
                    self._wrong.append(f"{record.delivery_id} was queued twice")
                self._queued[record.delivery_id] = (record.alert_id, "pending")
            case Suppressed():
                self._direct.append((record.alert_id, "suppressed", record.reason))
            case Throttled():
                self._direct.append((record.alert_id, "throttled", None))
            case Delivered() | Dead():
                self._ended(record)

    def _ended(self, record: Delivered | Dead) -> None:
        found = self._queued.get(record.delivery_id)
        if found is None:
            self._wrong.append(f"{record.delivery_id} ended but was never queued")
        elif found[1] != "pending":
            self._wrong.append(f"{record.delivery_id} ended twice: {found[1]}, then {record.KIND}")
        else:
            self._queued[record.delivery_id] = (
                found[0],
                "delivered" if isinstance(record, Delivered) else "dead",
            )

    def close(self) -> Books:
        notifications: list[tuple[End, Reason | None]] = []
        summaries: list[tuple[End, Reason | None]] = []
        queued = ((alert_id, end, None) for alert_id, end in self._queued.values())
        for alert_id, end, reason in (*self._direct, *queued):
            if alert_id in self._summaries:
                summaries.append((end, reason))
            elif alert_id in self._alerts:
                notifications.append((end, reason))
                self._alerts[alert_id].append((end, reason))
            else:
                self._wrong.append(f"a notification is of alert {alert_id}, which was never raised")
        alerts = []
        for alert_id, ends in self._alerts.items():
            if ends:
                alerts.append(min(ends, key=lambda entry: _BEST.index(entry[0])))
            else:
                self._wrong.append(f"nothing became of alert {alert_id}")
        return Books(
            alerts=_sum(len(self._alerts), alerts),
            notifications=_sum(len(notifications), notifications),
            summaries=_sum(len(self._summaries), summaries),
            wrong=tuple(self._wrong[:20]),
        )


def _sum(total: int, ends: list[tuple[End, Reason | None]]) -> Sum:
    counts = Counter(end for end, _ in ends)
    return Sum(
        total=total,
        delivered=counts["delivered"],
        suppressed=dict(Counter(reason for _, reason in ends if reason is not None)),
        throttled=counts["throttled"],
        dead=counts["dead"],
        pending=counts["pending"],
    )
