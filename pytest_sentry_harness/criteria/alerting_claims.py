"""Which alerts were expected, and to which of them each that was raised belongs.

An *incident* is a run of faults of one name with no longer pause than ``expect.incident_gap``. For each incident and each rule that
its fault names one alert is expected: a *claim*.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..model.alerted import Extra
from ..model.alerting import Put
from ..model.notified import Attempted, Notice, Raised
from ..model.scenario import Expect, ExpectedAlert
from ..monitor.notifications.notice import clean
from ..reconcile.origins import FiredAt, Origin

GRAVITY = {"resolved": 0, "warning": 1, "triggered": 2, "critical": 3}
"""The greater, the graver."""
Sees = Callable[[str, Sequence[Put], float], bool | None]
"""Whether a metric rule counted one of these events up to then; None: nobody knows."""
_MOST_NAMED = 3


@dataclass(slots=True, eq=False)
class Incident:
    """Faults of one name, one soon after the other."""

    fault: str
    number: int
    """Which of that name, from 1."""
    fault_ids: list[str] = field(default_factory=list)
    began: float = 0.0
    """When the first of them fired."""
    ended: float = 0.0
    events: list[str] = field(default_factory=list)
    """Ids of those that were accepted."""
    puts: list[Put] = field(default_factory=list)
    """Those of its events that were put to an issue, in that order."""

    @property
    def opened(self) -> float | None:
        """When its first event was put to an issue; None: none was."""
        return self.puts[0].at if self.puts else None


@dataclass(slots=True, eq=False)
class Alert:
    """An alert that was raised, and what it is."""

    raised: Raised
    claim: Claim | None = None
    resolves: bool = False
    """It says that something is over, or less grave."""
    extra: Extra | None = None
    """Why it is false."""
    because: str = ""
    fault: str = ""
    """Of a false alert, the faults that its event is of."""

    @property
    def gravity(self) -> int:
        """The greater, the graver."""
        return GRAVITY[self.raised.notice.status]


@dataclass(slots=True, eq=False)
class Way:
    """One notification that the trail speaks of: an alert on its way into a channel."""

    alert: Alert
    channel: str
    at: float
    delivery_id: str = ""
    """Empty: it was kept back."""
    step: int = 0
    action: str = "trigger"
    kept: str = ""
    """Why it was kept back: a word of ``Missed``."""
    why: str = ""
    tries: list[Attempted] = field(default_factory=list)
    end: str = ""
    """``delivered`` or ``dead``, as the sender saw it."""


@dataclass(slots=True, eq=False)
class Claim:
    """An alert that is expected: by one rule, of one incident, or of several where one decision stands for all of them."""

    rule: str
    incidents: list[Incident]
    alerts: list[Alert] = field(default_factory=list)
    ways: dict[str, list[Way]] = field(default_factory=dict)
    """By channel, without escalations and resolutions."""

    @property
    def incident(self) -> Incident:
        """The first that began: its latency is measured."""
        return min(self.incidents, key=lambda each: each.began)

    @property
    def fault(self) -> str:
        """The names of its faults."""
        return ", ".join(dict.fromkeys(each.fault for each in self.incidents))


def incidents_of(
    firings: Iterable[FiredAt], expects: Mapping[str, Expect]
) -> tuple[list[Incident], dict[str, Incident]]:
    """The incidents of all faults, those that must not alert included, and each by the ids of its faults.

    ``firings`` in the order of time.
    """
    found: list[Incident] = []
    last: dict[str, Incident] = {}
    of_fault: dict[str, Incident] = {}
    for fault, fault_id, at in firings:
        incident = last.get(fault)
        gap = expects.get(fault, Expect()).incident_gap
        if incident is None or (gap is not None and at - incident.ended > gap):
            incident = Incident(fault, 1 if incident is None else incident.number + 1, began=at)
            found.append(incident)
            last[fault] = incident
        incident.fault_ids.append(fault_id)
        incident.ended = at
        of_fault[fault_id] = incident
    return found, of_fault


class Claims:
    """All claims of a run, and the alerts they get."""

    def __init__(
        self,
        firings: Iterable[FiredAt],
        expects: Mapping[str, Expect],
        origins: Mapping[str, tuple[Origin, ...]],
        puts: Sequence[Put],
        sees: Sees = lambda _rule, _puts, _until: None,
    ) -> None:
        """``origins``: of each event that was accepted, the leading one first. ``puts`` in their order."""
        self._sees, self._puts = sees, puts
        self._origins = origins
        self.incidents, self._of_fault = incidents_of(firings, expects)
        self._wanted = {
            (name, clean(each.rule)): [one for one in expect.wanted if one.rule == each.rule]
            for name, expect in expects.items()
            for each in expect.wanted
        }
        self._expected = {name: frozenset(map(clean, expect.rules)) for name, expect in expects.items()}
        self._by_rule: dict[str, list[Incident]] = {}
        self._claims: dict[tuple[str, int], Claim] = {}
        self._status: dict[str, int] = {}
        for incident in self.incidents:
            for rule in self._expected.get(incident.fault, ()):
                self._by_rule.setdefault(rule, []).append(incident)
        for event_id, found in origins.items():
            for incident in self._incidents_of(found):
                incident.events.append(event_id)
        for put in puts:
            for incident in self._incidents_of(origins.get(put.event_id, ())):
                incident.puts.append(put)

    def rules_of(self, incident: Incident) -> tuple[str, ...]:
        """The rules that must alert of it, in order."""
        return tuple(sorted(self._expected.get(incident.fault, ())))

    def wanted_of(self, claim: Claim) -> list[ExpectedAlert]:
        """What is said of who has to be told of ``claim``."""
        found = [self._wanted.get((each.fault, claim.rule), []) for each in claim.incidents]
        return list(dict.fromkeys(itertools.chain(*found)))

    def incidents_of_event(self, event_id: str) -> list[Incident]:
        """Those an event is of: one, but for events that hold several faults."""
        return self._incidents_of(self._origins.get(event_id, ()))

    def enter(self, raised: Raised) -> Alert:
        """Take in an alert, in the order in which they were raised."""
        alert = Alert(raised)
        if raised.notice.kind == "metric":
            self._enter_metric(alert)
        else:
            self._enter_issue(alert)
        if alert.claim is not None:
            alert.claim.alerts.append(alert)
        return alert

    def all(self) -> list[Claim]:
        """Every claim once, those that no alert was raised for included, in the order of their incidents."""
        found: dict[int, Claim] = {}
        for incident in self.incidents:
            for rule in self.rules_of(incident):
                claim = self._claim(rule, incident)
                found[id(claim)] = claim
        return list(found.values())

    def _incidents_of(self, origins: tuple[Origin, ...]) -> list[Incident]:
        found = [self._of_fault[each.fault_id] for each in origins if each.fault_id in self._of_fault]
        return list(dict.fromkeys(found))

    def _claim(self, rule: str, incident: Incident) -> Claim:
        key = (rule, id(incident))
        if key not in self._claims:
            self._claims[key] = Claim(rule, [incident])
        return self._claims[key]

    def _enter_issue(self, alert: Alert) -> None:
        notice = alert.raised.notice
        if notice.status == "resolved":
            alert.resolves = True
            return
        incidents = self.incidents_of_event(notice.event_id)
        for incident in incidents:
            if notice.rule in self._expected.get(incident.fault, ()):
                alert.claim = self._claim(notice.rule, incident)
                return
        if incidents:
            alert.fault = ", ".join(dict.fromkeys(each.fault for each in incidents))
            alert.extra = Extra.RULE_NOT_EXPECTED
            alert.because = f"fault {alert.fault!r} must not alert by this rule"
        else:
            alert.extra = Extra.EVENT_OF_NO_FAULT
            alert.because = "its event is of no fault"

    def _others(self, notice: Notice) -> str:
        """What is in the figure of a rule instead, for people."""
        counted: Counter[str] = Counter()
        for put in self._puts:
            if put.at <= notice.at and self._sees(notice.rule, [put], notice.at):
                names = dict.fromkeys(each.fault for each in self.incidents_of_event(put.event_id))
                counted[f"of fault {', '.join(map(repr, names))}" if names else "of no fault"] += 1
        return "; ".join(f"{count} {whose}" for whose, count in counted.most_common(_MOST_NAMED)) or "nothing"

    def _enter_metric(self, alert: Alert) -> None:
        notice = alert.raised.notice
        before, now = self._status.get(notice.rule, 0), alert.gravity
        self._status[notice.rule] = now
        if now < before or notice.status == "resolved":
            alert.resolves = True
            return
        named = self._by_rule.get(notice.rule)
        if not named:
            alert.extra = Extra.RULE_NOT_EXPECTED
            alert.because = "no fault that fired may alert by this rule"
            return
        begun = [each for each in named if each.opened is not None and each.opened <= notice.at]
        begun = begun or [each for each in named if each.began <= notice.at]
        if not begun:
            alert.extra = Extra.BEFORE_ANY_INCIDENT
            alert.because = "no fault that may alert by this rule had begun"
            return
        begun = [each for each in begun if self._sees(notice.rule, each.puts, notice.at) is not False]
        if not begun:
            alert.extra = Extra.NOT_IN_FIGURE
            alert.because = f"no fault that may alert by this rule is in its figure: {self._others(notice)}"
            return
        newest = {each.fault: each for each in begun}
        free = [each for each in newest.values() if not self._claim(notice.rule, each).alerts]
        if not free:
            alert.claim = self._claim(notice.rule, max(begun, key=lambda each: each.began))
            return
        # One decision about a figure stands for all faults that are in it: nobody is told of each.
        claim = Claim(notice.rule, sorted(free, key=lambda each: each.began))
        for each in free:
            self._claims[notice.rule, id(each)] = claim
        alert.claim = claim
