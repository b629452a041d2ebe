"""What a monitor saw, once more: the events with their issues as it put them, transactions and sessions, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..model.alerting import Put
from ..model.monitored import Event, Grouping, Issue, Seen
from ..monitor.alerts.attributes import level_of, release_of

_NO_GROUPING = Grouping(hashes=(), variant="", title="", culprit="", components=())
ITEMS = ("event", "transaction", "session", "sessions")
"""The types of items that rules look at."""


class Item(NamedTuple):
    """One item that was accepted."""

    cursor: int
    item_type: str
    received_at: float
    project: str
    event_id: str
    data: Mapping[str, Any]


Items = Callable[[], Iterable[Item]]
"""Gives those of ``ITEMS`` in the order of their arrival; asked only when something has to be explained."""


class Step(NamedTuple):
    """Something that rules see, and when it happens to them."""

    at: float
    item: Item
    seen: Seen | None
    """Of an event."""


@dataclass(slots=True)
class _Record:
    first_seen: float
    first_release: str
    times_seen: int = 0


def replay(items: Iterable[Item], puts: Iterable[Put], ingest: float) -> Iterator[Step]:
    """The steps in their order; ``ingest``: how much later than their arrival items count. Events without a ``Put`` are left out."""
    by_cursor = {put.cursor: put for put in puts}
    records: dict[int, _Record] = {}
    now = float("-inf")
    for item in items:
        if item.item_type != "event":
            now = max(now, item.received_at + ingest)
            yield Step(now, item, None)
            continue
        put = by_cursor.get(item.cursor)
        if put is not None:
            now = max(now, put.at)
            yield Step(now, item, _seen(item, put, now, records))


def _seen(item: Item, put: Put, now: float, records: dict[int, _Record]) -> Seen:
    event = Event(
        cursor=item.cursor, received_at=now, project=item.project, event_id=item.event_id, data=item.data
    )
    record = records.setdefault(put.issue, _Record(now, release_of(item.data)))
    record.times_seen += 1
    issue = Issue(
        number=put.issue,
        project=item.project,
        hash="",
        title=put.title,
        culprit="",
        level=level_of(item.data),
        state=put.state,  # type: ignore[arg-type]  # the monitor wrote one of its own states
        first_seen=record.first_seen,
        last_seen=now,
        times_seen=record.times_seen,
        first_release=record.first_release,
    )
    return Seen(
        event=event,
        issue=issue,
        grouping=_NO_GROUPING,
        is_new=put.is_new,
        is_regression=put.is_regression,
        has_reappeared=put.has_reappeared,
    )
