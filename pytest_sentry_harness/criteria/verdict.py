"""Measurement and gate to verdict. The verdict is about the interval, not the point.

A metric that was counted in full (``exact``) is judged by its value. An estimated one passes when its
whole 95 % interval meets the gate, fails when none of it does, and is inconclusive in between. A gate
of 100 % (or 0 %) on a rate is special: no finite sample can prove it, so it asks for zero losses in
the run, and the bound on the true rate is reported beside it. ``=`` is for counts: no sample can prove that an estimate
is equal to anything, only that it is not.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from ..model.metrics import METRICS, Metric
from ..model.scenario import Gate
from ..model.verdict import GateResult, Measurement, Verdict

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


def judge(measurement: Measurement, gate: Gate, metrics: Mapping[str, Metric] = METRICS) -> GateResult:
    """Judge one measurement by one gate."""
    verdict, why = _decide(measurement, gate)
    if verdict is Verdict.FAIL and metrics[gate.metric].guards:
        verdict, why = Verdict.INCONCLUSIVE, f"not enough evidence: {why}"
    return GateResult(metric=gate.metric, gate=gate.text, verdict=verdict, measurement=measurement, why=why)


def _decide(measurement: Measurement, gate: Gate) -> tuple[Verdict, str]:
    value = measurement.value
    if value is None:
        return Verdict.INCONCLUSIVE, measurement.note or "there was nothing to measure"
    meets = _COMPARE[gate.comparison]
    shown = show(value, measurement.unit)
    if (
        measurement.exact
        or (measurement.low is None and measurement.high is None)
        or _at_limit(measurement, gate)
    ):
        if meets(value, gate.threshold):
            return Verdict.PASS, f"{shown} meets {gate.text}"
        return Verdict.FAIL, f"{shown} does not meet {gate.text}"
    # A bound that the sample is too small for may lie anywhere.
    low = -math.inf if measurement.low is None else measurement.low
    high = math.inf if measurement.high is None else measurement.high
    ends = [meets(end, gate.threshold) for end in (low, high)]
    interval = f"{show(low, measurement.unit)} to {show(high, measurement.unit)}"
    if all(ends):
        return Verdict.PASS, f"all of {interval} (95 %) meets {gate.text}"
    # With "=" neither end need meet the gate, and what lies between may.
    if not any(ends) and not (gate.comparison == "=" and low <= gate.threshold <= high):
        return Verdict.FAIL, f"none of {interval} (95 %) meets {gate.text}"
    note = f"; {measurement.note}" if measurement.note else ""
    return Verdict.INCONCLUSIVE, f"{interval} (95 %) straddles {gate.text}{note}"


def _at_limit(measurement: Measurement, gate: Gate) -> bool:
    return measurement.unit == "ratio" and gate.threshold in (0.0, 1.0)


def show(value: float | None, unit: str) -> str:
    """A value with its unit, for people. Never rounds a rate below 100 % up to 100 %, nor one above 0 % down to 0 %."""
    if value is None:
        return "-"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if unit == "ratio":
        percent = value * 100
        for digits in range(2, 8):
            text = f"{percent:.{digits}f}"
            if (float(text) == 100.0) == (value == 1.0) and (float(text) == 0.0) == (value == 0.0):
                return f"{text.rstrip('0').rstrip('.')} %"
        return f"{percent!r} %"
    if unit == "seconds":
        return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
    if unit == "change":
        return f"{value * 100:+.2f} %"
    if unit == "bytes":
        return f"{value / 2**20:.3g} MiB"
    return f"{value:,.0f}".replace(",", " ")
