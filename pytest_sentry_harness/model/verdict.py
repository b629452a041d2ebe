"""Measurements and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a gate, a criterion or a run comes to."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    """Not enough evidence, or evidence that cannot be trusted."""
    ERROR = "error"
    """The harness itself broke."""


EXIT_CODES: dict[Verdict, int] = {
    Verdict.PASS: 0,
    Verdict.FAIL: 10,
    Verdict.INCONCLUSIVE: 11,
    Verdict.ERROR: 12,
}
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
"""Interrupted before there was anything to judge: 128 + SIGINT, as shells count."""

_SEVERITY = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The gravest of them. None at all is *inconclusive*: no data is never a pass."""
    for verdict in _SEVERITY:
        if verdict in verdicts:
            return verdict
    return Verdict.INCONCLUSIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One metric, measured. ``low`` and ``high`` bound it with 95 % confidence."""

    metric: str
    value: float | None
    """None: there was nothing to measure."""
    low: float | None
    high: float | None
    samples: int
    unit: str = ""
    """``ratio``, ``count``, ``seconds``, ``change`` or ``bytes``, as in ``Metric``."""
    exact: bool = False
    """The value is a full count, not an estimate; gates then judge the value itself."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """One gate, judged."""

    metric: str
    gate: str
    verdict: Verdict
    measurement: Measurement
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionResult:
    """One criterion, judged by all its gates."""

    criterion: str
    promise: str
    verdict: Verdict
    gates: tuple[GateResult, ...]
    notes: tuple[str, ...] = ()
