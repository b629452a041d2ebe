"""Which workflows are told of which detectors, and under which names rules alert."""

from __future__ import annotations

from collections.abc import Sequence

from .model import IssueRule, MetricRule, Rule


def listens(rule: IssueRule, detector: MetricRule) -> bool:
    """Whether a workflow is told of a detector's issue: either names the other."""
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
