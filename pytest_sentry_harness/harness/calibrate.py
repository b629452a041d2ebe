"""Calibration: a scenario proves that it passes when all is well, and that it finds each defect its twins plant.

An instrument that has not been calibrated is not used. The healthy scenario must pass without a loss; each
twin must not pass, must lose something, and every loss must be reported for the cause that was planted.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..criteria.verdict import show
from ..model.calibration import Calibration
from ..model.metrics import METRICS
from ..model.scenario import Finds, Scenario
from ..model.verdict import GateResult, Verdict
from ..plan.twins import twin_of
from ..report.document import Finding, Loss, RunDocument
from .progress import Progress
from .run import run_scenario

_LIBRARY = re.compile(r".*/(?:site-packages|lib/python3\.\d+)/")
_LOST = ("explained", "unexplained_loss", "late")
_NOT_A_LOSS = ("no_event_expected",)


def calibrate(
    scenario: Scenario,
    twin: str = "",
    *,
    progress: Progress | None = None,
    runs: Path | None = None,
    stop: threading.Event | None = None,
) -> Calibration:
    """Run ``scenario``, or its ``twin``, and hold the outcome against what must be found.

    ``stop`` cuts the run short, as in ``run_scenario``. Raises what ``run_scenario`` raises, and ``UsageError`` for a twin there is not.
    """
    changed = twin_of(scenario, twin) if twin else scenario
    document = run_scenario(changed, progress=progress, runs=runs, stop=stop)
    return assess(scenario, twin, document)


def assess(scenario: Scenario, twin: str, document: RunDocument) -> Calibration:
    """Hold a judged run of ``scenario`` or its ``twin`` against what must be found. Pure."""
    planted = next((each for each in scenario.twins if each.name == twin), None)
    finds = planted.finds if planted else None
    losses: list[Loss | Finding] = [*lost(document.losses)]
    if finds is not None:  # what the twin's own metric counts, by cause, when that is another than losses
        losses += [finding for finding in document.findings if finding.metric == finds.metric]
    return Calibration(
        scenario=scenario.name,
        file=document.scenario.file,
        twin=twin,
        stories=planted.stories if planted else (),
        verdict=document.verdict,
        fired=document.account.fired,
        lost=sum(loss.count for loss in losses),
        attributed=sum(loss.count for loss in losses if finds is not None and matches(finds, loss)),
        causes=_causes(losses),
        why=_wrong_healthy(document, losses) if finds is None else _wrong_twin(document, losses, finds),
        run_id=document.run.id,
        seconds=document.run.seconds,
        size=_sizes(document, finds),
    )


def lost(losses: Iterable[Loss]) -> list[Loss]:
    """Those of ``losses`` that are losses: neither faults that never fired nor those that promise no event."""
    return [loss for loss in losses if loss.state in _LOST and loss.reason not in _NOT_A_LOSS]


def matches(finds: Finds, loss: Loss | Finding) -> bool:
    """Whether ``loss`` is reported as what was planted."""
    if finds.reasons and loss.reason not in finds.reasons:
        return False
    if finds.file and (loss.place is None or not loss.place.file.endswith(finds.file)):
        return False
    return finds.culprit in loss.culprit


def _wrong_healthy(document: RunDocument, losses: Sequence[Loss | Finding]) -> str:
    if losses:
        return f"{sum(loss.count for loss in losses)} losses in the healthy scenario: {_worded(losses[0])}"
    if document.verdict is not Verdict.PASS:
        return f"the healthy scenario must pass: {_first_reason(document)}"
    return ""


def _wrong_twin(document: RunDocument, losses: Sequence[Loss | Finding], finds: Finds) -> str:
    gates = [gate for criterion in document.criteria for gate in criterion.gates]
    notes = [note for criterion in document.criteria for note in criterion.notes]
    if finds.note and not any(finds.note in note for note in notes):
        return f"no note says {finds.note!r}: {_first_reason(document)}"
    if finds.verdict == "error":
        wrong = document.verdict is not Verdict.ERROR
        return f"the verdict must be error, and is {document.verdict}" if wrong else ""
    unjudged = set(finds.passes) - {gate.metric for gate in gates}
    if unjudged:
        return f"no gate judges {min(unjudged)}, which must pass all the same: add it to [gates]"
    seen = [gate for gate in gates if gate.metric in finds.passes and gate.verdict is not Verdict.PASS]
    if seen:
        return f"{seen[0].metric} must pass all the same, and is {seen[0].verdict}: {seen[0].why}"
    gate = next((gate for gate in gates if gate.metric == finds.metric), None)
    if gate is None:
        return f"no gate judges {finds.metric}, which the twin must fail: add it to [gates]"
    if document.verdict is Verdict.ERROR:
        return f"the harness broke: {_first_reason(document)}"
    if gate.verdict is not Verdict.FAIL:
        why = " ".join([gate.why, *(f"({note})" for note in notes[:1])])
        return f"{finds.metric} must fail, and is {gate.verdict}: {why}"
    others = [loss for loss in losses if not matches(finds, loss)]
    if others:
        return f"{sum(loss.count for loss in others)} losses reported for another cause: {_worded(others[0])}"
    size = _size(document, finds)
    if finds.value is not None and (size is None or abs(size - finds.value) > finds.within):
        return f"{finds.metric} must be found in the planted size: {_sizes(document, finds)}"
    if finds.metric == "capture.rate" and not losses:
        return "nothing was lost"
    return ""


def _size(document: RunDocument, finds: Finds) -> float | None:
    """The size that was measured of what was planted; None when it was not."""
    if finds.operation:
        rows = document.timing.operations if document.timing else ()
        return next((row.bias for row in rows if row.operation == finds.operation), None)
    gates = [gate for criterion in document.criteria for gate in criterion.gates]
    return next((gate.measurement.value for gate in gates if gate.metric == finds.metric), None)


def _sizes(document: RunDocument, finds: Finds | None) -> str:
    if finds is None or finds.value is None:
        return ""
    unit = METRICS[finds.metric].unit if finds.metric in METRICS else ""
    whose = f"{finds.operation}: " if finds.operation else ""
    measured = show(_size(document, finds), unit)
    return f"{whose}measured {measured}, planted {show(finds.value, unit)} ± {show(finds.within, unit)}"


def _first_reason(document: RunDocument) -> str:
    notes = [note for criterion in document.criteria for note in criterion.notes]
    gates: list[GateResult] = [gate for criterion in document.criteria for gate in criterion.gates]
    whys = [f"{gate.metric}: {gate.why}" for gate in gates if gate.verdict is not Verdict.PASS]
    return (notes + whys or [f"the verdict is {document.verdict}"])[0]


def _causes(losses: Iterable[Loss | Finding]) -> tuple[tuple[str, int], ...]:
    counted: Counter[str] = Counter()
    for loss in losses:
        counted[_worded(loss)] += loss.count
    return tuple(counted.most_common())


def _portable(path: str) -> str:
    """``path`` as it is called on any machine: within its library, or from the folder of scenarios on."""
    library = _LIBRARY.match(path)
    if library:
        return path[library.end() :]
    return path[max(path.rfind("/scenarios/") + 1, 0) :]


def _worded(loss: Loss | Finding) -> str:
    parts = [loss.reason or (loss.state.replace("_", " ") if isinstance(loss, Loss) else loss.metric)]
    if loss.culprit:
        parts.append(loss.culprit)
    if loss.place is not None:
        parts.append(f"{_portable(loss.place.file)}:{loss.place.line}")
    return ", ".join(parts)
