"""Reads from a run's folder what the criterion ``profiling`` is measured on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from ..ledger.reader import read_ledger
from ..model.scenario import Profiling, Scenario
from ..reconcile.slow import ITEMS, PROFILES, Slow, look_at
from ..store.query import Filter
from ..store.reader import StoreReader, open_store
from .folder import RunFolder

_CATEGORIES = ("profile", "profile_chunk")


def slow_of(folder: RunFolder, scenario: Scenario) -> Slow:
    """What became of the slow operations of the run in ``folder``. Raises ``EvidenceError`` when it cannot be read."""
    with open_store(folder.store) as store:
        return look_at(
            read_ledger(folder.ledger),
            _items(store, ITEMS),
            _items(store, PROFILES),
            operations=scenario.operations,
            profiling=scenario.profiling or Profiling(),
            arrivals=store.matching(Filter(item_types=(*ITEMS, "client_report"))),
            dropped=_dropped(store),
        )


def _items(store: StoreReader, types: Collection[str]) -> Iterator[tuple[str, bytes]]:
    return ((arrival.item_type, payload) for arrival, payload in store.payloads(types))


def _dropped(store: StoreReader) -> dict[str, int]:
    """Profiles that the SDK reports as dropped, by reason."""
    counted: Counter[str] = Counter()
    for arrival in store.arrivals(item_type="client_report", outcome="accepted"):
        for each in arrival.discarded:
            if each.category in _CATEGORIES:
                counted[each.reason] += each.quantity
    return dict(counted.most_common())
