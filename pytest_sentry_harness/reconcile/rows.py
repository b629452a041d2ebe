"""Records and arrivals as rows of ``tables.py``, many of one type at a time: there may be millions. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ..model.arrival import Arrival
from ..model.ledger import (
    Answered,
    Fate,
    Fired,
    Handled,
    Intent,
    Logged,
    Place,
    SdkAnswered,
    SdkDiscarded,
    SdkDropped,
    SdkHandedOver,
    SdkSaw,
)
from .contents import names_of, texts_of
from .integrations import marks_of

Row = tuple[Any, ...]
Numbers = Mapping[Row, int]
"""The number of each kind (``kinds.py``)."""


def of_intent(batch: Sequence[Intent]) -> list[Row]:
    """Rows of ``intent``."""
    return [(each.fault_id, each.fault, each.trace_id, each.at) for each in batch]


def of_answered(batch: Sequence[Answered]) -> list[Row]:
    """Rows of ``answered``."""
    return [(fault_id, each.status, each.error) for each in batch for fault_id in each.fault_ids]


def of_fired(batch: Sequence[Fired], process: int, kinds: Numbers) -> list[Row]:
    """Rows of ``fired``, and its kinds."""
    return [
        (
            each.fault_id,
            each.trace_id,
            each.at,
            each.exception_message,
            process,
            kinds[
                each.fault,
                each.point,
                each.effect,
                each.exception_type,
                each.is_error,
                each.thread == "MainThread",
                each.task is not None,
            ],
        )
        for each in batch
    ]


def of_saw(batch: Sequence[SdkSaw], process: int, kinds: Numbers) -> list[Row]:
    """Rows of ``saw``, and its kinds: one for each fault that the event holds, the leading one first."""
    return [
        (
            fault_id,
            each.event_id,
            position,
            each.mono,
            process,
            kinds[
                each.mechanism,
                each.logger,
                each.exception,
                " ".join(each.changed) if each.changed else "",
                each.changed_by,
                each.changed_at and _place(each.changed_at),
            ],
        )
        for each in batch
        for position, fault_id in enumerate(each.fault_ids)
    ]


def of_fate(batch: Sequence[Fate]) -> list[Row]:
    """Rows of ``fate``."""
    return [
        (
            each.fault_id,
            each.handling,
            _place(each.place),
            each.alive,
            marks_of(place.file for place in each.chain),
        )
        for each in batch
    ]


def beside(batch: Sequence[Handled] | Sequence[Logged]) -> list[Row]:
    """Rows of ``handled`` and of ``logged``: the whole record, for each fault."""
    return [(fault_id, msgspec.json.encode(each).decode()) for each in batch for fault_id in each.fault_ids]


def of_dropped(batch: Sequence[SdkDropped]) -> list[Row]:
    """Rows of ``dropped``."""
    return [
        (fault_id, each.event_id, each.stage, each.reason, each.culprit, _place(each.place), each.error)
        for each in batch
        for fault_id in each.fault_ids
    ]


def of_discarded(batch: Sequence[SdkDiscarded]) -> list[Row]:
    """Rows of ``discarded``."""
    return [(each.event_id, each.reason, each.detail, each.mono) for each in batch]


def of_answers(batch: Sequence[SdkAnswered], process: int) -> list[Row]:
    """Rows of ``told``."""
    return [
        (
            each.event_id,
            each.mono,
            process,
            each.status,
            each.host,
            each.via,
            each.limits,
            each.error,
            each.trouble,
            each.reused,
            each.seconds,
        )
        for each in batch
    ]


def of_handed(batch: Sequence[SdkHandedOver]) -> list[Row]:
    """Rows of ``handed``."""
    return [(each.event_id, each.mono, each.why, each.to, _place(each.place), each.error) for each in batch]


def of_arrivals(batch: Sequence[Arrival], kinds: Numbers) -> list[Row]:
    """Rows of ``arrival``, and its kinds."""
    return [
        (
            each.event_id,
            each.trace_id,
            each.outcome,
            each.received_at,
            each.received_mono,
            texts_of(each.exceptions),
            kinds[
                each.reason,
                each.level,
                names_of(each.exceptions),
                each.status,
                each.mechanism or "",
                each.item_type,
            ],
        )
        for each in batch
    ]


def of_mentions(batch: Sequence[Arrival]) -> list[Row]:
    """Rows of ``mention``."""
    return [
        (each.event_id, part, trace_id) for each in batch if each.mentions for part, trace_id in each.mentions
    ]


def place_of(text: str | None) -> Place | None:
    """The place stored as ``text``."""
    return None if text is None else msgspec.json.decode(text, type=Place)


def _place(place: Place | None) -> str | None:
    return None if place is None else msgspec.json.encode(place).decode()
