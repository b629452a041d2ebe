"""From a reconciliation to the verdict of each criterion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..model.account import Account
from ..model.ledger import Note
from ..model.metrics import METRICS, PROMISES
from ..model.scenario import Gate
from ..model.verdict import CriterionResult, GateResult, Measurement, Verdict, worst
from . import capture
from .verdict import judge


def judge_criteria(
    account: Account,
    gates: Iterable[Gate],
    *,
    trouble: Iterable[str] = (),
    doubts: Iterable[str] = (),
    complete: bool = True,
) -> tuple[CriterionResult, ...]:
    """Judge every criterion that ``gates`` (defaults included) speak of.

    ``trouble``: the harness broke, which makes the verdict *error*. ``doubts``: the evidence is not
    complete, which turns a pass into *inconclusive*. Not ``complete``: the harness was killed in mid-run,
    so that a failed gate proves nothing either.
    """
    measured = {"capture": capture.measure(account)}
    return tuple(
        _criterion(
            name,
            measurements,
            [gate for gate in gates if METRICS[gate.metric].criterion == name],
            trouble,
            doubts,
            complete,
        )
        for name, measurements in measured.items()
    )


def _criterion(
    name: str,
    measurements: dict[str, Measurement],
    gates: list[Gate],
    trouble: Iterable[str],
    doubts: Iterable[str],
    complete: bool,
) -> CriterionResult:
    results = tuple(judge(measurements[gate.metric], gate) for gate in gates)
    if not complete:
        results = tuple(_weakened(result) for result in results)
    verdicts = [result.verdict for result in results]
    notes = [*trouble, *doubts]
    if list(trouble):
        verdicts.append(Verdict.ERROR)
    elif list(doubts):
        verdicts.append(Verdict.INCONCLUSIVE)
    return CriterionResult(
        criterion=name, promise=PROMISES[name], verdict=worst(verdicts), gates=results, notes=tuple(notes)
    )


def _weakened(result: GateResult) -> GateResult:
    if result.verdict is not Verdict.FAIL:
        return result
    return replace(result, verdict=Verdict.INCONCLUSIVE, why=f"the run never ended in order: {result.why}")


def trouble_in(notes: Iterable[Note]) -> list[str]:
    """The notes that mean the harness itself broke, each once."""
    return list(dict.fromkeys(note.text for note in notes if note.level == "error"))
