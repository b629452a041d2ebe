"""What a dashboard is, and what is found out about one. Names follow Sentry's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ...errors import RulesError
from ..fields import Kind
from ..search import Search
from .measures import Measure

COLUMNS = 6
"""Of the grid."""
MOST_WIDGETS = 30
MOST_TITLE = 255
ALL_PROJECTS = -1
"""In place of a project: all of them."""
DISPLAY_TYPES = (
    "line",
    "area",
    "stacked_area",
    "bar",
    "top_n",
    "table",
    "big_number",
    "categorical_bar",
    "details",
    "text",
    "heatmap",
    "wheel",
    "world_map",
    "rage_and_dead_clicks",
    "server_tree",
    "agents_traces_table",
)
SERIES = frozenset({"line", "area", "stacked_area", "bar", "top_n"})
NUMBERS = SERIES | {"table", "big_number", "categorical_bar"}
"""Display types that are numbers, which can be told right or wrong."""
KINDS_OF: dict[str, tuple[Kind, ...]] = {
    "error-events": ("event",),
    "transaction-like": ("transaction",),
    "discover": ("event", "transaction"),
    "spans": ("span",),
    "issue": ("issue",),
    "metrics": ("session",),
    "logs": (),
    "tracemetrics": (),
    "preprod-app-size": (),
}
"""Type of a widget → the rows it is about; none: they cannot be evaluated here. ``metrics`` is release health."""

Status = Literal["ok", "invalid", "empty", "wrong", "stale", "quiet", "no_data", "unsupported"]
"""``empty``: it shows nothing, and that is a mistake; ``quiet``: it shows nothing, which may well be the truth."""
FindingKind = Literal[
    "invalid",
    "no_data",
    "empty",
    "quiet",
    "misspelt_field",
    "wrong_environment",
    "wrong_value",
    "wrong_type",
    "wrong_unit",
    "stale",
    "unsupported",
    "doubt",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Place in the grid: columns from the left, rows from the top."""

    x: int
    y: int
    w: int
    h: int
    min_h: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query of a widget."""

    name: str = ""
    fields: tuple[str, ...]
    """Columns and aggregates in the order of a table."""
    columns: tuple[str, ...]
    aggregates: tuple[str, ...]
    field_aliases: tuple[str, ...] = ()
    conditions: str = ""
    orderby: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys that are kept and not looked at."""
    search: Search
    """``conditions``, read."""
    measures: tuple[Measure, ...]
    """``aggregates``, read."""
    order: Measure | None = None
    """What ``orderby`` names, when it is an aggregate that is not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """One widget."""

    title: str
    display_type: str
    widget_type: str = "error-events"
    interval: str = "5m"
    interval_seconds: float = 300.0
    limit: int | None = None
    queries: tuple[Query, ...] = ()
    layout: Layout | None = None
    description: str = ""
    thresholds: Mapping[str, Any] | None = None
    """As in the JSON: ``{"max_values": {"max1": …, "max2": …}, "unit": "millisecond"}``."""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A widget that is not valid, or that has what Sentry knows and nobody evaluates here."""

    index: int
    title: str
    error: RulesError
    unsupported: bool = False
    """It is valid, and cannot be evaluated here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalFilter:
    """A search that is added to the conditions of all widgets of a dataset."""

    dataset: str
    search: Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A dashboard with the widgets that are valid, and why the others are not."""

    title: str
    widgets: tuple[Widget, ...] = ()
    projects: tuple[int, ...] = ()
    environment: tuple[str, ...] = ()
    period: str | None = None
    period_seconds: float | None = None
    start: str | None = None
    end: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    """As in the JSON; ``releases`` and ``searches`` are what they say."""
    releases: tuple[str, ...] = ()
    searches: tuple[GlobalFilter, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()
    """Only from ``load_dashboard``."""
    positions: tuple[int, ...] = ()
    """Index of each widget in the document; empty when none was refused."""
    warnings: tuple[str, ...] = ()
    """What was not understood and is left as it is, each as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a widget that people should know."""

    kind: FindingKind
    text: str
    """One or two sentences: what is the matter, and what would help."""
    where: str = ""
    """The condition, field or key it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """One row of a table, one line of a chart, or the one number."""

    query: str
    """Its name; empty as a rule."""
    group: tuple[tuple[str, str | None], ...]
    """Column and value."""
    values: tuple[tuple[str, float | None], ...]
    """Aggregate and its value over the whole window."""
    points: tuple[tuple[float, tuple[float | None, ...]], ...] = ()
    """Of a chart: start of the interval, and the value of each aggregate in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a widget shows."""

    form: Literal["number", "series", "table"]
    rows: tuple[ShownRow, ...]
    start: float
    """Of the window, in seconds since the epoch."""
    end: float

    @property
    def number(self) -> float | None:
        """The first value of the first row: what a big number shows."""
        return self.rows[0].values[0][1] if self.rows and self.rows[0].values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetReport:
    """What is found out about one widget."""

    index: int
    title: str
    status: Status
    findings: tuple[Finding, ...]
    shown: Shown | None = None
    matched: int = 0
    """Rows that are shown."""
    considered: int = 0
    """Rows of its kind that have arrived."""
    newest_shown: float | None = None
    """When the newest of the rows that are shown arrived."""
    newest_arrived: float | None = None
    """When the newest row that meets the conditions arrived, whether it is shown or not."""
    slowest: float | None = None
    """Seconds by which rows that it shows arrived after their own time, at most; None where that says nothing."""

    @property
    def lag(self) -> float | None:
        """Seconds by which the widget is behind what has arrived; None when it shows nothing."""
        if self.newest_shown is None or self.newest_arrived is None:
            return None
        return self.newest_arrived - self.newest_shown
