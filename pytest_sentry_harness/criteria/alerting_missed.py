"""Why expected notifications were missed: what the trail says of them, and where no alert was raised, what the rule says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from ..model.account import LossClass
from ..model.alerted import Missed
from ..monitor.alerts.explain import Asked, Inquiry
from ..monitor.alerts.explain_metric import MetricInquiry
from ..monitor.alerts.model import IssueRule, Rule
from ..monitor.notifications.notice import clean
from .alerting_claims import Claim, Incident, Way
from .alerting_counted import detectors_of
from .alerting_demanded import Notification
from .alerting_replay import Step, replay
from .alerting_silent import why_of_issue_rule
from .alerting_silent_metric import why_of_metric_rule
from .alerting_why import Known, Shown, Why

_MOST_ASKED = 2000
"""Events of one incident that a rule is asked about: the first of them."""


def reasons_of(missed: Iterable[Notification], known: Known) -> dict[int, Why]:
    """For each missed notification, by its ``id``, the reason. The store is read once, and only where a rule kept silent."""
    found: dict[int, Why] = {}
    silent: list[Notification] = []
    for each in missed:
        if each.ways:
            found[id(each)] = _too_little(each) or _on_its_way(each.grave_ways)
        elif "" in each.claim.ways:
            found[id(each)] = _on_its_way(each.claim.ways[""])
        elif each.claim.ways:
            found[id(each)] = _elsewhere(each)
        elif each.claim.alerts:
            because = "the alert was raised, and nothing became of it before the run ended"
            shown = Shown.of_puts(each.claim.incident.puts)
            found[id(each)] = Why(Missed.NOT_DELIVERED_IN_TIME, because, shown=shown)
        else:
            silent.append(each)
    if silent:
        explained = _Silence(known).explain([each.claim for each in silent])
        found |= {id(each): explained[id(each.claim)] for each in silent}
    return found


def _elsewhere(missed: Notification) -> Why:
    """Of a channel that has to be told and was not thought of."""
    others = ", ".join(sorted(missed.claim.ways))
    because = f"its routes lead to {others}, and not to {missed.channel}"
    return Why(Missed.OTHER_CHANNEL, because, shown=Shown.of_puts(missed.claim.incident.puts))


def _too_little(missed: Notification) -> Why | None:
    """Of a notification that never was as grave as it has to be."""
    gravest = max((way.alert for way in missed.ways), key=lambda alert: alert.gravity)
    if gravest.gravity >= missed.least:
        return None
    because = f"it was {gravest.raised.notice.status} at most, and has to be {missed.status}"
    return Why(Missed.LESSER_STATUS, because, shown=Shown.of_puts(missed.claim.incident.puts))


def _on_its_way(ways: Sequence[Way]) -> Why:
    """Of a notification whose alert was raised: the first of its ways that was tried, or else the first, says what happened."""
    way = next((each for each in ways if not each.kept), ways[0])
    notice = way.alert.raised.notice
    shown = Shown.of(filter(None, [notice.event_id]), [] if notice.issue is None else [notice.issue])
    if way.kept:
        return Why(Missed(way.kept), way.why, shown=shown)
    errors = [each.error for each in way.tries if each.error]
    last = f", the last one: {errors[-1].rstrip(': ')}" if errors else ""
    tries = f"{len(way.tries)} {'try' if len(way.tries) == 1 else 'tries'}"
    if way.end == "dead":
        return Why(Missed.RECEIVER_FAILED, f"given up after {tries}{last}", shown=shown)
    if way.end == "delivered":
        because = f"after {tries} the sender was told that it was taken, and no receipt says so"
        return Why(Missed.NO_RECEIPT, because, shown=shown)
    return Why(Missed.NOT_DELIVERED_IN_TIME, f"still on its way after {tries}{last}", shown=shown)


class _Silence:
    """Finds out why rules raised no alert of incidents of which they should have."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._rules = known.monitored.rules.rules
        self._losses: dict[str, LossClass] | None = None
        self._found: dict[int, Why] = {}
        self._issue_rules: list[tuple[Claim, IssueRule]] = []
        self._measured: list[tuple[Claim, Rule, MetricInquiry]] = []

    def explain(self, silent: Sequence[Claim]) -> dict[int, Why]:
        """The reason of each claim, by its ``id``."""
        by_name = {clean(rule.name): rule for rule in reversed(self._rules)}
        for claim in silent:
            self._sort(claim, by_name.get(claim.rule))
        told = self._known.monitored
        wanted: dict[str, set[str]] = defaultdict(set)
        for claim, issue_rule in self._issue_rules:
            wanted[issue_rule.name].update(_ids(claim))
        inquiry = Inquiry(told.rules, wanted, delays=told.delays)
        asking: list[Inquiry | MetricInquiry] = [inquiry, *(each for _, _, each in self._measured)]
        if self._issue_rules or self._measured:
            for step in replay(told.items(), told.puts, told.delays.ingest):
                for each in asking:
                    _show(each, step)
        self._answer_issue_rules(inquiry.answers())
        for claim, rule, asked in self._measured:
            if id(claim) not in self._found:
                self._found[id(claim)] = why_of_metric_rule(claim, rule, asked, self._known)
        return self._found

    def _sort(self, claim: Claim, rule: Rule | None) -> None:
        """Say why where that is plain; else note whom to ask."""
        told, found = self._known.monitored, self._found
        if rule is None:
            found[id(claim)] = Why(Missed.UNEXPLAINED, "no file of rules has a rule of this name")
            return
        if not rule.enabled:
            found[id(claim)] = Why(Missed.RULE_DISABLED, rule.off_why or "it is not enabled", rule.where)
            return
        detectors = detectors_of(rule, self._rules)
        needs_events = not detectors
        for detector in detectors:
            since, before = self._between(claim)
            asked = MetricInquiry(
                detector, _ids(claim), delays=told.delays, since=since, before=before, until=told.until
            )
            needs_events |= asked.kind == "event"
            self._measured.append((claim, rule, asked))
        if needs_events and not claim.incident.puts:
            found[id(claim)] = self._nothing_put(claim.incident)
        elif isinstance(rule, IssueRule) and not detectors:
            self._issue_rules.append((claim, rule))

    def _between(self, claim: Claim) -> tuple[float, float]:
        """From when on the rule could have decided for the claim, and when it decided for another one."""
        since = claim.incident.opened or claim.incident.began
        later = [float("inf")]
        for alert in self._known.raised:
            if alert.raised.notice.rule == claim.rule and alert.raised.notice.at > since:
                incidents = alert.claim.incidents if alert.claim is not None else []
                begun = [each.opened or each.began for each in incidents]
                later += [alert.raised.notice.at, *(at for at in begun if at > since)]
        return since, min(later)

    def _answer_issue_rules(self, answers: Iterable[Asked]) -> None:
        by_rule: dict[str, dict[str, Asked]] = defaultdict(dict)
        for answer in answers:
            by_rule[answer.rule].setdefault(answer.event_id, answer)
        for claim, rule in self._issue_rules:
            said = by_rule[rule.name]
            mine = [said[each] for each in _ids(claim) if each in said]
            self._found[id(claim)] = why_of_issue_rule(claim, rule, mine, self._known)

    def _nothing_put(self, incident: Incident) -> Why:
        if incident.events:
            because = f"{len(incident.events)} events of it arrived, and none was put to an issue before the run ended"
            return Why(Missed.NOT_SEEN_IN_TIME, because, shown=Shown.of(incident.events, ()))
        if self._losses is None:
            losses = self._known.monitored.account.losses
            self._losses = {fault_id: loss for loss in losses for fault_id in loss.fault_ids}
        said: Counter[str] = Counter()
        for fault_id in incident.fault_ids:
            loss = self._losses.get(fault_id)
            said["no event is of it alone" if loss is None else _of_loss(loss)] += 1
        because = "; ".join(f"{count} x {text}" for text, count in said.most_common(3))
        return Why(Missed.NOT_CAPTURED, because)


def _show(asking: Inquiry | MetricInquiry, step: Step) -> None:
    item = step.item
    if step.seen is not None:
        asking.see(step.seen)
    elif item.item_type == "session":
        asking.see_session(item.data, at=step.at, project=item.project, item="session")
    elif item.item_type == "sessions":
        asking.see_session(item.data, at=step.at, project=item.project, item="sessions")
    elif isinstance(asking, MetricInquiry):
        asking.see_transaction(item.data, at=step.at, project=item.project)


def _of_loss(loss: LossClass) -> str:
    parts = [loss.state.value.replace("_", " "), loss.reason, loss.culprit]
    return ", ".join(part for part in parts if part)


def _ids(claim: Claim) -> list[str]:
    return [put.event_id for put in claim.incident.puts[:_MOST_ASKED]]
