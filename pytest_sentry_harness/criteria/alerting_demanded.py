"""What one channel must be told of one alert that is expected: by what the routes do, and by what the scenario demands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..model.notified import Receipt
from ..model.scenario import ExpectedAlert
from .alerting_claims import GRAVITY, Claim, Way


@dataclass(slots=True, eq=False)
class Notification:
    """What is expected of one channel: that it is told of one claim, once."""

    claim: Claim
    channel: str
    """Empty: the rule never decided, or no route took its alert."""
    ways: list[Way]
    status: str = ""
    """What it has to be told as, at least; empty: any."""
    way: Way | None = None
    """The one that was delivered."""
    receipt: Receipt | None = None
    taken: list[tuple[Way, Receipt]] = field(default_factory=list)
    """All of it that the receiver took, in the order of time."""

    @property
    def least(self) -> int:
        """How grave it has to be."""
        return GRAVITY.get(self.status, 0)

    @property
    def grave_ways(self) -> list[Way]:
        """Those of which one has to be delivered: the gravest that were sent at all, and none that is not grave enough."""
        enough = [way for way in self.ways if way.alert.gravity >= self.least] or self.ways
        sent = [way.alert.gravity for way in enough if not way.kept]
        return [way for way in enough if way.alert.gravity >= max(sent)] if sent else enough

    @property
    def is_told(self) -> bool:
        """Whether the receiver took what it has to be told: of what became graver, that as well."""
        grave = {id(way) for way in self.grave_ways if way.alert.gravity >= self.least}
        return any(id(way) in grave for way, _ in self.taken)

    @property
    def latency(self) -> float | None:
        """Seconds from the first fault to the receipt; None: it was missed."""
        return None if self.receipt is None else self.receipt.at - self.claim.incident.began


def demanded(claim: Claim, wanted: Iterable[ExpectedAlert]) -> dict[str, str]:
    """By channel, as what it has to be told of ``claim``, at least.

    A status that is expected of no channel in particular must be reached in one: where none of them reaches it, all fail.
    """
    found: dict[str, str] = {}
    for each in wanted:
        least = GRAVITY.get(each.status, 0)
        reached = [
            name for name, ways in claim.ways.items() if any(way.alert.gravity >= least for way in ways)
        ]
        channels = [each.channel] if each.channel else reached or [*claim.ways, ""]
        for channel in channels:
            if least > GRAVITY.get(found.get(channel, ""), 0):
                found[channel] = each.status
    return found
