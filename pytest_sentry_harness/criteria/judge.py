"""From what was measured to the verdict of each criterion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..model.extensions import NO_EXTENSIONS, Evidence, Extensions
from ..model.ledger import Note
from ..model.metrics import Metric
from ..model.scenario import Gate
from ..model.verdict import CriterionResult, GateResult, Measurement, Verdict, worst
from . import own
from .verdict import judge


def judge_criteria(
    measured: Mapping[str, Mapping[str, Measurement]],
    gates: Iterable[Gate],
    *,
    trouble: Iterable[str] = (),
    doubts: Iterable[str] = (),
    complete: bool = True,
    extensions: Extensions = NO_EXTENSIONS,
    evidence: Evidence | None = None,
) -> tuple[CriterionResult, ...]:
    """Judge every criterion that was ``measured``, by its ``gates`` (defaults included).

    ``trouble``: the harness broke, which makes the verdict *error*. ``doubts``: the evidence is not
    complete, which turns a pass into *inconclusive*. Not ``complete``: the harness was killed in mid-run,
    so that a failed gate proves nothing either. Criteria of ``extensions`` are judged by ``evidence``. A gate on what
    was not measured is *inconclusive*, whatever the reason.
    """
    gates, metrics, broken = list(gates), extensions.metrics, list(trouble)
    found: dict[str, Mapping[str, Measurement] | str] = {
        # Those of gates that nothing was measured for come last, and say so.
        **measured,
        **{each: {} for each in _criteria_of(gates, metrics) if each not in measured},
    }
    for criterion in own.asked_for(extensions.criteria, gates):
        assert evidence is not None  # comes with the extensions
        try:
            found[criterion.name] = own.measure(criterion, evidence)
        except own.NotMeasuredError as error:
            found[criterion.name] = str(error)
    return tuple(
        _criterion(
            name,
            extensions.promises[name],
            {} if isinstance(measurements, str) else measurements,
            [gate for gate in gates if metrics[gate.metric].criterion == name],
            metrics,
            [*broken, measurements] if isinstance(measurements, str) else broken,
            doubts,
            complete,
        )
        for name, measurements in found.items()
    )


def _criteria_of(gates: Iterable[Gate], metrics: Mapping[str, Metric]) -> list[str]:
    return list(dict.fromkeys(metrics[gate.metric].criterion for gate in gates))


def _criterion(
    name: str,
    promise: str,
    measurements: Mapping[str, Measurement],
    gates: list[Gate],
    metrics: Mapping[str, Metric],
    trouble: Iterable[str],
    doubts: Iterable[str],
    complete: bool,
) -> CriterionResult:
    results = tuple(
        judge(measurements.get(gate.metric) or _unmeasured(metrics[gate.metric]), gate, metrics)
        for gate in gates
    )
    if not complete:
        results = tuple(_weakened(result) for result in results)
    verdicts = [result.verdict for result in results]
    notes = [*trouble, *doubts]
    if list(trouble):
        verdicts.append(Verdict.ERROR)
    elif list(doubts):
        verdicts.append(Verdict.INCONCLUSIVE)
    return CriterionResult(
        criterion=name, promise=promise, verdict=worst(verdicts), gates=results, notes=tuple(notes)
    )


def _unmeasured(metric: Metric) -> Measurement:
    note = f"this run does not measure {metric.name}"
    return Measurement(
        metric=metric.name, value=None, low=None, high=None, samples=0, unit=metric.unit, note=note
    )


def _weakened(result: GateResult) -> GateResult:
    if result.verdict is not Verdict.FAIL:
        return result
    return replace(result, verdict=Verdict.INCONCLUSIVE, why=f"the run never ended in order: {result.why}")


def trouble_in(notes: Iterable[Note]) -> list[str]:
    """The notes that mean the harness itself broke, each once."""
    return list(dict.fromkeys(note.text for note in notes if note.level == "error"))
