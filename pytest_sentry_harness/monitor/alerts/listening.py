"""Which workflows are told of which detectors."""

from __future__ import annotations

from .model import IssueRule, MetricRule


def listens(rule: IssueRule, detector: MetricRule) -> bool:
    """Whether a workflow is told of a detector's issue: either names the other."""
    return bool(
        (detector.id and detector.id in rule.detectors) or (rule.id and rule.id in detector.workflows)
    )
