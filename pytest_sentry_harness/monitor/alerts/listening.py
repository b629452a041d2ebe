"""Which workflows are told of which detectors, and under which names rules alert.

Sentry looks for the workflows of an event by its detector: that of its project for errors, and the one that stands for
all issues of the project. A workflow that is connected to none is never found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .model import EventDetector, IssueRule, MetricRule, Rule

_MOST_NAMED = 5


def listens(rule: IssueRule, detector: MetricRule | EventDetector) -> bool:
    """Whether a workflow is told of a detector's issues: either names the other."""
    return bool(
        (detector.id and detector.id in rule.detectors) or (rule.id and rule.id in detector.workflows)
    )


def alerting_rules(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules whose names alerts bear: all but the detectors that a workflow listens to, which alerts for them."""
    workflows = [rule for rule in rules if isinstance(rule, IssueRule)]
    return tuple(
        rule
        for rule in rules
        if isinstance(rule, IssueRule)
        or not rule.stateful
        or not any(listens(workflow, rule) for workflow in workflows)
    )


def connect(rules: Sequence[Rule], event_detectors: Sequence[EventDetector]) -> tuple[Rule, ...]:
    """``rules`` with workflows that know whether they are asked about errors; one that is told of nothing is off."""
    metrics = [rule for rule in rules if isinstance(rule, MetricRule) and rule.stateful]
    return tuple(
        _connected(rule, metrics, event_detectors)
        if isinstance(rule, IssueRule) and not rule.filters_first
        else rule
        for rule in rules
    )


def unknown_detectors(
    rule: IssueRule, rules: Sequence[Rule], event_detectors: Sequence[EventDetector]
) -> tuple[tuple[int, str], ...]:
    """Positions and ids of the detectors that a workflow names and that are in no file that was read."""
    if not rule.detectors:
        return ()
    known = {other.id for other in rules if isinstance(other, MetricRule)}
    known.update(detector.id for detector in event_detectors)
    return tuple((number, id_) for number, id_ in enumerate(rule.detectors) if id_ not in known)


def _connected(
    rule: IssueRule, metrics: Sequence[MetricRule], event_detectors: Sequence[EventDetector]
) -> IssueRule:
    measuring = [detector for detector in metrics if listens(rule, detector)]
    others = [detector for detector in event_detectors if listens(rule, detector)]
    if not (rule.connected or measuring or others):
        return rule
    errors = any(detector.enabled and detector.of_errors for detector in others)
    of = (*(id_ for each in measuring for id_ in each.projects), *(each.project for each in others))
    projects = tuple(dict.fromkeys(filter(None, of)))
    rule = replace(rule, errors=errors, projects=projects)
    if errors or any(detector.enabled for detector in measuring):
        return rule
    return replace(rule, enabled=False, off_why=rule.off_why or _why_nothing(rule, measuring, others))


def _why_nothing(rule: IssueRule, measuring: Sequence[MetricRule], others: Sequence[EventDetector]) -> str:
    found: tuple[MetricRule | EventDetector, ...] = (*measuring, *others)
    if not found and not rule.detectors:
        return "it is connected to no detector: detectorIds is empty"
    if not found:
        return (
            f"no detector that was read has the id {_named(rule.detectors)}, to which it is connected: "
            "read the detectors together with it"
        )
    if all(not detector.enabled for detector in found):
        return f"what it is connected to is not enabled: {_named(each.name for each in found)}"
    kinds = dict.fromkeys(each.kind for each in others if each.enabled)
    return f"it is connected to detectors of type {', '.join(kinds)} only, and those detect nothing here"


def _named(names: Iterable[str]) -> str:
    each = [repr(name) for name in names]
    more = f" and {len(each) - _MOST_NAMED} more" if len(each) > _MOST_NAMED else ""
    return ", ".join(each[:_MOST_NAMED]) + more
