"""What the widgets of dashboards show, and what the ledger says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

WidgetStatus = Literal["ok", "invalid", "empty", "wrong", "stale", "quiet", "no_data", "unsupported"]
"""``empty``: it shows nothing, and that is a mistake; ``quiet``: it shows nothing, which may well be the truth."""
STATUSES: tuple[WidgetStatus, ...] = (
    "invalid",
    "empty",
    "wrong",
    "stale",
    "no_data",
    "unsupported",
    "quiet",
    "ok",
)
"""The worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTold:
    """One number of a widget."""

    group: str
    """Such as ``release shop@1, level error``; empty in a widget without columns."""
    aggregate: str
    """Empty: a row of a table without aggregates, which is in ``group``."""
    value: float | None
    """None: it shows none. Durations in milliseconds."""
    unit: str
    """``count``, ``milliseconds``, ``ratio``, ``number``, ``seconds``, ``per minute``, ``per second``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One number of a widget, held against the one that is known."""

    group: str
    aggregate: str
    unit: str
    shown: float | None
    known: float
    within: str
    """How far they may be apart, as written; empty: not at all."""
    source: str
    """What is known, such as ``15 faults order-not-saved fired``."""
    agrees: bool
    reason: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetTold:
    """What was found out about one widget."""

    dashboard: str
    index: int
    """Its place in the dashboard, from 0."""
    title: str
    status: WidgetStatus
    reason: str
    """In a word, why it is not ok."""
    because: tuple[str, ...]
    """The same in sentences."""
    doubts: tuple[str, ...]
    """What is likely not meant so; it does not count."""
    shown: tuple[ShownTold, ...]
    """At most 20 numbers, over the whole window."""
    held: tuple[Held, ...]
    matched: int
    """Rows it shows."""
    considered: int
    """Rows of its kind that arrived."""
    behind: float | None
    """Seconds: by which the newest row it shows is behind the newest that it should, or by which rows arrived after their own
    time, if that is more; None when it shows none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardTold:
    """One dashboard."""

    title: str
    source: str
    """Its file, or ``template NAME``."""
    widgets: int
    start: float
    """Of its window, in seconds since the epoch."""
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardsInfo:
    """Everything about dashboards in a run. The counts of ``statuses`` add up to all widgets."""

    now: float
    """When they were looked at, in seconds since the epoch: the end of the run."""
    limit: float
    """Seconds by which a widget may be behind."""
    dashboards: tuple[DashboardTold, ...]
    statuses: dict[str, int]
    widgets: tuple[WidgetTold, ...]
    """The worst first, at most 200."""
    compared: int
    """Widgets that were held against what is known."""
    behind: float | None
    """Seconds, of the widget that is furthest behind."""
    rows: dict[str, int]
    """What arrived, by kind, of the kinds that widgets are about."""
    doubts: tuple[str, ...] = field(default=())
    """What could not be compared, and why. They keep the verdict open."""
    notes: tuple[str, ...] = field(default=())
    """What was taken for something else, or says little; they change no verdict."""
    unread: int = 0
    """Items that could not be read."""
