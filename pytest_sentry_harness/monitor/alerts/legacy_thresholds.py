"""Thresholds of rules of ``/alert-rules/``. Sentry API reference, "Create a Metric Alert Rule for an Organization".

Of a rule that compares with the past the API has the change: 30 is 30 % more, or less where the rule watches for less.
"""

from __future__ import annotations

from .checks import span
from .conditions_json import Numbering
from .model import Comparator, Label, Threshold
from .node import Node

AUTO_RESOLVE = 1e-6
"""How far on the other side of a threshold is well again, where no resolve threshold is given."""
_TRIGGER = ("id", "alertRuleId", "resolveThreshold", "thresholdType", "dateCreated")


def read_thresholds(
    node: Node, numbering: Numbering, comparison: float | None, *, dynamic: bool
) -> tuple[tuple[Threshold, ...], tuple[Threshold, ...]]:
    """Those of the triggers, gravest first, and that which resolves. Anomalies (``dynamic``) have none.

    ``comparison``: seconds back, None where nothing is compared with the past. Raises ``RulesError``.
    """
    kind = node.choice("thresholdType", (0, 1, 2), "" if dynamic else None)
    if dynamic:
        for trigger in node.nodes("triggers"):
            trigger.done(*_TRIGGER, "label", "alertThreshold", "actions")
        node.get("resolveThreshold")
        return (), ()
    if kind == "2":
        raise node.fail(
            "thresholdType", "thresholdType = 2 is for anomaly detection", "allowed: 0 (above), 1 (below)"
        )
    above = kind == "0"
    given = _triggers(node, above, numbering, comparison)
    thresholds = tuple(threshold for _, threshold in given)
    return thresholds, _resolve(node, above, given[-1], numbering, comparison)


def _compared(value: float, above: bool, comparison: float | None) -> float:
    """What is compared. Sentry's API has changes: 30 is 130 per cent of the value back then, or 70 where less is looked for."""
    if comparison is None:
        return value
    return 100 + value if above else 100 - value


def _said(value: float, above: bool, comparison: float | None) -> str:
    if comparison is None:
        return f"{'above' if above else 'below'} {value:g}"
    return f"{value:g} % {'more' if above else 'less'} than {span(comparison)} ago"


def _triggers(
    node: Node, above: bool, numbering: Numbering, comparison: float | None
) -> list[tuple[float, Threshold]]:
    """Thresholds as they are written, and as they are compared."""
    op: Comparator = "gt" if above else "lt"
    found: dict[Label, tuple[float, Threshold]] = {}
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
        threshold = Threshold(
            label=label,
            op=op,
            value=_compared(value, above, comparison),
            actions=trigger.objects("actions"),
            where=trigger.path,
            number=numbering.take(trigger.path, f"{label}: {_said(value, above, comparison)}"),
        )
        found[label] = (value, threshold)
        trigger.done(*_TRIGGER)
    if "critical" not in found:
        raise node.fail(
            "triggers", "the critical trigger is missing", 'add {"label": "critical", "alertThreshold": …}'
        )
    if "warning" not in found:
        return [found["critical"]]
    (given, critical), (first, warning) = found["critical"], found["warning"]
    if (warning.value > critical.value) if above else (warning.value < critical.value):
        raise node.fail(
            "triggers",
            f"the warning threshold {first:g} lies {_side(first, given)} the critical one {given:g}",
            "a warning must come before it is critical",
        )
    return [found["critical"], found["warning"]]


def _resolve(
    node: Node,
    above: bool,
    least: tuple[float, Threshold],
    numbering: Numbering,
    comparison: float | None,
) -> tuple[Threshold, ...]:
    given = node.number("resolveThreshold")
    if given is None:
        return ()
    first, threshold = least
    value, limit = _compared(given, above, comparison), threshold.value
    # Of whole numbers "more than 0" and "less than 1" leave no gap and do not overlap: Sentry takes them.
    slack = 1 if value.is_integer() and limit.is_integer() else 0
    if (value > limit + slack) if above else (value < limit - slack):
        raise node.fail(
            "resolveThreshold",
            f"resolveThreshold {given:g} lies {_side(given, first)} the {threshold.label} threshold {first:g}",
            "it would resolve while it still alerts: give a value on the other side",
        )
    where = f"{node.path}.resolveThreshold".lstrip(".")
    if comparison is None:
        said = f"{'below' if above else 'above'} {value:g}"
    else:
        said = f"{'below' if above else 'above'} {value:g} % of {span(comparison)} ago"
    number = numbering.take(where, f"resolved: {said}")
    return (
        Threshold(label="triggered", op="lt" if above else "gt", value=value, where=where, number=number),
    )


def _side(value: float, other: float) -> str:
    return "above" if value > other else "below"
