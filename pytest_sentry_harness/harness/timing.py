"""Reads from a run's folder what the criterion ``timing`` is measured on."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

from ..ledger.reader import read_ledger
from ..model.scenario import Operation, Scenario
from ..model.timing import Timings, Told
from ..plan.gates import criteria_of
from ..protocol.spans import told
from ..reconcile.summary import Summary
from ..reconcile.timings import join_timings
from ..store.query import Filter
from ..store.reader import open_store
from .folder import RunFolder

NO_TIMINGS = Timings()
_TYPES = ("transaction", "span")
_MOST_NOTES = 20


def timings_of(folder: RunFolder, scenario: Scenario) -> Timings:
    """Every measured duration of the run in ``folder``. Raises ``EvidenceError`` when it cannot be read."""
    unreadable: list[str] = []
    with open_store(folder.store) as store:
        items = ((arrival.item_type, payload) for arrival, payload in store.payloads(_TYPES))
        found = join_timings(
            scenario.operations,
            read_ledger(folder.ledger),
            told(items, unreadable, attributes=False),
            store.matching(Filter(item_types=(*_TYPES, "client_report"))),
        )
    return replace(found, notes=tuple(dict.fromkeys(unreadable))[:_MOST_NOTES])


def unmeasured(scenario: Scenario, timings: Timings, summary: Summary) -> list[str]:
    """A sentence for each operation that was never measured, or never held against a report: nothing is known about it."""
    states: dict[str, Counter[Told]] = defaultdict(Counter)
    for each in timings.durations:
        states[each.operation][each.state] += 1
    judged = "timing" in criteria_of(scenario)
    doubts: list[str] = []
    for operation in scenario.operations:
        of = states.get(operation.name)
        if of is None:
            doubts.append(_never(operation, summary))
        elif judged and not of[Told.MATCHED]:
            doubts.append(_never_compared(operation, of))
    return doubts


def _never_compared(operation: Operation, states: Counter[Told]) -> str:
    often = [f"{count} {state.replace('_', ' ')}" for state, count in states.most_common()]
    return (
        f"operation {operation.name!r}: none of its {states.total()} calls could be held against a report "
        f"({', '.join(often)}), so nothing is known about it: {_TO_DO[states.most_common(1)[0][0]]}"
    )


_MATCHABLE = "see why under timing.unmatched"
_TO_DO = {
    Told.OUTSIDE: "it runs outside of the load's requests; send requests that reach it, or take the operation out",
    Told.UNSAMPLED: "sampling left out all of its traces; see traces_sampler and traces_sample_rate, or send more requests",
    Told.MISSAMPLED: "sampling left out all of its traces; see timing.missampled",
    Told.NO_TRANSACTION: _MATCHABLE,
    Told.NO_SPAN: _MATCHABLE,
    Told.AMBIGUOUS: _MATCHABLE,
}
"""What to do about the state most of its calls are in."""


def _never(operation: Operation, summary: Summary) -> str:
    said = f"operation {operation.name!r} was never measured, so nothing is known about it"
    point = summary.points.get((operation.name, operation.at))
    if point is None or point.state == "armed":
        return f"{said}: no call of {operation.at} ended under the load"
    near = f"; nearest: {', '.join(point.nearest)}" if point.nearest else ""
    return f"{said}: {operation.at} is {point.state}{f', {point.note}' if point.note else ''}{near}"
