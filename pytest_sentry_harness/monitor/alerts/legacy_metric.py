"""Rules of ``/alert-rules/``. Sentry API reference, "Create a Metric Alert Rule for an Organization"."""

from __future__ import annotations

from .conditions_json import Numbering
from .legacy_issue import environment_name
from .measures import check_measure
from .model import Comparator, Label, MetricRule, Threshold
from .node import Node

DATASETS = ("events", "transactions", "generic_metrics", "metrics", "sessions", "events_analytics_platform")
WINDOWS = (1, 5, 10, 15, 30, 60, 120, 240, 1440)
EVENT_TYPES = ("default", "error", "transaction", "trace_item_span", "trace_item_log")
AUTO_RESOLVE = 1e-6
"""How far on the other side of a threshold is well again, where no resolve threshold is given."""
_ANSWER = (
    "owner",
    "organizationId",
    "dateModified",
    "dateCreated",
    "createdBy",
    "originalAlertRuleId",
    "resolution",
    "status",
    "activations",
    "latestIncident",
    "errors",
    "description",
    "detectionType",
    "sensitivity",
    "seasonality",
    "extrapolationMode",
    "weeklyAvg",
    "totalThisWeek",
    "monitorType",
    "activationCondition",
    "excludedProjects",
    "includeAllProjects",
    "snoozeCreatedBy",
    "snoozeForEveryone",
    "triggers",
    "queryType",
)


def read_metric_rule(node: Node, index: int, numbering: Numbering) -> MetricRule:
    """A metric rule of the old generation. Raises ``RulesError``."""
    name = node.name(256)
    node.required("aggregate")
    dataset = dataset_of(node)
    check_measure(node, dataset)
    window = int(node.choice("timeWindow", WINDOWS)) * 60.0
    above = int(node.choice("thresholdType", (0, 1))) == 0
    delta = node.number("comparisonDelta", least=1)
    thresholds = _triggers(node, above, numbering)
    off = node.get("snooze")
    rule = MetricRule(
        name=name,
        index=index,
        where=node.path,
        aggregate=node.text("aggregate") or "",
        dataset=dataset,
        query=node.text("query") or "",
        window=window,
        thresholds=thresholds,
        resolve=_resolve(node, above, thresholds, numbering),
        period=int(node.number("thresholdPeriod", least=1, most=20, whole=True) or 1),
        comparison=None if delta is None else delta * 60,
        environment=environment_name(node),
        event_types=event_types(node),
        enabled=not off,
        off_why="it is snoozed (muted)" if off else "",
        id=node.text("id") or "",
        dynamic=node.text("detectionType") == "dynamic",
        projects=tuple(str(item) for item in node.items("projects")),
    )
    node.done(*_ANSWER)
    return rule


def event_types(node: Node) -> tuple[str, ...]:
    """The ``eventTypes``; none: as the dataset has them."""
    found = []
    for number, item in enumerate(node.items("eventTypes")):
        if item not in EVENT_TYPES:
            raise node.fail(
                f"eventTypes[{number}]", f"{item!r} is no event type", f"allowed: {', '.join(EVENT_TYPES)}"
            )
        found.append(item)
    return tuple(found)


def dataset_of(node: Node) -> str:
    """``errors``, ``transactions`` or ``sessions``: what is looked at in the end."""
    dataset = node.choice("dataset", DATASETS, "events")
    query_type = int(node.number("queryType", least=0, most=2, whole=True) or 0)
    types = event_types(node)
    if dataset == "sessions" or (dataset == "metrics" and query_type == 2):
        return "sessions"
    if dataset in ("transactions", "generic_metrics", "metrics") or query_type == 1 or "transaction" in types:
        return "transactions"
    return "transactions" if dataset == "events_analytics_platform" else "errors"


def _triggers(node: Node, above: bool, numbering: Numbering) -> tuple[Threshold, ...]:
    op: Comparator = "gt" if above else "lt"
    found: dict[Label, Threshold] = {}
    triggers = node.nodes("triggers", needed=True)
    for trigger in triggers:
        label: Label = (
            "critical" if trigger.choice("label", ("critical", "warning")) == "critical" else "warning"
        )
        if label in found:
            raise trigger.fail(
                "label", f"there is a {label} trigger already", "one critical, one warning at most"
            )
        value = trigger.required_number("alertThreshold")
        found[label] = Threshold(
            label=label,
            op=op,
            value=value,
            actions=trigger.objects("actions"),
            where=trigger.path,
            number=numbering.take(trigger.path, f"{label}: {'above' if above else 'below'} {value:g}"),
        )
        trigger.done("id", "alertRuleId", "resolveThreshold", "thresholdType", "dateCreated")
    if "critical" not in found:
        raise node.fail(
            "triggers", "the critical trigger is missing", 'add {"label": "critical", "alertThreshold": …}'
        )
    critical, warning = found["critical"], found.get("warning")
    if warning is None:
        return (critical,)
    if (warning.value > critical.value) if above else (warning.value < critical.value):
        side = "above" if above else "below"
        raise node.fail(
            "triggers",
            f"the warning threshold {warning.value:g} lies {side} the critical one {critical.value:g}",
            "a warning must come before it is critical",
        )
    return (critical, warning)


def _resolve(
    node: Node, above: bool, thresholds: tuple[Threshold, ...], numbering: Numbering
) -> tuple[Threshold, ...]:
    value = node.number("resolveThreshold")
    if value is None:
        return ()
    first = thresholds[-1].value
    if (value > first) if above else (value < first):
        side = "above" if above else "below"
        raise node.fail(
            "resolveThreshold",
            f"resolveThreshold {value:g} lies {side} the {thresholds[-1].label} threshold {first:g}",
            "it would resolve while it still alerts: give a value on the other side",
        )
    where = f"{node.path}.resolveThreshold".lstrip(".")
    number = numbering.take(where, f"resolved: {'below' if above else 'above'} {value:g}")
    return (
        Threshold(label="triggered", op="lt" if above else "gt", value=value, where=where, number=number),
    )
