"""Reads from a run's folder what the criterion ``alerting`` is measured on: what monitor and receivers noted, and the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ..channels.lines import read_receipts, read_trail
from ..criteria.alerting_account import Alerted, Truth, account_of
from ..criteria.alerting_replay import ITEMS, Item
from ..criteria.alerting_why import Monitored
from ..errors import EvidenceError, ProtocolError
from ..model.alerting import Ending
from ..model.notified import Receipt
from ..model.scenario import Alerting, Scenario
from ..monitor.alerts.model import Rules
from ..monitor.alerts.read import read_rule_files
from ..monitoring.notes import ENDING, ISSUES, RECEIPTS, TRAIL, read_ending, read_puts
from ..protocol.tolerant import json_object
from ..reconcile.origins import Origin
from ..reconcile.reconcile import Reconciliation
from ..store.reader import open_store
from .folder import RunFolder, alerting_files
from .noise import rules_of_run

T = TypeVar("T")
_STEP = 0.5
"""Seconds by which the wall clock may move against the monotonic one in a run: more, and times cannot be compared."""


def alerted_of(
    folder: RunFolder, scenario: Scenario, found: Reconciliation, *, interrupted: bool = False
) -> Alerted:
    """Which alerts of the run in ``folder`` were delivered, and when. ``found``: reconciled with origins and firings.
    ``interrupted``: somebody ended it.

    Raises ``EvidenceError`` when a file cannot be read that is there.
    """
    alerting = scenario.alerting
    assert alerting is not None
    notes = folder.alerting
    ending = read_ending(notes / ENDING)
    receipts = {path.stem: list(read_receipts(path)) for path in sorted((notes / RECEIPTS).glob("*.jsonl"))}
    monitored = Monitored(
        rules=_rules(folder, alerting),
        delays=alerting.delays,
        puts=tuple(_there(notes / ISSUES, read_puts)),
        ending=ending,
        items=lambda: _items(folder.store),
        account=found.account,
    )
    alerted = account_of(
        Truth(scenario.faults, found.firings, _origins(found)),
        list(_there(notes / TRAIL, read_trail)),
        receipts,
        monitored,
        config=str(rules_of_run(folder, scenario)[0]),
        within=alerting.within,
        interrupted=interrupted,
    )
    return replace(
        alerted,
        trouble=(*_broken(folder, ending), *alerted.trouble),
        doubts=(*alerted.doubts, *_clock_was_set(folder.store, receipts)),
    )


def _rules(folder: RunFolder, alerting: Alerting) -> Rules:
    """The copies of the files, called as the originals are."""
    texts = []
    for name, source in alerting_files(alerting).items():
        if name.endswith(".json"):
            path = folder.rules / name
            try:
                texts.append((source.name, path.read_text(encoding="utf-8")))
            except (OSError, UnicodeDecodeError) as error:
                raise EvidenceError(
                    f"the rules of the run cannot be read: {error}",
                    where=str(path),
                    hint="the folder of a run holds a copy of each file that [alerting] names",
                ) from error
    return read_rule_files(texts)


def _origins(found: Reconciliation) -> Mapping[str, tuple[Origin, ...]]:
    return {event_id: (origin,) for event_id, origin in found.origins.items()} | dict(found.several)


def _items(store: Path) -> Iterator[Item]:
    with open_store(store) as reader:
        for arrival, payload in reader.payloads(ITEMS):
            try:
                data = json_object(payload, arrival.item_type)
            except ProtocolError:
                continue  # the monitor could not read it either: no rule has seen it
            yield Item(
                arrival.cursor,
                arrival.item_type,
                arrival.received_at,
                arrival.project,
                arrival.event_id or "",
                data,
            )


def _broken(folder: RunFolder, ending: Ending | None) -> list[str]:
    """That the monitor did not end as it should: what it did not do then says nothing about the rules."""
    if ending is None:
        return [
            f"the monitor left no {ENDING}: it never started, or was killed, so nothing is known of alerts"
        ]
    found = [f"the monitor broke: {ending.trouble}"] if ending.trouble else []
    found += [
        f"the monitor left no {name}" for name in (TRAIL, ISSUES) if not (folder.alerting / name).is_file()
    ]
    return found


def _clock_was_set(store: Path, receipts: Mapping[str, list[Receipt]]) -> list[str]:
    """That the clock of the machine was set during the run: legs are differences of its readings."""
    moved = [receipt.at - receipt.mono for each in receipts.values() for receipt in each]
    if not moved:
        return []
    with open_store(store) as reader:
        moved += [each.received_at - each.received_mono for each in reader.arrivals(limit=1)]
    drift = max(moved) - min(moved)
    if drift <= _STEP:
        return []
    return [
        f"the clock of the machine was set by {drift:.1f} s during the run: times of alerts cannot be compared"
    ]


def _there(path: Path, read: Callable[[Path], Iterable[T]]) -> Iterable[T]:
    return read(path) if path.is_file() else ()
