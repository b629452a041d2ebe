"""Arrivals: what came to the server, one row for each envelope item (or refused request)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ItemOutcome = Literal["accepted", "refused", "duplicate", "invalid"]
"""The server's own account of an item. ``refused``: the whole request was; ``invalid``: this item was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """One line of a client report: the SDK says it dropped ``quantity`` of ``category`` for ``reason``."""

    reason: str
    category: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One envelope item as it arrived."""

    cursor: int
    """Position among all items of the store, from 1, without gaps."""
    request: int
    """Number of the HTTP request that brought it."""
    position: int
    """Index of the item within its envelope."""
    project: str
    received_at: float
    received_mono: float
    status: int
    """HTTP status answered."""
    outcome: ItemOutcome
    reason: str = ""
    """Server discard reason; empty when accepted."""
    item_type: str = ""
    category: str = ""
    event_id: str | None = None
    trace_id: str | None = None
    exceptions: tuple[tuple[str, str], ...] = ()
    """``(type, value)`` of each exception, oldest cause first."""
    mechanism: str | None = None
    """What caught the last of them, by the SDK's own word for it, such as ``starlette``."""
    level: str | None = None
    release: str | None = None
    environment: str | None = None
    transaction: str | None = None
    discarded: tuple[Discarded, ...] = ()
    mentions: tuple[tuple[str, str], ...] = ()
    """``(part, id)``: ids of 32 hex digits in the tags, user, contexts, extra, request and breadcrumbs of an
    event, its own trace and event id left out. A trace id among them tells whose data it carries."""
    size: int = 0
    """Bytes of the payload, decompressed."""
