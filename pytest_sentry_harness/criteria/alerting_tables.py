"""Tables of the account of alerting: a row for each rule and channel, and for what nobody wanted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ..model.alerted import AlertTold, ChannelTold, ExtraTold, Legs, RuleTold
from ..statistics.quantiles import quantile
from .alerting_legs import LEGS
from .alerting_notifications import Notifications, Unwanted

_MOST_TEXT = 300


def extra_rows(found: Notifications) -> list[ExtraTold]:
    """What nobody wanted, equal ones together; false alerts that reached nobody with the count 0."""
    groups: dict[tuple[str, str, str, str, str], list[Unwanted]] = defaultdict(list)
    for metric, each_of in (("alerting.duplicate", found.duplicates), ("alerting.false", found.false)):
        for each in each_of:
            rule = each.alert.raised.notice.rule
            groups[metric, rule, each.channel, each.reason.value, _fault(each)].append(each)
    rows = [
        _extra_row(metric, channel, each_of[0], len(each_of))
        for (metric, _, channel, *_), each_of in groups.items()
    ]
    told = {id(each.alert) for each in found.false}
    silent = {each.raised.notice.rule: each for each in reversed(found.false_alerts) if id(each) not in told}
    for alert in silent.values():
        if alert.extra is not None:
            rows.append(_extra_row("alerting.false", "", Unwanted(alert, "", alert.extra, alert.because), 0))
    return rows


def rule_rows(rows: Iterable[AlertTold], extra: Iterable[ExtraTold]) -> tuple[RuleTold, ...]:
    """A row for each rule that was expected to alert, or did; in the order of their names."""
    of_rule: dict[str, list[AlertTold]] = defaultdict(list)
    for row in rows:
        of_rule[row.rule].append(row)
    unwanted: Counter[tuple[str, str]] = Counter()
    for one in extra:
        unwanted[one.rule, one.metric] += one.count
    names = sorted({*of_rule, *(one.rule for one in extra)})
    return tuple(_rule(name, of_rule[name], unwanted) for name in names)


def channel_rows(found: Notifications, rows: Iterable[AlertTold]) -> tuple[ChannelTold, ...]:
    """A row for each channel, in the order of their names."""
    times: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.latency is not None:
            times[row.channel].append(row.latency)
    return tuple(
        ChannelTold(
            channel=name,
            received=each.received,
            refused=each.refused,
            dead=each.dead,
            signature_invalid=each.signature_invalid,
            p50=share_of(sorted(times[name]), 0.5),
            max=share_of(sorted(times[name]), 1.0),
        )
        for name, each in sorted(found.channels.items())
    )


def share_of(latencies: Sequence[float], share: float) -> float | None:
    """The order statistic of the run; None where there is none, or where it is infinite."""
    value = quantile(latencies, share) if latencies else float("inf")
    return value if value < float("inf") else None


def short(text: str) -> str:
    """``text``, bounded."""
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"


def _extra_row(metric: str, channel: str, first: Unwanted, count: int) -> ExtraTold:
    raised = first.alert.raised
    return ExtraTold(
        metric=metric,
        rule=raised.notice.rule,
        channel=channel,
        fault=_fault(first),
        reason=first.reason.value,
        because=short(first.because or raised.notice.because),
        count=count,
        alert_id=raised.alert_id,
        event_id=raised.notice.event_id,
        issue=raised.notice.issue,
    )


def _fault(unwanted: Unwanted) -> str:
    claim = unwanted.alert.claim
    return unwanted.alert.fault if claim is None else claim.fault


def _rule(name: str, rows: Sequence[AlertTold], unwanted: Mapping[tuple[str, str], int]) -> RuleTold:
    times = sorted(row.latency for row in rows if row.latency is not None)
    return RuleTold(
        rule=name,
        expected=len(rows),
        delivered=len(times),
        missed=len(rows) - len(times),
        late=sum(row.late for row in rows),
        duplicate=unwanted.get((name, "alerting.duplicate"), 0),
        false=unwanted.get((name, "alerting.false"), 0),
        p50=share_of(times, 0.5),
        max=share_of(times, 1.0),
        legs=_medians([row.legs for row in rows if row.legs is not None]),
    )


def _medians(legs: Sequence[Legs]) -> Legs | None:
    if not legs:
        return None
    return Legs(**{name: quantile(sorted(getattr(each, name) for each in legs), 0.5) for name in LEGS})
