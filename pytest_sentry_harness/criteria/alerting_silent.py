"""Why a rule that decides about events raised no alert of an incident."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..model.alerted import Missed
from ..model.notified import Raised
from ..monitor.alerts.checks import span
from ..monitor.alerts.explain import Asked, Refusal
from ..monitor.alerts.model import IssueRule
from ..monitor.notifications.notice import clean
from .alerting_claims import Claim
from .alerting_why import Known, Shown, Why

_MOST_NAMED = 3


def why_of_issue_rule(claim: Claim, rule: IssueRule, asked: Sequence[Asked], known: Known) -> Why:
    """The reason; ``asked``: what the rule says of each event of the incident, in their order.

    The events at which the fewest things were in its way tell most: had those been otherwise, it would have alerted.
    """
    if not asked:
        shown = Shown.of_puts(claim.incident.puts)
        return Why(Missed.UNEXPLAINED, "its events are not in the store any more", rule.where, shown)
    fewest = min(_in_the_way(each) for each in asked)
    nearest = [each for each in asked if _in_the_way(each) == fewest]
    first = nearest[0]
    shown = Shown.of((each.event_id for each in nearest), (each.issue for each in nearest))
    if first.archived:
        because = f"issue {first.issue} is archived or resolved: rules do not look at it"
        return Why(Missed.ISSUE_ARCHIVED, because, rule.where, shown)
    if not first.refusals:
        return _late(nearest, known) or _quiet(rule, nearest, shown, known)
    refusal = first.refusals[0]
    if refusal.part == "new":
        because = f"{refusal.text}: {_known_by(first, known)}"
        return Why(Missed.ISSUE_KNOWN_BEFORE, because, refusal.where, shown)
    if refusal.part == "count":
        return _late(nearest, known) or _counted(claim, asked, nearest, refusal, shown)
    reason = Missed.CONDITION_FALSE if refusal.part == "condition" else Missed.FILTER_FALSE
    return Why(reason, refusal.text, refusal.where, shown)


def _in_the_way(asked: Asked) -> int:
    return len(asked.refusals) + asked.archived


def _counted(
    claim: Claim, asked: Sequence[Asked], nearest: Sequence[Asked], refusal: Refusal, shown: Shown
) -> Why:
    """What it counted was not enough: in any issue, or in each of several. ``nearest``: where nothing else was in its way."""
    counts = Counter[int]()
    for each in asked:
        for one in each.refusals:
            if one.where == refusal.where and one.value is not None:
                counts[each.issue] = max(counts[each.issue], int(one.value))
    same = [one for each in nearest for one in each.refusals if one.where == refusal.where]
    best = max(same, key=lambda one: one.value or 0.0)
    events, wanted = len(claim.incident.puts), refusal.wanted
    if wanted is not None and len(counts) > 1 and counts.total() > wanted:
        largest = [number for number, _ in counts.most_common()]
        because = (
            f"{best.text}; its {events} events lie in {len(counts)} issues, "
            f"{counts[largest[0]]} in one of them at most"
        )
        return Why(Missed.SPLIT, because, refusal.where, Shown.of(shown.events, largest))
    because = f"{best.text} at most"
    enough = [each for each in asked if refusal.where not in {one.where for one in each.refusals}]
    if enough and enough[0].refusals:
        because += f"; when it was enough, something else was in the way: {enough[0].refusals[0].text}"
    return Why(Missed.THRESHOLD, because, refusal.where, shown)


def _late(asked: Sequence[Asked], known: Known) -> Why | None:
    """That all decisions were still to come when the run ended."""
    first, until = asked[0], known.monitored.until
    if any(each.decided_at <= until for each in asked):
        return None
    because = f"it was to be decided {first.decided_at - until:.1f} s after the run had ended"
    return Why(Missed.NOT_DECIDED_IN_TIME, because, shown=Shown.of([first.event_id], [first.issue]))


def _quiet(rule: IssueRule, asked: Sequence[Asked], shown: Shown, known: Known) -> Why:
    """All that the rule asks for was there: it was quiet for what it had told before."""
    key = "frequency" if rule.filters_first else "config.frequency"  # of /rules/, of a workflow
    where = f"{rule.where}.{key}".lstrip(".")
    for each in asked:
        earlier = _fired_before(rule, each, known)
        if earlier is not None:
            since, whose = each.decided_at - earlier.notice.at, known.of_event(earlier.notice.event_id)
            because = (
                f"it had fired for issue {each.issue} {since:.1f} s before, of {whose}, "
                f"and keeps quiet for {span(rule.frequency)}"
            )
            return Why(Missed.FREQUENCY, because, where, shown)
    return Why(Missed.UNEXPLAINED, "asked once more, the rule would have alerted", rule.where, shown)


def _fired_before(rule: IssueRule, asked: Asked, known: Known) -> Raised | None:
    """The alert for which the rule is quiet."""
    wanted = (clean(rule.name), "issue", asked.issue)
    for alert in reversed(known.raised):
        notice = alert.raised.notice
        if (notice.rule, notice.kind, notice.issue) == wanted:
            since = asked.decided_at - notice.at
            if 0 <= since < rule.frequency:
                return alert.raised
    return None


def _known_by(asked: Asked, known: Known) -> str:
    """Of what the events are that were in the issue before."""
    counted: Counter[str] = Counter()
    for put in known.monitored.puts:
        if put.event_id == asked.event_id:
            break
        if put.issue == asked.issue:
            counted[known.of_event(put.event_id)] += 1
    held = ", ".join(f"{count} of {whose}" for whose, count in counted.most_common(_MOST_NAMED))
    return f"issue {asked.issue} held {counted.total()} events, {held}"
