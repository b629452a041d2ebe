"""Journals, notebooks and store, read together into the evidence."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from ..ledger.journal import SUFFIX
from ..ledger.reader import read_journal, read_ledger
from ..model.arrival import Arrival
from ..model.ledger import (
    Fired,
    Goodbye,
    Hello,
    Note,
    Record,
    SdkInit,
    SdkSaw,
)
from ..model.scenario import Expect
from ..reconcile.reconcile import reconcile
from ..store.reader import open_store
from .evidence import ERROR_KINDS, Evidence, Init, Library, Named, ProcessSeen, Shutdown
from .inside.notebook import read_notes
from .observation import Observation
from .outcomes import Notes, place_text, probe_results
from .subject import Subject

_NO_EXPECTATIONS: dict[str, Expect] = {}
_VARIABLES = ("SENTRY_DSN", "SENTRY_RELEASE", "SENTRY_ENVIRONMENT")
_ENOUGH = 8
"""Events that have to wait in the queue before a rate is worth saying."""


def gather(
    observation: Observation, subject: Subject, shutdown: Shutdown | None, broken_off: str = ""
) -> Evidence:
    """Everything that was learnt. Raises ``EvidenceError`` when it cannot be read."""
    notes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for note in read_notes(observation.notes):
        notes[note["note"]].append(note)
    records = list(read_ledger(observation.ledger))
    with open_store(observation.folder / "store") as store:
        arrivals = list(store.arrivals())
    account = reconcile(records, arrivals, _NO_EXPECTATIONS)
    inits = tuple(_inits(observation, notes))
    surveys = notes["survey"]
    return Evidence(
        service=subject.service,
        burst=subject.burst,
        processes=tuple(_processes(observation, {note["pid"] for note in notes["imported"]})),
        inits=inits,
        probes=tuple(probe_results(account, notes, arrivals, records)),
        libraries=_libraries(surveys, inits, records),
        processors=_processors(surveys),
        excepthook=_excepthook(surveys),
        shutdown=shutdown,
        drained_per_second=_drained(notes, records, arrivals),
        refused=_refused(arrivals),
        reports=Counter(
            {
                f"{each.category} ({each.reason})": each.quantity
                for arrival in arrivals
                for each in arrival.discarded
            }
        ),
        redirected=tuple((note["dsn"], note["place"] or "") for note in notes["redirected"]),
        environment=_variables(subject),
        broken_off=broken_off,
        notes=tuple(dict.fromkeys(_trouble(records, notes))),
        broken=tuple(
            dict.fromkeys(
                record.text for record in records if isinstance(record, Note) and record.level == "error"
            )
        ),
    )


def last_words(observation: Observation) -> tuple[int, int]:
    """How many of the errors handed over last the SDK took into its queue, and how many of them were sent."""
    with open_store(observation.folder / "store") as store:
        return count_last_words(read_ledger(observation.ledger), store.arrivals())


def count_last_words(records: Iterable[Record], arrivals: Iterable[Arrival]) -> tuple[int, int]:
    """As ``last_words``. Each error is known by its id, or by its trace where several events have one id."""
    taken = _taken("last_words", records)
    by_id = Counter(event_id for event_id, _ in taken.values())
    # Refused ones were sent in time, too.
    arrived = {(arrival.event_id, arrival.trace_id) for arrival in arrivals if arrival.event_id in by_id}
    ids = {event_id for event_id, _ in arrived}
    came = sum(key in arrived or (by_id[key[0]] == 1 and key[0] in ids) for key in taken.values())
    return len(taken), came


def _inits(observation: Observation, notes: Notes) -> Iterable[Init]:
    noted: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for note in notes["init"]:
        noted[note["pid"]].append(note)
    for pid, records in _journals(observation):
        for record in records:
            if isinstance(record, SdkInit) and not record.inherited:
                ours = noted[pid].pop(0) if noted[pid] else None
                yield Init(
                    pid=pid,
                    version=record.version,
                    active=record.active,
                    dsn=record.dsn,
                    options=record.options,
                    integrations=record.integrations,
                    place=place_text(record.place),
                    given=None if ours is None else tuple(ours["given"]),
                    applications=() if ours is None else tuple(ours["applications"]),
                )


def _processes(observation: Observation, imported: set[int]) -> Iterable[ProcessSeen]:
    for pid, records in _journals(observation):
        hello = records[0]
        inits = [record for record in records if isinstance(record, SdkInit)]
        yield ProcessSeen(
            pid=pid,
            argv=hello.argv if isinstance(hello, Hello) else (),
            initialised=any(not init.inherited for init in inits),
            inherited=bool(inits) and all(init.inherited for init in inits),
            imported=pid in imported,
            orderly=any(isinstance(record, Goodbye) for record in records),
        )


def _journals(observation: Observation) -> Iterable[tuple[int, list[Record]]]:
    for path in sorted(observation.ledger.glob(f"*{SUFFIX}")):
        records = list(read_journal(path))
        if records and isinstance(records[0], Hello):
            yield records[0].pid, records


def _libraries(
    surveys: list[dict[str, Any]], inits: tuple[Init, ...], records: list[Record]
) -> tuple[Library, ...]:
    """Those of the process surveyed that has most of them loaded."""
    best: list[dict[str, Any]] = max(
        (survey["libraries"] for survey in surveys),
        key=lambda entries: sum(e["loaded"] for e in entries),
        default=[],
    )
    if not inits:
        return ()
    refusals: dict[str, str] = {}
    for record in records:
        if isinstance(record, SdkInit):
            refusals.update(record.refused)
    return tuple(
        Library(
            **{**entry, "why": refusals.get(entry["integration"], entry["why"]) if not entry["on"] else ""}
        )
        for entry in best
    )


def _processors(surveys: list[dict[str, Any]]) -> tuple[Named, ...]:
    found = {
        (entry["name"], entry["place"] or ""): None for survey in surveys for entry in survey["processors"]
    }
    return tuple(Named(name=name, place=place) for name, place in found)


def _excepthook(surveys: list[dict[str, Any]]) -> Named | None:
    for survey in surveys:
        hook = survey["excepthook"]
        if not hook["sdk"] and not hook["standard"]:
            return Named(name=hook["name"], place=hook["place"] or "")
    return None


def _drained(notes: Notes, records: list[Record], arrivals: list[Arrival]) -> float | None:
    """Events a second once the burst had been handed over, as long as there still were some in the queue."""
    handed = max((float(note["mono"]) for note in notes["probe"] if note["kind"] == "burst"), default=None)
    if handed is None:
        return None
    ids = {event_id for event_id, _ in _taken("burst", records).values()}
    times = sorted(
        arrival.received_mono
        for arrival in arrivals
        if arrival.event_id in ids and arrival.outcome == "accepted" and arrival.received_mono > handed
    )
    if len(times) < _ENOUGH or times[-1] <= times[0]:
        return None
    return (len(times) - 1) / (times[-1] - times[0])


def _taken(fault: str, records: Iterable[Record]) -> dict[str, tuple[str, str | None]]:
    """Event id and trace of the events of ``fault`` that the SDK took into its queue, by fault id."""
    traces: dict[str, str | None] = {}
    taken: dict[str, tuple[str, str | None]] = {}
    for record in records:
        if isinstance(record, Fired) and record.fault == fault:
            traces[record.fault_id] = record.trace_id
        elif isinstance(record, SdkSaw) and record.event_id:
            for fault_id in record.fault_ids:
                if fault_id in traces:
                    taken[fault_id] = (record.event_id, traces[fault_id])
    return taken


def _refused(arrivals: list[Arrival]) -> Counter[str]:
    return Counter(
        f"{arrival.status} {arrival.reason}".strip() for arrival in arrivals if arrival.outcome == "refused"
    )


def _variables(subject: Subject) -> frozenset[str]:
    values = {"SENTRY_DSN": "ours", **os.environ, **subject.env}
    return frozenset(name for name in _VARIABLES if values.get(name))


def _trouble(records: list[Record], notes: Notes) -> Iterable[str]:
    for record in records:
        if isinstance(record, Note) and record.level == "warning":
            yield record.text
    for note in notes["cannot_redirect"]:
        yield f"the application's own DSN cannot be redirected: {note['why']}"
    for note in notes["probe"]:
        if note.get("error") and note["kind"] not in ERROR_KINDS:
            yield f"probe {note['kind'].replace('_', '-')} could not be sent: {note['error']}"
