"""Rules of ``/alert-rules/``. Sentry API reference, "Create a Metric Alert Rule for an Organization"."""

from __future__ import annotations

import re

from ...errors import UsageError
from .conditions_json import Numbering
from .legacy_issue import environment_name, snooze_of
from .legacy_thresholds import read_thresholds
from .measures import check_measure
from .model import MetricRule
from .node import Node, cut

DATASETS = ("events", "transactions", "generic_metrics", "metrics", "sessions", "events_analytics_platform")
MOST_WINDOW = 1440
"""Minutes. Sentry's pages offer a few, its API takes any up to a day."""
EVENT_TYPES = ("default", "error", "transaction", "trace_item_span")
MOST_AGGREGATE = 1000
_TRACE_ITEM = "trace_item_"
DETECTIONS = ("static", "percent", "dynamic")
STATUSES = {
    0: "",
    1: "",
    2: "it is being deleted",
    3: "it is being deleted",
    4: "it is a snapshot, kept of a rule that was changed",
    5: "it is disabled",
    6: "Sentry has not enough data for it yet",
}
"""What Sentry's ``status`` means: why a rule is off. 1 to 3 are of old answers."""
_MRI = re.compile(r"[a-z]:[a-z_]+/[^()\s]+@")
"""A metric by its resource identifier, such as ``d:transactions/duration@millisecond``."""
_ANSWER = (
    "owner",
    "organizationId",
    "dateModified",
    "dateCreated",
    "createdBy",
    "originalAlertRuleId",
    "resolution",
    "activations",
    "latestIncident",
    "errors",
    "description",
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
    "triggers",
    "queryType",
    "type",
)


def read_metric_rule(node: Node, index: int, numbering: Numbering) -> MetricRule:
    """A metric rule of the old generation. Raises ``RulesError``."""
    name = node.name(256)
    node.required("aggregate")
    dataset = dataset_of(node)
    unmeasured = why_unmeasured(node, dataset)
    window = node.required_number("timeWindow", least=1, most=MOST_WINDOW, whole=True) * 60
    dynamic = node.choice("detectionType", DETECTIONS, "static") == "dynamic"
    delta = node.number("comparisonDelta", least=1)
    comparison = None if delta is None or dynamic else delta * 60
    thresholds, resolve = read_thresholds(node, numbering, comparison, dynamic=dynamic)
    off_why, notes = _off(node)
    rule = MetricRule(
        name=name,
        index=index,
        where=node.path,
        aggregate=node.text("aggregate") or "",
        dataset=dataset,
        query=node.text("query") or "",
        window=window,
        thresholds=thresholds,
        resolve=resolve,
        period=int(node.number("thresholdPeriod", least=1, most=20, whole=True) or 1),
        comparison=comparison,
        environment=environment_name(node),
        event_types=event_types(node),
        enabled=not off_why,
        off_why=off_why,
        id=node.text("id") or "",
        dynamic=dynamic,
        unmeasured=unmeasured,
        projects=node.ids("projects"),
        notes=notes,
    )
    node.done(*_ANSWER)
    return rule


def _off(node: Node) -> tuple[str, tuple[str, ...]]:
    off_why, notes = snooze_of(node)
    return STATUSES[int(node.choice("status", STATUSES, "0"))] or off_why, notes


def event_types(node: Node) -> tuple[str, ...]:
    """The ``eventTypes``; none: as the dataset has them."""
    found = []
    for number, item in enumerate(node.items("eventTypes")):
        if item not in EVENT_TYPES and not (isinstance(item, str) and item.startswith(_TRACE_ITEM)):
            raise node.fail(
                f"eventTypes[{number}]",
                f"{cut(repr(item), 60)} is no event type",
                f"allowed: {', '.join(EVENT_TYPES)}",
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


def why_unmeasured(node: Node, dataset: str) -> str:
    """Why what stands at ``node`` is not measured here; empty when it is. Raises ``UsageError`` for what nothing measures.

    Sentry measures logs, spans and metrics besides, with functions and fields of their own.
    """
    strange = sorted(set(event_types(node)).difference(EVENT_TYPES))
    if strange:
        return f"it measures {', '.join(strange)}, which are not seen here"
    aggregate = node.text("aggregate", longest=MOST_AGGREGATE) or ""
    if _MRI.search(aggregate):
        return f"it measures {cut(aggregate, 200)}, which is not seen here"
    beyond = node.text("dataset") == "events_analytics_platform"
    try:
        check_measure(node, dataset)
    except UsageError as error:
        if not beyond:
            raise
        return f"it measures what is not seen here: {cut(error.what, 200)}"
    return ""
