"""Audit trail and receipts to one account: what became of every expected notification, and what every one received was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..model.alerted import Extra, Missed
from ..model.notified import (
    Attempted,
    Dead,
    Delivered,
    Noted,
    Queued,
    Raised,
    Receipt,
    Summarised,
    Suppressed,
    Throttled,
)
from .alerting_claims import Alert, Claims, Way
from .alerting_demanded import Notification, demanded

_KEPT = {
    "no-route": Missed.NO_ROUTE,
    "no-action": Missed.TELLS_NOBODY,
    "muted": Missed.MUTED,
    "quiet-hours": Missed.QUIET_HOURS,
    "duplicate": Missed.SUPPRESSED_AS_DUPLICATE,
}


@dataclass(slots=True, eq=False)
class Unwanted:
    """A notification that was received and nobody wanted."""

    alert: Alert
    channel: str
    reason: Extra
    because: str


@dataclass(slots=True)
class OfChannel:
    """What came to one receiver."""

    received: int = 0
    refused: int = 0
    signature_invalid: int = 0
    dead: int = 0


@dataclass(slots=True)
class Notifications:
    """The account of a run's notifications."""

    expected: list[Notification] = field(default_factory=list)
    duplicates: list[Unwanted] = field(default_factory=list)
    false: list[Unwanted] = field(default_factory=list)
    false_alerts: list[Alert] = field(default_factory=list)
    """All that were raised, told to somebody or not."""
    resolutions: int = 0
    escalations: int = 0
    summaries: int = 0
    lesser: int = 0
    """Taken, of expected ones that are missed all the same."""
    dead: list[tuple[Way | None, str]] = field(default_factory=list)
    """What was given up, with its channel; None: a summary."""
    unknown: list[tuple[str, Receipt]] = field(default_factory=list)
    """With their channels."""
    channels: dict[str, OfChannel] = field(default_factory=dict)
    raised: list[Alert] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def received(self) -> int:
        """What the receivers took."""
        return sum(each.received for each in self.channels.values())


def notifications_of(
    claims: Claims, trail: Iterable[Noted], receipts: Mapping[str, Iterable[Receipt]]
) -> Notifications:
    """The account; ``receipts`` by channel. Pure. Whatever they hold, each receipt is counted once."""
    book = _Book(claims)
    for record in trail:
        book.enter(record)
    book.expect()
    taken = ((channel, each) for channel in receipts for each in receipts[channel])
    for channel in receipts:
        book.found.channels.setdefault(channel, OfChannel())
    for channel, receipt in sorted(taken, key=lambda pair: pair[1].at):
        book.receive(channel, receipt)
    book.settle()
    return book.found


def is_taken(receipt: Receipt) -> bool:
    """Whether the receiver took it: it said so, or had it and never answered (0)."""
    good = range(200, 300) if receipt.protocol == "http" else range(250, 260)
    return not receipt.status or receipt.status in good


class _Book:
    """Reads the trail, then the receipts."""

    def __init__(self, claims: Claims) -> None:
        self.found = Notifications()
        self._claims = claims
        self._alerts: dict[str, Alert] = {}
        self._summaries: set[str] = set()
        self._ways: dict[str, Way] = {}
        self._of_alert: dict[tuple[str, str], list[Way]] = defaultdict(list)
        """By alert and channel."""
        self._expected: dict[tuple[int, str], Notification] = {}
        self._over: set[str] = set()
        """Deliveries that have ended."""

    def enter(self, record: Noted) -> None:
        """Take in one record of the trail."""
        match record:
            case Raised() if record.alert_id not in self._alerts:
                alert = self._alerts[record.alert_id] = self._claims.enter(record)
                self.found.raised.append(alert)
                if alert.extra is not None:
                    self.found.false_alerts.append(alert)
            case Summarised():
                self._summaries.add(record.alert_id)
            case Queued():
                self._queued(record)
            case Suppressed():
                self._kept(record, _KEPT[record.reason], record.step)
            case Throttled():
                self._kept(record, Missed.THROTTLED, record.step)
            case Attempted() if record.delivery_id in self._ways:
                self._ways[record.delivery_id].tries.append(record)
            case Delivered() | Dead():
                self._ended(record)

    def expect(self) -> None:
        """The trail is read: what was to be delivered is known."""
        for claim in self._claims.all():
            wanted = self._claims.wanted_of(claim)
            # No route for one alert of a claim is no loss where another one found its way.
            named = [each.channel for each in wanted if each.channel]
            channels = list(dict.fromkeys([*(name for name in claim.ways if name), *named])) or [""]
            status = demanded(claim, wanted)
            for channel in channels:
                expected = Notification(claim, channel, claim.ways.get(channel, []), status.get(channel, ""))
                self._expected[id(claim), channel] = expected
                self.found.expected.append(expected)

    def settle(self) -> None:
        """The receipts are read: what was delivered is known."""
        for expected in self.found.expected:
            self._settle(expected)

    def receive(self, channel: str, receipt: Receipt) -> None:
        """Take in one receipt, in the order of time."""
        found, book = self.found, self.found.channels[channel]
        book.signature_invalid += receipt.signature == "invalid"
        if not is_taken(receipt):
            book.refused += 1
            return
        book.received += 1
        if receipt.alert_id in self._summaries:
            found.summaries += 1
            return
        way = self._way(channel, receipt)
        if way is None:
            found.unknown.append((channel, receipt))
        elif way.step > 0:
            found.escalations += 1
        elif way.action != "trigger" or way.alert.resolves:
            found.resolutions += 1
        elif way.alert.claim is None:
            reason = way.alert.extra or Extra.EVENT_OF_NO_FAULT
            found.false.append(Unwanted(way.alert, channel, reason, way.alert.because))
        else:
            self._expected[id(way.alert.claim), channel].taken.append((way, receipt))

    def _settle(self, expected: Notification) -> None:
        """The first that is grave enough is the notification; those before it were no more than a part of it."""
        if not expected.taken:
            return
        enough = (pair for pair in expected.taken if pair[0].alert.gravity >= expected.least)
        first = next(enough, expected.taken[0])
        if expected.is_told:
            expected.way, expected.receipt = first
        else:
            self.found.lesser += 1
        seen: dict[int, Receipt] = {}
        for way, receipt in expected.taken:
            if id(way) in seen:
                self._duplicate(way, Extra.RETRIED_THOUGH_TAKEN, _why_again(way, seen[id(way)]))
            elif receipt is not first[1]:
                self._another(first[0], way, before=first[1].at >= receipt.at)
            seen.setdefault(id(way), receipt)

    def _another(self, first: Way, way: Way, *, before: bool) -> None:
        """Of one expectation, another notification than the ``first`` that was grave enough."""
        if before and way.alert.gravity < first.alert.gravity:
            self.found.lesser += 1
        elif way.alert.gravity > first.alert.gravity:
            self.found.escalations += 1
        else:
            one, other = first.alert.raised.notice, way.alert.raised.notice
            because = f"it was told of this incident {other.at - one.at:.1f} s before"
            if one.issue != other.issue:
                because += f", about issue {one.issue}; this is about issue {other.issue}"
            self._duplicate(way, Extra.REPEATED_BY_THE_RULE, because)

    def _duplicate(self, way: Way, reason: Extra, because: str) -> None:
        self.found.duplicates.append(Unwanted(way.alert, way.channel, reason, because))

    def _queued(self, record: Queued) -> None:
        alert = self._alerts.get(record.alert_id)
        if alert is None or record.delivery_id in self._ways:
            return
        way = Way(
            alert,
            record.channel,
            record.at,
            delivery_id=record.delivery_id,
            step=record.step,
            action=record.action,
        )
        self._ways[record.delivery_id] = way
        self._of_alert[record.alert_id, record.channel].append(way)
        self._claimed(way)

    def _kept(self, record: Suppressed | Throttled, kept: Missed, step: int) -> None:
        alert = self._alerts.get(record.alert_id)
        if alert is not None:
            way = Way(alert, record.channel, record.at, step=step, kept=kept.value, why=record.why)
            self._claimed(way)

    def _claimed(self, way: Way) -> None:
        if way.alert.claim is not None and not way.step and way.action == "trigger":
            way.alert.claim.ways.setdefault(way.channel, []).append(way)

    def _ended(self, record: Delivered | Dead) -> None:
        way = self._ways.get(record.delivery_id)
        if record.delivery_id in self._over:
            return
        self._over.add(record.delivery_id)
        if way is not None:
            way.end, way.why = record.KIND, record.why
        if isinstance(record, Dead):
            self.found.dead.append((way, record.channel))
            self.found.channels.setdefault(record.channel, OfChannel()).dead += 1

    def _way(self, channel: str, receipt: Receipt) -> Way | None:
        """The notification that ``receipt`` is of. Not every kind of channel names the delivery."""
        named = self._ways.get(receipt.delivery_id)
        if named is not None:
            return named if named.channel == channel else None
        ways = self._of_alert.get((receipt.alert_id, channel), [])
        if receipt.resource in ("trigger", "acknowledge", "resolve"):
            ways = [way for way in ways if way.action == receipt.resource] or ways
        under_way = [way for way in ways if try_of(way, receipt) is not None]
        return next(iter(under_way or ways), None)


def try_of(way: Way, receipt: Receipt) -> Attempted | None:
    """The try that brought ``receipt``: the first that ended after it; None when that is not on record."""
    return next((each for each in way.tries if each.at >= receipt.at), None)


def _why_again(way: Way, first: Receipt | None) -> str:
    tried = None if first is None else try_of(way, first)
    if tried is None or not tried.error:
        return "the same delivery came again"
    return f"the receiver had taken it, and the sender did not know: {tried.error}"
