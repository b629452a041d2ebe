"""Gates: ``metric = "comparison threshold"``, checked against the known metrics before a run.

::

    gate      := comparison number [unit]
    comparison := "<" | "<=" | "=" | "==" | ">=" | ">"      "=" for counts only: an estimate is never equal to anything
    unit      := "%" (ratios, changes) | "us" | "ms" | "s" | "min" | "h" (times) | "kB" | "MB" | "GB" | "KiB" | "MiB" | "GiB"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Literal, cast

from ..errors import ScenarioError, TermError, did_you_mean
from ..model.metrics import METRICS, Metric
from ..model.scenario import COMPUTING, Gate, Scenario
from .tables import Document
from .terms import duration, parse_chain

_OF_OPERATIONS = ("profiling.attributed", "profiling.top", "profiling.operations")
_GATE = re.compile(r"\s*(<=|>=|==|=|<|>)\s*([0-9.]+)\s*(%|[A-Za-z]*)\s*")
_EXAMPLES = {
    "ratio": '">= 99.5%"',
    "count": '"= 0"',
    "seconds": '"< 100ms"',
    "change": '"< 5%"',
    "bytes": '"< 64MiB"',
}
UNIT_WORDS = {
    "ratio": "is a ratio",
    "count": "is a count",
    "seconds": "is measured in seconds",
    "change": "is a relative change",
    "bytes": "is measured in bytes",
}
"""How a sentence about a metric says its unit."""
_BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


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
    if comparison == "=" and known.unit != "count":
        raise ScenarioError(
            f"{metric} = {text!r}: = is for counts, and {metric} {UNIT_WORDS[known.unit]}; what is estimated is never "
            "exactly equal to anything",
            where=where,
            hint=f"use <, <=, >= or >, as in {_EXAMPLES[known.unit]}",
        )
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
        # Operations are marked for profiling and for widgets as well: their timing is judged where a gate asks for it.
        "timing": _timed(scenario) and scenario.profiling is None,
        "profiling": scenario.profiling is not None,
        "noise": scenario.noise is not None,
        "alerting": scenario.alerting is not None,
        "dashboards": scenario.dashboards is not None,
        "overhead": scenario.overhead is not None,
        "load": False,
        "objectives": bool(scenario.objectives),
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


def _timed(scenario: Scenario) -> bool:
    """Whether an operation is marked for its own sake, and not only for a widget that has to show it."""
    shows = scenario.dashboards.shows if scenario.dashboards is not None else ()
    return bool({each.name for each in scenario.operations} - {each.operation for each in shows})


def with_defaults(scenario: Scenario, criteria: Iterable[str]) -> tuple[Gate, ...]:
    """The gates of ``scenario``, and the default gates of the ``criteria`` that it does not judge itself.

    A default gate that the scenario gives no subject for is left out: where no profile is promised, none is missed. Where
    a share of profiles is promised, half of it has to be there for sure: no sample proves a share to be exactly what it is.
    """
    given, metrics = {gate.metric for gate in scenario.gates}, scenario.extensions.metrics
    promised = scenario.profiling.profiles if scenario.profiling else 0.0
    if scenario.alerting is not None:
        metrics = {**metrics, **_within(metrics, scenario.alerting.within)}
    pointless = set() if scenario.operations else {"profiling.attributed", "profiling.operations"}
    if not promised or all(operation.kind not in COMPUTING for operation in scenario.operations):
        pointless.add("profiling.top")
    if scenario.load is None:
        pointless.add("load.failed")
    pointless |= {metric for metric, expected in _expected(scenario).items() if not expected}
    if not _compared(scenario):
        pointless.add("objectives.contradicted")
    if not _joined(scenario):
        pointless.add("objectives.unseen")
    gates = [gate for name in criteria for gate in default_gates(name, given | pointless, metrics)]
    if promised and "profiling.profiled" not in given:
        least = 100 * (promised if promised == 1 else promised / 2)
        gates.append(parse_gate("profiling.profiled", f">= {least:g}%", "default gates", metrics))
    return (*scenario.gates, *gates)


def _within(metrics: Mapping[str, Metric], seconds: float) -> dict[str, Metric]:
    """The metrics of alerting by which the promise of a scenario is judged: of that many ``seconds``, and not of 30."""
    return {
        name: replace(metrics[name], default_gate=f"< {_plain(seconds)}s")
        for name in ("alerting.latency.p99", "alerting.latency.max")
    }


def _plain(seconds: float) -> str:
    """Without an exponent, which no gate has."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _expected(scenario: Scenario) -> dict[str, bool]:
    """Whether some fault says how its events are to be classified, by the metric that counts those that are not."""
    expects = [fault.expect for fault in scenario.faults]
    return {
        "noise.category_wrong": any(each.category is not None for each in expects),
        "noise.severity_wrong": any(each.severity is not None for each in expects),
    }


def _compared(scenario: Scenario) -> bool:
    """Whether of some objective both is known: what Sentry shows, and what the load generator saw."""
    return scenario.load is not None and any(each.comparable for each in scenario.objectives)


def _joined(scenario: Scenario) -> bool:
    """Whether the failed requests of some objective can be looked for among transactions, one by one."""
    return scenario.load is not None and any(
        each.comparable and each.what == "availability" and each.by == "transactions"
        for each in scenario.objectives
    )


def check_gates(scenario: Scenario, document: Document) -> None:
    """That each gate has something to judge in ``scenario``. Raises ``ScenarioError`` for the first that has not."""
    for gate in scenario.gates:
        lack = _lack(scenario, gate.metric)
        if lack is not None:
            why, remedy = lack
            raise ScenarioError(
                f"{gate.metric} = {gate.text!r} cannot be judged: {why}",
                where=document.where("gates", key=gate.metric),
                hint=f"{remedy}; {_allowed(scenario)}",
            )


def _lack(scenario: Scenario, metric: str) -> tuple[str, str] | None:
    """Why nothing in ``scenario`` could be measured as ``metric``, and what to do; None when something can."""
    criterion = scenario.extensions.metrics[metric].criterion
    if scenario.overhead is not None and criterion != "overhead":
        return (
            "a scenario with [overhead] measures what Sentry costs, and nothing else",
            "move the gate to a scenario without [overhead]",
        )
    operations, load = bool(scenario.operations), scenario.load is not None
    needs: list[tuple[bool, str]] = {
        "capture": [(bool(scenario.faults), "[[fault]]")],
        "timing": [(operations, "[[operation]]")],
        "profiling": [
            (scenario.profiling is not None, "[profiling]"),
            (operations or metric not in _OF_OPERATIONS, "[[operation]]"),
        ],
        "noise": [
            (scenario.noise is not None, "[noise]"),
            (_expected(scenario).get(metric, True), f"a [[fault]] with expect.{_classified(metric)}"),
            (scenario.alerting is not None or metric != "noise.notifications", "[alerting]"),
        ],
        "alerting": [(scenario.alerting is not None, "[alerting]")],
        "dashboards": [(scenario.dashboards is not None, "[dashboards]")],
        "overhead": [(scenario.overhead is not None, "[overhead]")],
        "objectives": [
            (bool(scenario.objectives), "[[objective]]"),
            (
                _compared(scenario) or metric not in ("objectives.contradicted", "objectives.off"),
                "[load] and an [[objective]] that says with `on` which of its requests count",
            ),
            (
                _joined(scenario) or metric != "objectives.unseen",
                "[load] and an [[objective]] of availability by transactions",
            ),
        ],
        # What a target holds is sampled whoever drives it, if it is a process of ours.
        "load": [
            (scenario.target.command is not None, "[target] command")
            if metric == "load.memory_growth"
            else (load, "[load]")
        ],
    }.get(criterion, [])
    missing = next((table for there, table in needs if not there), None)
    if missing is None:
        return None
    return f"it needs {missing}, which the scenario does not have", f"add {missing}, or drop the gate"


def _classified(metric: str) -> str:
    return metric.removeprefix("noise.").removesuffix("_wrong")


def _allowed(scenario: Scenario) -> str:
    names = [name for name, metric in scenario.extensions.metrics.items() if _lack(scenario, name) is None]
    criteria = dict.fromkeys(scenario.extensions.metrics[name].criterion for name in names)
    return f"gates on {', '.join(f'{each}.*' for each in criteria)} can be judged here"


def for_counting(gates: Sequence[Gate]) -> tuple[Gate, ...]:
    """The gates of a run that counts instructions: what is promised of CPU time is asked of them, unless the scenario says more.

    Times mean nothing in such a run; whether anything was lost does.
    """
    said = any(gate.metric == "overhead.instructions" for gate in gates)
    wanted = {"overhead.instructions", "overhead.dropped"} | ({"overhead.cpu"} if not said else set())
    return tuple(
        replace(gate, metric="overhead.instructions") if gate.metric == "overhead.cpu" else gate
        for gate in gates
        if gate.metric in wanted
    )


def _threshold(metric: Metric, number: str, unit: str, text: str, where: str) -> float:
    refused = ScenarioError(
        f"{metric.name} = {text!r}: the unit does not fit, {metric.name} {UNIT_WORDS[metric.unit]}",
        where=where,
        hint=f"write it as in {_EXAMPLES[metric.unit]}",
    )
    try:
        value = float(number)
        if metric.unit == "seconds":
            return duration(number + unit)
    except (ValueError, TermError) as error:
        raise refused from error
    if metric.unit == "change":
        if unit != "%":
            raise refused
        return value / 100
    if metric.unit == "bytes":
        if unit not in _BYTES:
            raise refused
        return value * _BYTES[unit]
    if metric.unit == "ratio":
        if unit not in ("%", "") or (unit == "" and value > 1):
            raise refused
        # The nearest float to what is written: 99.9 / 100 is a bit more than 0.999, which 999 of 1000 would not meet.
        value = float(Fraction(number) / 100) if unit else value
        if value > 1:
            raise ScenarioError(
                f"{metric.name} = {text!r}: more than 100 % cannot be", where=where, hint="use 0% to 100%"
            )
        return value
    if unit or value != int(value):
        raise refused
    return value
