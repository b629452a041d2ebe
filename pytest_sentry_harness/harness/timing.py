"""Reads from a run's folder what the criterion ``timing`` is measured on."""

from __future__ import annotations

from dataclasses import replace

from ..ledger.reader import read_ledger
from ..model.scenario import Operation, Scenario
from ..model.timing import Timings
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
    """A sentence for each operation that was never measured: nothing is known about it."""
    seen = {each.operation for each in timings.durations}
    return [_never(operation, summary) for operation in scenario.operations if operation.name not in seen]


def _never(operation: Operation, summary: Summary) -> str:
    said = f"operation {operation.name!r} was never measured, so nothing is known about it"
    point = summary.points.get((operation.name, operation.at))
    if point is None or point.state == "armed":
        return f"{said}: no call of {operation.at} ended under the load"
    near = f"; nearest: {', '.join(point.nearest)}" if point.nearest else ""
    return f"{said}: {operation.at} is {point.state}{f', {point.note}' if point.note else ''}{near}"
