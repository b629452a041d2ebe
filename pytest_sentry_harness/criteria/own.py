"""Criteria that a project adds: measured like ours, trusted less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model.extensions import Criterion, Evidence
from ..model.scenario import Gate
from ..model.verdict import Measurement


class NotMeasuredError(Exception):
    """The criterion's own code broke; ``str`` says how."""


def asked_for(criteria: Iterable[Criterion], gates: Iterable[Gate]) -> list[Criterion]:
    """Those whose metrics the scenario's gates name."""
    named = {gate.metric for gate in gates}
    return [criterion for criterion in criteria if named & {metric.name for metric in criterion.metrics}]


def measure(criterion: Criterion, evidence: Evidence) -> Mapping[str, Measurement]:
    """All metrics of ``criterion``. Raises ``NotMeasuredError`` when its function raises or leaves one out."""
    where = f"{criterion.measure.__module__}.{criterion.measure.__qualname__}"
    try:
        measured = criterion.measure(evidence)
    except Exception as error:
        raise NotMeasuredError(f"{where} raised {type(error).__name__}: {error}") from error
    missing = [metric.name for metric in criterion.metrics if metric.name not in measured]
    if missing:
        raise NotMeasuredError(f"{where} did not measure {' and '.join(missing)}")
    return measured
