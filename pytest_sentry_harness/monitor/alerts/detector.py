"""Detectors, called Monitors in Sentry's pages. Sentry API reference, "Create a Monitor for a Project"."""

from __future__ import annotations

import re

from ...errors import did_you_mean, nearest
from .conditions_json import Numbering
from .legacy_issue import environment_name
from .legacy_metric import dataset_of, event_types, why_unmeasured
from .model import Comparator, EventDetector, Label, MetricRule, Threshold
from .node import Node, cut

TYPES = (
    "metric_issue",
    "error",
    "issue_stream",
    "uptime_domain_failure",
    "monitor_check_in_failure",
)
_OTHER_TYPES = re.compile(r"(performance|profile|preprod|replay|llm|ai|query)_[a-z0-9_]{1,190}")
"""Detectors of other kinds of issues, of which Sentry has new ones every few months."""
LEAST_WINDOW, MOST_WINDOW = 60, 7 * 86400
COMPARATORS: dict[str, Comparator] = {
    "gt": "gt",
    "gte": "gte",
    "lt": "lt",
    "lte": "lte",
    "eq": "eq",
    "ne": "ne",
}
_LABELS: dict[int, Label] = {75: "critical", 50: "warning", 25: "triggered"}
_ANSWER = (
    "organizationId",
    "createdBy",
    "dateCreated",
    "dateUpdated",
    "owner",
    "description",
    "alertRuleId",
    "ruleId",
    "latestGroup",
    "openIssues",
    "config",
    "dataSources",
    "conditionGroup",
)
_SOURCE_ANSWER = ("id", "organizationId", "type", "sourceId", "queryObj", "extrapolationMode")


def read_detector(node: Node, index: int, numbering: Numbering) -> MetricRule | EventDetector:
    """A detector of metrics, which is a rule, or any other: what it detects are events or checks.

    Raises ``RulesError``.
    """
    name = node.name(200)
    kind = _type(node)
    enabled = node.flag("enabled", default=True)
    id_, workflows = node.text("id") or "", node.ids("workflowIds")
    project = node.text("projectId") or ""
    if kind != "metric_issue":
        node.done(*_ANSWER)
        return EventDetector(
            id=id_,
            name=name,
            where=node.path,
            kind=kind,
            enabled=enabled,
            workflows=workflows,
            project=project,
        )
    detection, delta, period = _config(node)
    sources = node.nodes("dataSources", needed=True)
    if len(sources) != 1:
        raise node.fail("dataSources", f"a metric detector has one data source, here are {len(sources)}")
    source = _query(sources[0])
    source.required("aggregate")
    dataset = dataset_of(source)
    unmeasured = why_unmeasured(source, dataset)
    thresholds, resolve = _conditions(node, numbering)
    rule = MetricRule(
        name=name,
        index=index,
        where=node.path,
        aggregate=source.text("aggregate") or "",
        dataset=dataset,
        query=source.text("query") or "",
        window=source.required_number("timeWindow", least=LEAST_WINDOW, most=MOST_WINDOW, whole=True),
        thresholds=thresholds,
        resolve=resolve,
        stateful=True,
        period=period,
        # Some that Sentry migrated are "static" and have a delta: it compares all the same.
        comparison=None if detection == "dynamic" else delta,
        environment=environment_name(source),
        event_types=event_types(source),
        enabled=enabled,
        off_why="" if enabled else "it is not enabled",
        id=id_,
        workflows=workflows,
        dynamic=detection == "dynamic",
        unmeasured=unmeasured,
        projects=(project,) if project else (),
    )
    source.done(*_SOURCE_ANSWER)
    node.done(*_ANSWER)
    return rule


def _type(node: Node) -> str:
    kind = str(node.required("type"))
    if kind in TYPES or _OTHER_TYPES.fullmatch(kind):
        return kind
    shown = cut(kind)
    hint = did_you_mean(shown, TYPES) if nearest(shown, TYPES) else f"allowed: {', '.join(TYPES)}"
    raise node.fail("type", f'type = "{shown}" is not allowed', hint)


def _config(node: Node) -> tuple[str, float | None, int]:
    """How it detects, seconds back of what it compares with, and how many evaluations must agree."""
    config = node.child("config")
    if config is None:
        return "static", None, 1
    detection = config.choice("detectionType", ("static", "percent", "dynamic"), "static")
    delta = config.number("comparisonDelta", least=300, most=2592000)
    if detection == "percent" and delta is None:
        raise config.fail(
            None, "comparisonDelta is missing", "seconds back, such as 3600: what percent compares with"
        )
    period = int(config.number("thresholdPeriod", least=1, most=20, whole=True) or 1)
    config.done("sensitivity", "seasonality", "thresholdType")
    return detection, delta, period


def _query(source: Node) -> Node:
    """Where the query stands: in the source itself, or (answers of Sentry) in ``queryObj.snubaQuery``."""
    outer = source.child("queryObj")
    if outer is None:
        return source
    inner = outer.child("snubaQuery")
    if inner is None:
        raise outer.fail(None, "snubaQuery is missing", "export the detector again")
    return inner


def _conditions(node: Node, numbering: Numbering) -> tuple[tuple[Threshold, ...], tuple[Threshold, ...]]:
    """Thresholds, gravest first, and what is well again."""
    group = node.child("conditionGroup")
    if group is None:
        raise node.fail(None, "conditionGroup is missing", "it holds the thresholds of the detector")
    group.choice("logicType", ("any", "any-short", "all", "none"), "any")
    found: list[tuple[int, Threshold]] = []
    for child in group.nodes("conditions", needed=True):
        if child.text("type") == "anomaly_detection":
            child.done("comparison", "conditionResult", "id")
            continue
        result = int(child.choice("conditionResult", (75, 50, 25, 0)))
        op = COMPARATORS[child.choice("type", COMPARATORS)]
        value, label = child.required_number("comparison"), _LABELS.get(result, "triggered")
        threshold = Threshold(
            label=label,
            op=op,
            value=value,
            where=child.path,
            number=numbering.take(child.path, f"{label if result else 'resolved'}: {op} {value:g}"),
        )
        child.done("id", "conditionGroupId")
        found.append((result, threshold))
    group.done("id", "organizationId", "actions")
    found.sort(key=lambda pair: -pair[0])
    return tuple(t for result, t in found if result), tuple(t for result, t in found if not result)
