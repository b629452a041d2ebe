"""The criterion ``noise``: a failure that happens a hundred times is one issue, and another failure is another one.

All metrics are counted in full over the run, none is an estimate, so none has bounds: events of one root cause are grouped alike
or not at all, and pairs of them are not independent, so that an interval from their number would promise more than it can.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from fractions import Fraction

from ..model.metrics import METRICS
from ..model.noise import CauseTold, NoiseInfo
from ..model.scenario import Gate
from ..model.verdict import Measurement
from .noise_findings import findings
from .verdict import show

__all__ = ["doubts", "findings", "measure"]

_NO_EVENT = "no error event of a fault arrived"
_NOTHING_OF_IT = "no event arrived that is of it alone, so nothing is known of its issues"
_MOST_SHARED = 0.2
"""Of the events of a root cause: with a greater share in no figure, the figures are of something else."""
_MOST_NAMED = 5


def measure(info: NoiseInfo, gates: Iterable[Gate] = ()) -> dict[str, Measurement]:
    """All ``noise.*`` metrics of a run, by name. ``gates``: those it is judged by, to know what they demand of the sample."""
    demanded = {gate.metric: gate for gate in gates}
    nothing = "" if info.events else _NO_EVENT
    too_few = nothing or _too_few(info, demanded.get("noise.reduction"))
    found = (
        _measured("noise.reduction", None if too_few else info.reduction, info.events, too_few),
        _measured("noise.merged", info.merged_causes, info.events, nothing),
        _measured("noise.split", info.split_causes, info.events, nothing),
        _measured("noise.foreign", info.foreign_issues, info.events, nothing),
        _measured("noise.precision", info.precision, info.events, "no two events of faults are in one issue"),
        _measured("noise.recall", info.recall, info.events, "no two events are of one root cause"),
        _measured("noise.duplicates", info.duplicates, info.events, nothing),
        *(_misclassified(info, what) for what in ("category", "severity")),
        _measured(
            "noise.notifications", info.notified, info.events, nothing or "the scenario has no [alerting]"
        ),
        _measured("noise.causes", info.enough, info.events),
    )
    return {each.metric: each for each in found}


def doubts(info: NoiseInfo, expected: Collection[str]) -> list[str]:
    """A sentence for each root cause of which nothing, or too little, can be said; ``expected``: the faults that fired and should arrive."""
    found = [doubt for cause in info.causes if cause.name in expected and (doubt := _doubt(cause))]
    if info.unread:
        found.append(f"{info.unread} events could not be read, so nothing is known of their issues")
    return found


def _doubt(cause: CauseTold) -> str:
    every = cause.events + cause.shared
    if cause.shared <= _MOST_SHARED * every:
        return "" if cause.events else f"{_fault(cause)}: {_NOTHING_OF_IT}"
    names = ", ".join(map(repr, cause.shared_with[:_MOST_NAMED]))
    more = len(cause.shared_with) - _MOST_NAMED
    others = names + (f" and {more} more" if more > 0 else "")
    if not cause.events:
        return f"{_fault(cause)}: {_NOTHING_OF_IT}; {cause.shared} are of {others} just as well"
    return (
        f"{_fault(cause)}: {cause.shared} of {every} events are of {others} just as well, so whether they share an issue is known "
        f"of {cause.events} alone; let requests meet one fault each"
    )


def _fault(cause: CauseTold) -> str:
    return f"fault {cause.name!r}"


def _too_few(info: NoiseInfo, gate: Gate | None) -> str:
    """Why the run is too small for ``gate``: even one issue for each root cause would not meet it. Empty when it is not."""
    if gate is None or gate.comparison not in (">", ">="):
        return ""
    causes = sum(cause.events > 0 for cause in info.causes)
    wanted = Fraction(str(gate.threshold))
    best = Fraction(info.events - causes, info.events)
    if best > wanted or (best == wanted and gate.comparison == ">="):
        return ""
    events = f"{causes} root causes in {info.events} events"
    measured = f"{show(info.reduction, 'ratio')} were measured"
    if wanted >= 1:
        return f"{events}: {gate.text} cannot be, for each root cause has an issue; {measured}"
    enough = causes / (1 - wanted)
    needed = math.ceil(enough) + (gate.comparison == ">" and enough.denominator == 1)
    return (
        f"{events}: one issue for each is {show(float(best), 'ratio')} fewer, and {gate.text} needs {needed} events or more; "
        f"{measured}"
    )


def _misclassified(info: NoiseInfo, what: str) -> Measurement:
    samples = info.with_category if what == "category" else info.with_severity
    note = "" if samples else f"no event of a fault with expect.{what} arrived"
    return _measured(f"noise.{what}_wrong", None if note else info.wrong(what), samples, note)


def _measured(metric: str, value: float | None, samples: int, nothing: str = "") -> Measurement:
    """``nothing``: why there is no value."""
    there = value is not None and (samples > 0 or not nothing)
    return Measurement(
        metric=metric,
        value=float(value) if value is not None and there else None,
        low=None,
        high=None,
        samples=samples,
        unit=METRICS[metric].unit,
        exact=True,
        note="" if there else nothing,
    )
