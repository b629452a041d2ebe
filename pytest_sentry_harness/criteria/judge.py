"""From a reconciliation to the verdict of each criterion."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.account import Account
from ..model.ledger import Note
from ..model.metrics import METRICS, PROMISES
from ..model.scenario import Gate
from ..model.verdict import CriterionResult, Measurement, Verdict, worst
from . import capture
from .verdict import judge


def judge_criteria(
    account: Account, gates: Iterable[Gate], *, trouble: Iterable[str] = (), doubts: Iterable[str] = ()
) -> tuple[CriterionResult, ...]:
    """Judge every criterion that ``gates`` (defaults included) speak of.

    ``trouble``: the harness broke, which makes the verdict *error*. ``doubts``: the evidence is not
    complete, which turns a pass into *inconclusive*.
    """
    measured = {"capture": capture.measure(account)}
    return tuple(
        _criterion(
            name,
            measurements,
            [gate for gate in gates if METRICS[gate.metric].criterion == name],
            trouble,
            doubts,
        )
        for name, measurements in measured.items()
    )


def _criterion(
    name: str,
    measurements: dict[str, Measurement],
    gates: list[Gate],
    trouble: Iterable[str],
    doubts: Iterable[str],
) -> CriterionResult:
    results = tuple(judge(measurements[gate.metric], gate) for gate in gates)
    verdicts = [result.verdict for result in results]
    notes = [*trouble, *doubts]
    if list(trouble):
        verdicts.append(Verdict.ERROR)
    elif list(doubts):
        verdicts.append(Verdict.INCONCLUSIVE)
    return CriterionResult(
        criterion=name, promise=PROMISES[name], verdict=worst(verdicts), gates=results, notes=tuple(notes)
    )


def trouble_in(notes: Iterable[Note]) -> list[str]:
    """The notes that mean the harness itself broke, each once."""
    return list(dict.fromkeys(note.text for note in notes if note.level == "error"))
