"""What a query of a widget shows, by one pass over the rows.

A row must lie in the window, be of the dashboard's environments, projects and releases, and meet the query's
conditions. For a row that fails in one of these only, that one is counted: it is what dropping this condition would
bring back. O(rows x conditions) for each query, and no row is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ...protocol.event_fields import seconds_of
from ..aggregates import Accumulator, Aggregate
from ..fields import Fields, Joined, Kind, Row, text_of
from ..search import Condition
from .filters import LATEST, latest_releases, names_latest, with_latest
from .measures import Measure
from .model import ALL_PROJECTS, KINDS_OF, SERIES, Dashboard, Query, Shown, ShownRow, Widget
from .queries import ISSUE_COLUMNS, measure_index

Rows = Mapping[Kind, Sequence[Row]]
"""What arrived, by kind."""

DEFAULT_PERIOD = 14 * 86400.0
DEFAULT_GROUPS = 5
DEFAULT_TABLE = 20
MOST_POINTS = 10_000
_NO_MOMENTS = ("session", "issue")
"""Kinds of rows whose own time is that of a minute, or of many events: it says nothing of their way."""
_Test = Callable[[Row, float], bool]
_Group = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing a row must pass to be shown."""

    name: str
    """``window``, ``environment``, ``projects``, ``releases``, or ``conditions``."""
    text: str
    """As people know it: the condition as written."""
    test: _Test
    conditions: tuple[Condition, ...] = ()
    """Those it consists of."""


@dataclass(slots=True)
class Outcome:
    """What came of one pass."""

    obstacles: tuple[Obstacle, ...]
    shown: Shown
    considered: int = 0
    matched: int = 0
    alone: list[int] = field(default_factory=list)
    """For each obstacle, how many rows fail at it and at nothing else."""
    newest_shown: float | None = None
    newest_met: float | None = None
    """When the newest row arrived that fails at nothing, or at the window only."""
    endless: dict[str, None] = field(default_factory=dict)
    """Aggregates whose result is too large to be a number."""
    slowest: float | None = None
    """Seconds by which rows that are shown arrived after their own time, at most; None where rows are no moments."""


class Cells:
    """The aggregates of one group, over the window and over each interval."""

    __slots__ = ("_aggregates", "points", "total")

    def __init__(self, aggregates: Sequence[Aggregate], points: bool) -> None:
        self._aggregates = aggregates
        self.total = [aggregate.begin() for aggregate in aggregates]
        self.points: dict[int, list[Accumulator]] | None = {} if points else None

    def add(self, row: Fields, bucket: int) -> None:
        """Take ``row`` into account, which lies in interval ``bucket``."""
        for each in self.total:
            each.add(row)
        if self.points is not None:
            here = self.points.get(bucket)
            if here is None:
                here = self.points[bucket] = [aggregate.begin() for aggregate in self._aggregates]
            for each in here:
                each.add(row)


def window_of(dashboard: Dashboard, now: float) -> tuple[float, float]:
    """From when to when the dashboard shows, in seconds since the epoch."""
    start = seconds_of(dashboard.start, "start", []) if dashboard.start else None
    end = seconds_of(dashboard.end, "end", []) if dashboard.end else None
    if start is not None:
        return start, now if end is None else end
    return now - (dashboard.period_seconds or DEFAULT_PERIOD), now


def obstacles_of(
    dashboard: Dashboard, widget: Widget, query: Query, rows: Rows, now: float
) -> tuple[Obstacle, ...]:
    """What a row must pass, the conditions first: they are what people change."""
    start, end = window_of(dashboard, now)
    searches = [each.search for each in dashboard.searches if each.dataset == widget.widget_type]
    conditions = [condition for search in (query.search, *searches) for condition in search.conditions]
    wanted = LATEST in dashboard.releases or names_latest(conditions)
    latest = latest_releases(rows) if wanted else {}
    found = [
        Obstacle(
            "conditions",
            part.text if search is query.search else f"{part.text} (a filter of the dashboard)",
            with_latest(part.test, latest) if names_latest(part.conditions) else part.test,
            part.conditions,
        )
        for search in (query.search, *searches)
        for part in search.parts
    ]
    if dashboard.environment:
        found.append(_one_of("environment", "environment", dashboard.environment))
    if dashboard.projects and ALL_PROJECTS not in dashboard.projects:
        found.append(_one_of("projects", "project", [str(project) for project in dashboard.projects]))
    if dashboard.releases:
        found.append(_one_of("releases", "release", dashboard.releases, latest))
    found.append(Obstacle("window", "the time window", lambda row, at: start <= row.at <= end))
    return tuple(found)


def evaluate(widget: Widget, dashboard: Dashboard, rows: Rows, *, now: float) -> tuple[Outcome, ...]:
    """What each query of ``widget`` shows at ``now``. O(rows x conditions x queries)."""
    given = of_kinds(rows, KINDS_OF[widget.widget_type])
    return tuple(
        _evaluate(widget, query, dashboard, given, obstacles_of(dashboard, widget, query, rows, now), now)
        for query in widget.queries
    )


def of_kinds(rows: Rows, kinds: Sequence[Kind]) -> Sequence[Row]:
    """The rows of these kinds, one kind after the other; rows of one kind are not copied."""
    if len(kinds) == 1:
        return rows.get(kinds[0], ())
    return Joined([rows.get(kind, ()) for kind in kinds])


def column_field(widget: Widget, column: str) -> str:
    """The field that a column of ``widget`` shows."""
    return ISSUE_COLUMNS.get(column, column) if widget.widget_type == "issue" else column


def interval_of(widget: Widget, start: float, end: float) -> float:
    """The interval of a chart in seconds, made longer where there would be more points than Sentry shows."""
    interval = widget.interval_seconds
    while (end - start) / interval > MOST_POINTS:
        interval *= 2
    return interval


def _one_of(
    name: str, field_name: str, allowed: Sequence[str], latest: Mapping[str, str] | None = None
) -> Obstacle:
    wanted = frozenset(allowed)

    def test(row: Fields, now: float) -> bool:
        return any(text_of(value) in wanted for value in row(field_name))

    return Obstacle(name, f"{name} {', '.join(allowed)}", with_latest(test, latest) if latest else test)


def _evaluate(
    widget: Widget,
    query: Query,
    dashboard: Dashboard,
    given: Sequence[Row],
    obstacles: tuple[Obstacle, ...],
    now: float,
) -> Outcome:
    start, end = window_of(dashboard, now)
    tests = [obstacle.test for obstacle in obstacles]
    last = len(tests) - 1
    measures = [*query.measures, *([query.order] if query.order else [])]
    aggregates = _aggregates(measures)
    aggregates += [condition.aggregate for condition in query.search.having]
    series = widget.display_type in SERIES
    interval = interval_of(widget, start, end) if series else 1.0
    columns = [column_field(widget, column) for column in query.columns]
    groups: dict[_Group, Cells] = {}
    single: list[tuple[float, _Group]] = []
    outcome = Outcome(
        obstacles, Shown(form=_form(widget), rows=(), start=start, end=end), alone=[0] * len(tests)
    )
    for row in given:
        outcome.considered += 1
        failed = -1
        for index, test in enumerate(tests):
            if not test(row, now):
                if failed >= 0:
                    break
                failed = index
        else:
            if failed >= 0:
                outcome.alone[failed] += 1
            if failed in (-1, last):
                outcome.newest_met = max(row.received_at, outcome.newest_met or row.received_at)
            if failed < 0:
                outcome.matched += 1
                outcome.newest_shown = max(row.received_at, outcome.newest_shown or row.received_at)
                if row.kind not in _NO_MOMENTS:
                    late = row.received_at - row.at
                    outcome.slowest = late if outcome.slowest is None else max(late, outcome.slowest)
                group = tuple(_shown(row, column) for column in columns)
                if not aggregates:
                    single.append((row.at, group))
                    continue
                cells = groups.get(group)
                if cells is None:
                    cells = groups[group] = Cells(aggregates, series)
                cells.add(row, int(row.at // interval))
    # A number is shown for no rows as well: a count of 0.
    if aggregates and not columns and not groups:
        groups[()] = Cells(aggregates, series)
    found = (
        _single(widget, query, single)
        if not aggregates
        else _grouped(widget, query, measures, groups, outcome, interval)
    )
    outcome.shown = Shown(form=_form(widget), rows=tuple(found), start=start, end=end)
    return outcome


def _form(widget: Widget) -> Literal["number", "series", "table"]:
    return (
        "series"
        if widget.display_type in SERIES
        else "number"
        if widget.display_type == "big_number"
        else "table"
    )


def _shown(row: Fields, column: str) -> str | None:
    texts = [text for text in map(text_of, row(column)) if text is not None]
    return ", ".join(texts) if texts else None


def _single(widget: Widget, query: Query, single: list[tuple[float, _Group]]) -> list[ShownRow]:
    """Rows as they are: those of a table without aggregates, the newest first unless it says otherwise."""
    single.sort(key=lambda each: each[0], reverse=True)
    bare = query.orderby.removeprefix("-")
    if bare in query.columns:
        place = query.columns.index(bare)
        single.sort(key=lambda each: each[1][place] or "", reverse=query.orderby.startswith("-"))
    most = widget.limit or DEFAULT_TABLE
    return [
        ShownRow(query=query.name, group=tuple(zip(query.columns, group, strict=True)), values=())
        for _, group in single[:most]
    ]


def _grouped(
    widget: Widget,
    query: Query,
    measures: Sequence[Measure],
    groups: Mapping[_Group, Cells],
    outcome: Outcome,
    interval: float,
) -> list[ShownRow]:
    start, end = outcome.shown.start, outcome.shown.end
    found: list[tuple[_Group, list[float | None], Cells]] = []
    for group, cells in groups.items():
        raw = [each.value(end - start) for each in cells.total]
        outcome.endless.update(
            (aggregate.text, None)
            for aggregate, value in zip(_aggregates(measures), raw, strict=False)
            if value is not None and not math.isfinite(value)
        )
        conditions = query.search.having
        measured = raw[len(raw) - len(conditions) :] if conditions else []
        if all(condition.holds(value) for condition, value in zip(conditions, measured, strict=True)):
            found.append((group, _measured(measures, raw), cells))
    _sort(query, measures, found)
    most = widget.limit or (DEFAULT_GROUPS if widget.display_type in SERIES else DEFAULT_TABLE)
    shown = []
    for group, values, cells in found[: most if query.columns else None]:
        visible = list(zip(query.aggregates, values, strict=False))
        points = _points(query, measures, cells, start, end, interval) if cells.points is not None else ()
        shown.append(
            ShownRow(
                query=query.name,
                group=tuple(zip(query.columns, group, strict=True)),
                values=tuple(visible),
                points=points,
            )
        )
    return shown


def _aggregates(measures: Sequence[Measure]) -> list[Aggregate]:
    return [each for measure in measures for each in measure.aggregates]


def _measured(measures: Sequence[Measure], raw: Sequence[float | None]) -> list[float | None]:
    values, at = [], 0
    for measure in measures:
        values.append(measure.value(raw[at : at + len(measure.aggregates)]))
        at += len(measure.aggregates)
    return values


def _sort(
    query: Query, measures: Sequence[Measure], found: list[tuple[_Group, list[float | None], Cells]]
) -> None:
    """By ``orderby``; by the first aggregate, the highest first, when there is none. Groups without a value come last."""
    descending = query.orderby.startswith("-") or not query.orderby
    bare = query.orderby.removeprefix("-")
    found.sort(key=lambda each: tuple(value or "" for value in each[0]))
    if bare in query.columns:
        place = query.columns.index(bare)
        found.sort(key=lambda each: each[0][place] or "", reverse=descending)
        return
    place = measure_index(bare, measures) or 0
    if measures:
        sign = -1 if descending else 1
        found.sort(key=lambda each: (each[1][place] is None, sign * (each[1][place] or 0.0)))


def _points(
    query: Query, measures: Sequence[Measure], cells: Cells, start: float, end: float, interval: float
) -> tuple[tuple[float, tuple[float | None, ...]], ...]:
    """Every interval of the window; those without rows have what an aggregate over nothing gives."""
    visible = len(query.measures)
    empty = Cells([each for measure in measures for each in measure.aggregates], False).total
    nothing = tuple(_measured(measures, [each.value(interval) for each in empty])[:visible])
    points = []
    for bucket in range(int(start // interval), int(end // interval) + 1):
        here = (cells.points or {}).get(bucket)
        values = nothing
        if here is not None:
            values = tuple(_measured(measures, [each.value(interval) for each in here])[:visible])
        points.append((bucket * interval, values))
    return tuple(points)
