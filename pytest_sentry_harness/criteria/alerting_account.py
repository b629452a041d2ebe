"""From an audit trail, receipts and the faults that fired to the account of alerting, and its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..model.account import Finding
from ..model.alerted import (
    AlertingInfo,
    AlertTold,
    ExtraTold,
    Late,
    Missed,
)
from ..model.delays import words_of
from ..model.notified import Noted, Raised, Receipt
from ..model.scenario import Fault
from ..monitor.notifications.notice import clean
from ..reconcile.origins import FiredAt, Origin
from .alerting_claims import Claims, Incident
from .alerting_counted import Counted, detectors_of
from .alerting_demanded import Notification
from .alerting_findings import dead_findings, extra_findings, findings_of
from .alerting_legs import LEGS, legs_of
from .alerting_missed import reasons_of
from .alerting_notifications import Notifications, notifications_of
from .alerting_tables import channel_rows, extra_rows, rule_rows, share_of, short
from .alerting_why import Known, Monitored, Why

MOST_ROWS = 50
_MOST_DOUBTS = 5
_LATE = dict(zip(LEGS, Late, strict=True))
_CUT_OFF = (Missed.NOT_SEEN_IN_TIME, Missed.NOT_DECIDED_IN_TIME, Missed.NOT_DELIVERED_IN_TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerted:
    """What the criterion ``alerting`` is measured on, and what is wrong."""

    info: AlertingInfo
    latencies: tuple[float, ...]
    """Of the expected notifications, in ascending order; those that were missed are infinitely late."""
    findings: tuple[Finding, ...] = ()
    doubts: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()
    cut_off: int = 0
    """Of the missed ones, those of which nothing is known but that the run was interrupted before their time had come."""

    @property
    def missed(self) -> int:
        """Those that the run proves to be missed."""
        return self.info.missed - self.cut_off


class Truth(NamedTuple):
    """What is known of the faults, whatever the monitor made of them."""

    faults: Sequence[Fault]
    firings: Sequence[FiredAt]
    """In the order of time."""
    origins: Mapping[str, tuple[Origin, ...]]
    """The faults of each event that was accepted, by its id; the leading one first."""


def account_of(
    truth: Truth,
    trail: Iterable[Noted],
    receipts: Mapping[str, Iterable[Receipt]],
    monitored: Monitored,
    *,
    config: str,
    within: float,
    interrupted: bool = False,
) -> Alerted:
    """The account of a run; ``receipts`` by channel. Pure, and never raises for what trail and receipts hold.

    ``interrupted``: somebody ended the run before its time. What was under way then is not held against anybody.
    """
    trail = list(trail)
    metric = {each.notice.rule for each in trail if isinstance(each, Raised) and each.notice.kind == "metric"}
    claims = Claims(
        truth.firings,
        {fault.name: fault.expect for fault in truth.faults},
        truth.origins,
        monitored.puts,
        Counted(monitored, metric).sees,
    )
    found = notifications_of(claims, trail, receipts)
    missed = [each for each in found.expected if each.receipt is None]
    reasons = reasons_of(missed, Known(claims=claims, raised=found.raised, monitored=monitored))
    rows, doubts = _rows(found.expected, reasons, within)
    extra = extra_rows(found)
    cut_off = [row for row in rows if row.reason in _CUT_OFF] if interrupted else []
    latencies = tuple(
        sorted(
            float("inf") if row.latency is None else row.latency
            for row in rows
            if not (interrupted and row.reason in _CUT_OFF)
        )
    )
    info = _info(found, claims, rows, extra, latencies, monitored, config, within)
    return Alerted(
        info=info,
        latencies=latencies,
        findings=(*findings_of(rows), *extra_findings(extra), *dead_findings(found.dead)),
        cut_off=len(cut_off),
        doubts=tuple(dict.fromkeys((*doubts[:_MOST_DOUBTS], *_signatures(info)))),
        trouble=tuple(_trouble(info, found)),
    )


def _rows(
    expected: Iterable[Notification], reasons: Mapping[int, Why], within: float
) -> tuple[list[AlertTold], list[str]]:
    rows, doubts = [], []
    for each in expected:
        legs, doubted = legs_of(each)
        doubts += doubted
        incident, alerts = each.claim.incident, each.claim.alerts
        raised = each.way.alert.raised if each.way is not None else alerts[0].raised if alerts else None
        row = AlertTold(
            rule=each.claim.rule,
            channel=each.channel,
            fault=each.claim.fault,
            incident=incident.number,
            faults=sum(len(one.fault_ids) for one in each.claim.incidents),
            fired_at=incident.began,
            latency=each.latency,
            legs=legs,
            late=each.latency is not None and each.latency > within,
            alert_id=raised.alert_id if raised is not None else "",
            events=(raised.notice.event_id,) if raised is not None and raised.notice.event_id else (),
            issues=(raised.notice.issue,) if raised is not None and raised.notice.issue is not None else (),
        )
        rows.append(_explained(row, reasons.get(id(each))))
    return rows, doubts


def _explained(row: AlertTold, why: Why | None) -> AlertTold:
    if why is not None:
        return replace(
            row,
            reason=why.reason.value,
            because=short(why.because),
            where=why.where,
            events=why.shown.events or row.events,
            issues=why.shown.issues or row.issues,
        )
    if row.late and row.legs is not None:
        name = max(LEGS, key=lambda leg: getattr(row.legs, leg))
        because = f"{getattr(row.legs, name):.1f} of its {row.latency:.1f} s"
        return replace(row, reason=_LATE[name].value, because=because)
    return row


def _info(
    found: Notifications,
    claims: Claims,
    rows: Sequence[AlertTold],
    extra: Sequence[ExtraTold],
    latencies: Sequence[float],
    monitored: Monitored,
    config: str,
    within: float,
) -> AlertingInfo:
    should = [each for each in claims.incidents if claims.rules_of(each)]
    silent = [each for each in claims.incidents if not claims.rules_of(each)]
    faults_missed = _faults_missed(found.expected, rows)
    return AlertingInfo(
        config=config,
        within=within,
        faults=_faults(should),
        alerted=_faults(should) - sum(faults_missed.values()),
        faults_missed=dict(sorted(faults_missed.items())),
        silent=_faults(silent),
        incidents=len(should),
        expected=len(rows),
        delivered=sum(row.latency is not None for row in rows),
        missed=sum(row.latency is None for row in rows),
        late=sum(row.late for row in rows),
        received=found.received,
        duplicates=len(found.duplicates),
        false=len(found.false),
        resolutions=found.resolutions,
        escalations=found.escalations,
        summaries=found.summaries,
        lesser=found.lesser,
        dead=len(found.dead),
        unknown=len(found.unknown),
        refused=sum(each.refused for each in found.channels.values()),
        p50=share_of(latencies, 0.5),
        p95=share_of(latencies, 0.95),
        p99=share_of(latencies, 0.99),
        max=share_of(latencies, 1.0),
        rules=rule_rows(rows, extra),
        channels=channel_rows(found, rows),
        table=tuple(sorted(rows, key=_worst_first)[:MOST_ROWS]),
        extra=tuple(sorted(extra, key=lambda row: -row.count)[:MOST_ROWS]),
        pending=monitored.ending.pending[:MOST_ROWS] if monitored.ending is not None else (),
        warnings=tuple(map(str, monitored.rules.warnings[:MOST_ROWS])),
        delays=words_of(monitored.delays),
        untimed=_untimed(found, claims, monitored),
    )


def _untimed(found: Notifications, claims: Claims, monitored: Monitored) -> tuple[str, ...]:
    """Metric rules that decided at once."""
    if monitored.delays.metric_every:
        return ()
    rules = monitored.rules.rules
    asked = {each.raised.notice.rule for each in found.raised}
    asked |= {name for each in claims.incidents for name in claims.rules_of(each)}
    names = [clean(each.name) for each in rules if detectors_of(each, rules)]
    return tuple(name for name in dict.fromkeys(names) if name in asked)[:MOST_ROWS]


def _faults(incidents: Iterable[Incident]) -> int:
    return sum(len(each.fault_ids) for each in incidents)


def _faults_missed(expected: Iterable[Notification], rows: Iterable[AlertTold]) -> Counter[str]:
    """Faults by the reason for which the first notification of their incident was missed."""
    reasons: dict[int, tuple[Incident, str]] = {}
    for each, row in zip(expected, rows, strict=True):
        if row.latency is None:
            for incident in each.claim.incidents:
                reasons.setdefault(id(incident), (incident, row.reason))
    counted: Counter[str] = Counter()
    for incident, reason in reasons.values():
        counted[reason] += len(incident.fault_ids)
    return counted


def _worst_first(row: AlertTold) -> tuple[bool, bool, float]:
    return row.latency is not None, not row.late, -(row.latency or 0.0)


def _signatures(info: AlertingInfo) -> list[str]:
    wrong = [each.channel for each in info.channels if each.signature_invalid]
    return [f"channel {name!r}: signatures do not fit its secret" for name in wrong]


def _trouble(info: AlertingInfo, found: Notifications) -> list[str]:
    """What must not be: then the account itself cannot be believed."""
    lost = sorted({row.channel for row in info.table if row.reason == Missed.NO_RECEIPT})
    trouble = [
        f"channel {channel!r}: a sender was told that a notification was taken, and there is no receipt of it"
        for channel in lost
    ]
    trouble += [
        f"channel {channel!r} has a notification that names no alert of the trail: {receipt.title or receipt.path}"
        for channel, receipt in found.unknown[:_MOST_DOUBTS]
    ]
    for closes, what in (
        (info.notifications_close, "the notifications that were received"),
        (info.faults_close, "the faults that should alert"),
        (info.expected_close, "the notifications that were expected"),
    ):
        if not closes:
            trouble.append(f"the account of {what} does not close")
    return trouble
