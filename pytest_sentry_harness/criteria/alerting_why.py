"""What is said of a notification that was missed, and what has to be known to say it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..model.account import Account
from ..model.alerted import Missed
from ..model.alerting import Ending, Put
from ..model.delays import Delays
from ..monitor.alerts.model import Rules
from .alerting_claims import Alert, Claims
from .alerting_replay import Items

MOST_EVENTS = 5
MOST_ISSUES = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """What to look at, bounded."""

    events: tuple[str, ...] = ()
    issues: tuple[int, ...] = ()

    @classmethod
    def of(cls, events: Iterable[str], issues: Iterable[int]) -> Shown:
        """Each once, the first of them."""
        return cls(
            tuple(dict.fromkeys(events))[:MOST_EVENTS],
            tuple(dict.fromkeys(issues))[:MOST_ISSUES],
        )

    @classmethod
    def of_puts(cls, puts: Sequence[Put]) -> Shown:
        """Events that were put to issues."""
        return cls.of((put.event_id for put in puts), (put.issue for put in puts))


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of a missed notification."""

    reason: Missed
    because: str
    where: str = ""
    """Key path in the file of rules."""
    shown: Shown = Shown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitored:
    """What is known of a monitor beside its trail."""

    rules: Rules
    delays: Delays
    puts: Sequence[Put]
    ending: Ending | None
    items: Items
    account: Account
    """Of the faults: what became of those that never arrived."""

    @property
    def until(self) -> float:
        """When it ended."""
        return float("inf") if self.ending is None else self.ending.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was found out so far."""

    claims: Claims
    raised: Sequence[Alert]
    monitored: Monitored

    def of_event(self, event_id: str) -> str:
        """Of which incident an event is, for people."""
        of = self.claims.incidents_of_event(event_id)
        return f"fault {of[0].fault!r}, incident {of[0].number}" if of else "no fault"
