"""Gates: ``metric = "comparison threshold"``, checked against the known metrics before a run.

::

    gate      := comparison number [unit]
    comparison := "<" | "<=" | "=" | "==" | ">=" | ">"
    unit      := "%" (ratios) | "us" | "ms" | "s" | "min" | "h" (times)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, cast

from ..errors import ScenarioError, TermError, did_you_mean
from ..model.metrics import METRICS, Metric
from ..model.scenario import Gate, Scenario
from .terms import duration, parse_chain

_GATE = re.compile(r"\s*(<=|>=|==|=|<|>)\s*([0-9.]+)\s*(%|[a-z]*)\s*")
_EXAMPLES = {"ratio": '">= 99.5%"', "count": '"= 0"', "seconds": '"< 100ms"'}


def parse_gate(metric: str, text: str, where: str, metrics: Mapping[str, Metric] = METRICS) -> Gate:
    """Read one gate on one of ``metrics``. Raises ``ScenarioError`` for an unknown metric, comparison, number or unit."""
    known = metrics.get(metric)
    if known is None:
        raise ScenarioError(f"unknown metric {metric!r}", where=where, hint=did_you_mean(metric, metrics))
    match = _GATE.fullmatch(text)
    if match is None:
        raise ScenarioError(
            f"{metric} = {text!r} is not a gate",
            where=where,
            hint=f"write a comparison (<, <=, =, >=, >) and a number, as in {_EXAMPLES[known.unit]}",
        )
    comparison, number, unit = match.groups()
    threshold = _threshold(known, number, unit, text, where)
    comparison = cast('Literal["<", "<=", "=", ">=", ">"]', "=" if comparison == "==" else comparison)
    return Gate(
        metric=metric, comparison=comparison, threshold=threshold, text=f"{comparison} {number}{unit}"
    )


def default_gates(
    criterion: str, given: set[str], metrics: Mapping[str, Metric] = METRICS
) -> tuple[Gate, ...]:
    """The default gates of ``criterion`` for the metrics the scenario does not judge itself."""
    return tuple(
        parse_gate(metric.name, metric.default_gate, "default gates", metrics)
        for metric in metrics.values()
        if metric.criterion == criterion and metric.default_gate is not None and metric.name not in given
    )


def criteria_of(scenario: Scenario) -> tuple[str, ...]:
    """The criteria of ours that judge ``scenario``: those it has a subject for, and those its gates name."""
    subjects = {
        "timing": bool(scenario.operations),
        "profiling": scenario.profiling is not None,
        "overhead": scenario.overhead is not None,
    }
    named = {METRICS[gate.metric].criterion for gate in scenario.gates if gate.metric in METRICS}
    others = tuple(name for name in subjects if subjects[name] or name in named)
    kinds = scenario.extensions.kinds_by_name
    errors = any(
        fault.expect.captured
        or not fault.do
        or any(term.kind == "raise" for term in parse_chain(fault.do, kinds))
        for fault in scenario.faults
    )
    return ("capture", *others) if errors or "capture" in named or not others else others


def _threshold(metric: Metric, number: str, unit: str, text: str, where: str) -> float:
    refused = ScenarioError(
        f"{metric.name} = {text!r}: the unit does not fit, {metric.name} is a {metric.unit}",
        where=where,
        hint=f"write it as in {_EXAMPLES[metric.unit]}",
    )
    try:
        value = float(number)
        if metric.unit == "seconds":
            return duration(number + unit)
    except (ValueError, TermError) as error:
        raise refused from error
    if metric.unit == "ratio":
        if unit not in ("%", "") or (unit == "" and value > 1):
            raise refused
        value = value / 100 if unit else value
        if value > 1:
            raise ScenarioError(
                f"{metric.name} = {text!r}: more than 100 % cannot be", where=where, hint="use 0% to 100%"
            )
        return value
    if unit or value != int(value):
        raise refused
    return value
