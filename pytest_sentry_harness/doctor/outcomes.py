"""What became of each probe: injected errors by the account, other items by their ids and types."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ..model.account import State
from ..model.arrival import Arrival
from ..model.ledger import Place, Record, SdkDiscarded, SdkDropped
from ..reconcile.reconcile import Reconciliation
from .evidence import ERROR_KINDS, Lost, Probe
from .inside.probes import NAME
from .inside.settings import FOLDER
from .subject import request_faults

_ITEM_TYPES = {
    "transaction": ("transaction",),
    "session": ("session", "sessions"),
    "check_in": ("check_in",),
    "log": ("log",),
}
_ARRIVED = (State.CAPTURED, State.DUPLICATE, State.LATE)
_OWN = str(FOLDER)
"""What happened here says nothing about the application."""
Notes = Mapping[str, list[dict[str, Any]]]


def probe_results(
    found: Reconciliation, notes: Notes, arrivals: list[Arrival], records: list[Record]
) -> Iterable[Probe]:
    """One entry for each kind of probe, sent or not."""
    sent: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for note in notes["probe"]:
        sent[note["kind"]].append(note)
    for kind in ERROR_KINDS:
        names = request_faults() if kind == "request" else (kind,)
        trouble = "; ".join(dict.fromkeys(note["error"] for note in sent[kind] if note.get("error")))
        yield _error_probe(kind, names, found, trouble)
    for kind in ("message", *_ITEM_TYPES):
        yield _item_probe(kind, sent[kind], arrivals, records)


def _error_probe(kind: str, names: tuple[str, ...], found: Reconciliation, trouble: str) -> Probe:
    states: Counter[State] = Counter()
    for name in names:
        states.update(found.account.by_fault.get(name, {}))
    del states[State.NOT_REACHED]
    return Probe(
        kind=kind,
        sent=states.total(),
        arrived=sum(states[state] for state in _ARRIVED),
        lost=tuple(
            Lost(
                count=loss.count,
                reason=loss.reason,
                culprit=loss.culprit or " or ".join(loss.could_be),
                place=place_text(loss.place),
            )
            for loss in found.account.losses
            if loss.fault in names and loss.state is not State.NOT_REACHED
        ),
        trouble=trouble,
    )


def _item_probe(
    kind: str, sent: list[dict[str, Any]], arrivals: list[Arrival], records: list[Record]
) -> Probe:
    """A probe that is no exception: known by its event id, or by its type."""
    skipped = [note for note in sent if note.get("skipped")]
    errors = [note["error"] for note in sent if note.get("error")]
    counted = [note for note in sent if not note.get("skipped") and not note.get("error")]
    if kind == "transaction":
        # Without tracing none is made, which is no loss.
        counted = [note for note in counted if note["answer"] == "True"]
    accepted = [arrival for arrival in arrivals if arrival.outcome == "accepted"]
    if kind == "message":
        ids = {note["answer"] for note in counted}
        arrived = sum(arrival.event_id in ids for arrival in accepted if arrival.item_type == "event")
    elif kind == "transaction":
        arrived = sum(a.item_type == "transaction" and a.transaction == NAME for a in accepted)
    else:
        arrived = sum(arrival.item_type in _ITEM_TYPES[kind] for arrival in accepted)
    arrived = min(arrived, len(counted))
    trouble = "; ".join(dict.fromkeys([*errors, *(note["skipped"] for note in skipped)]))
    lost = _drops_during(counted, records) if arrived < len(counted) else ()
    return Probe(kind=kind, sent=len(counted), arrived=arrived, lost=lost, trouble=trouble)


def _drops_during(sent: list[dict[str, Any]], records: list[Record]) -> tuple[Lost, ...]:
    """Who dropped something while these probes were at work, which are sent one after the other."""
    found: Counter[tuple[str, str, str]] = Counter()
    for note in sent:
        during = [record for record in records if note["begun"] <= record.mono <= note["mono"]]
        drops = [record for record in during if isinstance(record, SdkDropped) and not record.fault_ids]
        if drops:
            found[drops[0].reason, drops[0].culprit, place_text(drops[0].place)] += 1
            continue
        discards = [record for record in during if isinstance(record, SdkDiscarded)]
        if discards:
            found[discards[0].reason, "", ""] += 1
    return tuple(Lost(count=n, reason=r, culprit=c, place=p) for (r, c, p), n in found.items())


def place_text(place: Place | None) -> str:
    """``file:line`` of the application's code; empty for none."""
    return "" if place is None or place.file.startswith(_OWN) else f"{place.file}:{place.line}"
