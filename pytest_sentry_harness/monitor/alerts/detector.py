"""Detectors, called Monitors in Sentry's pages. Sentry API reference, "Create a Monitor for a Project"."""

from __future__ import annotations

from .conditions_json import Numbering
from .legacy_issue import environment_name
from .legacy_metric import WINDOWS, dataset_of, event_types
from .measures import check_measure
from .model import Comparator, Label, MetricRule, Threshold
from .node import Node
from .workflow import ids

TYPES = (
    "metric_issue",
    "error",
    "issue_stream",
    "uptime_domain_failure",
    "monitor_check_in_failure",
)
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
    "projectId",
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


def read_detector(node: Node, index: int, numbering: Numbering) -> MetricRule | None:
    """A detector of metrics; None for any other, since what it detects are events or checks.

    Raises ``RulesError``.
    """
    name = node.name(200)
    kind = node.choice("type", TYPES)
    enabled = node.flag("enabled", default=True)
    id_, workflows = node.text("id") or "", ids(node, "workflowIds")
    if kind != "metric_issue":
        node.done(*_ANSWER)
        return None
    detection, delta, period = _config(node)
    sources = node.nodes("dataSources", needed=True)
    if len(sources) != 1:
        raise node.fail("dataSources", f"a metric detector has one data source, here are {len(sources)}")
    source = _query(sources[0])
    source.required("aggregate")
    dataset = dataset_of(source)
    check_measure(source, dataset)
    thresholds, resolve = _conditions(node, numbering)
    rule = MetricRule(
        name=name,
        index=index,
        where=node.path,
        aggregate=source.text("aggregate") or "",
        dataset=dataset,
        query=source.text("query") or "",
        window=float(source.choice("timeWindow", [minutes * 60 for minutes in WINDOWS])),
        thresholds=thresholds,
        resolve=resolve,
        stateful=True,
        period=period,
        comparison=delta if detection == "percent" else None,
        environment=environment_name(source),
        event_types=event_types(source),
        enabled=enabled,
        off_why="" if enabled else "it is not enabled",
        id=id_,
        workflows=workflows,
        dynamic=detection == "dynamic",
    )
    source.done(*_SOURCE_ANSWER)
    node.done(*_ANSWER)
    return rule


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
