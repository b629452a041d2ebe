"""What is wrong with alerts, by cause: for people, and for twins to be recognised by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..model.account import Finding
from ..model.alerted import AlertTold, ExtraTold, Missed
from .alerting_claims import Way


def findings_of(rows: Iterable[AlertTold]) -> tuple[Finding, ...]:
    """Findings for ``alerting.missed`` and ``alerting.late``: equal ones together. They add up to the metrics."""
    groups: dict[tuple[str, ...], list[AlertTold]] = {}
    for row in rows:
        if row.latency is None or row.late:
            metric = "alerting.missed" if row.latency is None else "alerting.late"
            key = (metric, row.fault, row.rule, row.channel, row.reason, row.because)
            groups.setdefault(key, []).append(row)
    return tuple(
        _finding(metric, fault, reason, _culprit(each_of[0]), len(each_of))
        for (metric, fault, _, _, reason, _), each_of in groups.items()
    )


def extra_findings(extra: Iterable[ExtraTold]) -> tuple[Finding, ...]:
    """Findings for ``alerting.duplicate`` and ``alerting.false``, of what was received."""
    return tuple(
        _finding(
            row.metric,
            row.fault,
            row.reason,
            f"rule {row.rule!r} to {row.channel}: {row.because}",
            row.count,
        )
        for row in extra
        if row.count
    )


def dead_findings(dead: Iterable[tuple[Way | None, str]]) -> tuple[Finding, ...]:
    """Findings for ``alerting.dead``: what was given up, equal ones together."""
    counted: Counter[tuple[str, str]] = Counter()
    for way, channel in dead:
        if way is None:
            counted["", f"a summary to {channel}"] += 1
            continue
        claim, notice = way.alert.claim, way.alert.raised.notice
        what = f"escalation {way.step}" if way.step else "resolution" if way.alert.resolves else notice.status
        fault = way.alert.fault if claim is None else claim.fault
        errors = [each.error for each in way.tries if each.error]
        last = f": {errors[-1].rstrip(': ')}" if errors else ""
        counted[fault, f"rule {notice.rule!r} to {channel}, {what}, was given up{last}"] += 1
    return tuple(
        _finding("alerting.dead", fault, Missed.RECEIVER_FAILED.value, culprit, count)
        for (fault, culprit), count in counted.items()
    )


def _culprit(row: AlertTold) -> str:
    to = f" to {row.channel}" if row.channel else ""
    where = f" ({row.where})" if row.where else ""
    return f"rule {row.rule!r}{to}: {row.because}{where}"


def _finding(metric: str, fault: str, reason: str, culprit: str, count: int) -> Finding:
    return Finding(
        metric=metric,
        fault=fault,
        reason=reason,
        source="monitor",
        culprit=culprit,
        place=None,
        count=count,
        example=None,
    )
