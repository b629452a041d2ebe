"""Why a rule that decides about a figure raised no alert of an incident."""

from __future__ import annotations

from ..model.alerted import Missed
from ..model.notified import Raised
from ..monitor.alerts.checks import span
from ..monitor.alerts.explain_metric import MetricInquiry
from ..monitor.alerts.incidents import COOLDOWN
from ..monitor.alerts.model import IssueRule, MetricRule, Rule
from ..monitor.notifications.notice import clean
from .alerting_claims import Claim, Incident
from .alerting_why import Known, Shown, Why


def why_of_metric_rule(claim: Claim, rule: Rule, asked: MetricInquiry, known: Known) -> Why:
    """The reason. ``rule``: ``asked``'s own, or a workflow that listens to it."""
    incident, metric, nearest = claim.incident, asked.rule, asked.close()
    of_events = asked.kind == "event"
    shown = Shown.of_puts(incident.puts) if of_events else Shown()
    if metric.dynamic:
        because = "it looks for anomalies, which nobody outside of Sentry can do"
        return Why(Missed.RULE_DISABLED, because, metric.where)
    if not metric.enabled:
        return Why(Missed.RULE_DISABLED, metric.off_why or "its detector is not enabled", metric.where)
    if of_events and not nearest.taken:
        because = f"none of its {len(incident.puts)} events is one that it counts: {_looks_at(metric)}"
        return Why(Missed.FILTER_FALSE, because, metric.where, shown)
    earlier = _in_alarm(rule, asked, incident, known)
    if earlier is not None:
        return Why(*earlier, metric.where, shown)
    figure = f"{metric.aggregate} in {span(metric.window)}"
    was = "nothing was measured" if nearest.value is None else f"it came to {nearest.value:g}"
    if not nearest.met:
        because = f"{figure} must be {asked.wanted}: {was}"
        return Why(Missed.THRESHOLD, because, metric.where, shown)
    if not nearest.in_time:
        because = f"{figure}: {was}, and the next decision was to come after the run had ended"
        return Why(Missed.NOT_DECIDED_IN_TIME, because, metric.where, shown)
    because = f"{figure} must be {asked.wanted}: {was}"
    if isinstance(rule, IssueRule):
        because = f"its detector was in alarm, {because}; the workflow itself kept quiet"
        return Why(Missed.CONDITION_FALSE, because, rule.where, shown)
    return Why(Missed.THRESHOLD if metric.period > 1 else Missed.UNEXPLAINED, because, metric.where, shown)


def _in_alarm(
    rule: Rule, asked: MetricInquiry, incident: Incident, known: Known
) -> tuple[Missed, str] | None:
    """That the rule had told of something before, and why it tells of nothing more."""
    at, name = incident.opened or incident.began, clean(rule.name)
    if isinstance(rule, IssueRule):  # of a workflow's detector the trail does not tell the state
        since = asked.in_alarm_since
        said = "" if since is None else f"its detector had been in alarm for {at - since:.1f} s before"
        return (Missed.ALREADY_OPEN, said) if said else None
    opened: Raised | None = None
    closed: Raised | None = None
    for alert in known.raised:
        notice = alert.raised.notice
        if notice.rule != name or notice.kind != "metric" or notice.at > at:
            continue
        if notice.status == "resolved":
            opened, closed = None, opened
        elif opened is None:
            opened = alert.raised
    if opened is not None:
        since = at - opened.notice.at
        return Missed.ALREADY_OPEN, f"it had been in alarm for {since:.1f} s when the incident began"
    if closed is not None and not rule.stateful:
        since = at - closed.notice.at
        if since <= COOLDOWN:
            return (
                Missed.FREQUENCY,
                f"it had gone off {since:.1f} s before, and does so once in {span(COOLDOWN)} at most",
            )
    return None


def _looks_at(rule: MetricRule) -> str:
    parts = (
        f"query {rule.query!r}" if rule.query else "",
        f"environment {rule.environment!r}" if rule.environment else "",
        f"types {', '.join(rule.event_types)}" if rule.event_types else "",
    )
    return ", ".join(filter(None, parts)) or "all of them"
