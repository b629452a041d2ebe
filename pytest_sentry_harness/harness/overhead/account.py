"""What arrived of one arm, and what its SDK says it dropped: a cost counts only beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from ...model.arrival import Arrival
from ...model.overhead import ArmSample
from ...server.client import ServerClient
from .arms import RunningArm

_CHOSEN = ("sample_rate",)
"""Dropped by the set-up's own choice: nobody was promised these."""
_PAGE = 10_000


def count_arrivals(client: ServerClient, arm: RunningArm, sample: ArmSample) -> ArmSample:
    """``sample`` with what arrived in the arm's project."""
    items: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    discarded: Counter[str] = Counter()
    raised = set(arm.raised)
    errors: set[str] = set()
    for arrival in _arrivals(client, arm.project.project_id):
        if arrival.outcome != "accepted":
            if arrival.outcome != "duplicate":  # of which the first one was taken
                how = arrival.status if arrival.outcome == "refused" else arrival.outcome
                refused[f"{how}/{arrival.category or arrival.item_type or 'unreadable'}"] += 1
            continue
        items[arrival.item_type] += 1
        if arrival.item_type == "event" and arrival.trace_id is not None and arrival.trace_id in raised:
            errors.add(arrival.trace_id)
        for line in arrival.discarded:
            if line.reason not in _CHOSEN:
                discarded[f"{line.reason}/{line.category}"] += line.quantity
    return replace(
        sample,
        raised=len(raised),
        errors=len(errors),
        items=dict(sorted(items.items())),
        refused=dict(sorted(refused.items())),
        discarded=dict(sorted(discarded.items())),
        processes=len(arm.tree.pids),
        reported=len(arm.told),
        active=sum(told.active for told in arm.told),
        initialised=sum(told.initialised for told in arm.told),
        cut_off=tuple(sorted({host for told in arm.told for host in told.cut_off})),
    )


def _arrivals(client: ServerClient, project: str) -> Iterator[Arrival]:
    since = 0
    while True:
        page = client.arrivals(project=project, since=since, limit=_PAGE)
        yield from page.arrivals
        if len(page.arrivals) < _PAGE:
            return
        since = page.cursor
