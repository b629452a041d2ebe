"""Sentry's dashboard JSON → a dashboard. Sentry API reference, "Create a New Dashboard for an Organization"."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ...errors import RulesError, SearchError
from ...protocol.event_fields import seconds_of
from ..fields import Kind
from ..search import Search, parse_search
from .keys import Keys
from .layout import layout_of, overlaps
from .measures import EQUATION, Measure, is_measure, parse_measure
from .model import (
    DISPLAY_TYPES,
    KINDS_OF,
    MOST_QUERIES,
    MOST_TITLE,
    MOST_WIDGETS,
    NUMBERS,
    SERIES,
    Dashboard,
    Query,
    Refused,
    Widget,
)

# What Sentry's own answers have besides: kept, given out again, and not looked at.
_KEPT = [
    "id",
    "dateCreated",
    "createdBy",
    "lastVisited",
    "permissions",
    "isFavorited",
    "utc",
    "prebuiltId",
    "allProjects",
    "expired",
    "name",
    "isHidden",
]
_KEPT_OF_WIDGET = [
    "id",
    "dateCreated",
    "dashboardId",
    "datasetSource",
    "exploreUrls",
    "changedReason",
    "axisRange",
    "legendType",
    "order",
]
_KEPT_OF_QUERY = [
    "id",
    "widgetId",
    "isHidden",
    "onDemand",
    "onDemandExtraction",
    "onDemandExtractionDisabled",
    "selectedAggregate",
    "linkedDashboards",
    "slideOutId",
    "order",
]
_PERIOD = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_ALIAS = re.compile(r"[^\w]+")
ISSUE_COLUMNS = {"events": "timesSeen", "lifetimeEvents": "timesSeen", "assignee": "assigned"}
ISSUE_ORDERS = ("date", "new", "freq", "user", "trends", "inbox", "recommended")


def parse_dashboard(text: str | bytes, name: str = "dashboard") -> Dashboard:
    """Read the JSON ``text``; ``name`` is its file, for messages. Raises ``RulesError`` with all that is wrong."""
    return dashboard_from(_json(text, name), name)


def dashboard_from(document: object, name: str = "dashboard") -> Dashboard:
    """Read a JSON document. Raises ``RulesError``; every widget that is not valid is named."""
    dashboard = load_dashboard(document, name)
    if not dashboard.refused:
        return dashboard
    first, others = dashboard.refused[0].error, dashboard.refused[1:]
    if not others:
        raise first
    also = "".join(f"\n  also {refused.error}" for refused in others)
    raise RulesError(f"{first.what}", where=first.where, hint=f"{first.hint or 'see above'}{also}")


def load_dashboard(document: object, name: str = "dashboard") -> Dashboard:
    """Read a JSON document, or its text; widgets that are not valid are in ``refused``.

    Raises ``RulesError`` for what is wrong with the dashboard itself.
    """
    keys = Keys(_json(document, name) if isinstance(document, (str, bytes)) else document, name)
    title = keys.required("title", MOST_TITLE)
    given = keys.objects("widgets")
    if len(given) > MOST_WIDGETS:
        keys.refuse("widgets", f"{len(given)} widgets, {MOST_WIDGETS} are allowed")
    period, seconds = _period(keys, "period")
    start, end = keys.text("start") or None, keys.text("end") or None
    moments = [_moment(keys, "start", start), _moment(keys, "end", end)]
    if moments[0] is not None and moments[1] is not None and moments[0] >= moments[1]:
        keys.refuse("start", f"start {start} is not before end {end}")
    projects, environment = keys.numbers("projects"), keys.texts("environment") or ()
    filters = keys.mapping("filters") or {}
    extra = keys.rest(_KEPT)
    widgets, positions, refused = _widgets(given, name)
    return Dashboard(
        title=title,
        widgets=tuple(widgets),
        projects=projects,
        environment=environment,
        period=period,
        period_seconds=seconds,
        start=start,
        end=end,
        filters=filters,
        extra=extra,
        refused=tuple(refused),
        positions=tuple(positions) if refused else (),
    )


def period_seconds(text: str) -> float | None:
    """Seconds of ``5m``, ``24h``, ``14d``; None for anything else."""
    match = _PERIOD.fullmatch(text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    return seconds or None


def _widgets(given: Sequence[object], name: str) -> tuple[list[Widget], list[int], list[Refused]]:
    widgets: list[Widget] = []
    positions: list[int] = []
    refused: list[Refused] = []
    for index, each in enumerate(given):
        title = each.get("title") if isinstance(each, dict) else None
        try:
            widget = _widget(each, name, f"widgets[{index}]")
            clash = overlaps(widget, widgets)
            if clash is not None:
                other = positions[clash]
                raise RulesError(
                    f"the widget overlaps with widgets[{other}] ({widgets[clash].title!r})",
                    where=f"{name}: widgets[{index}].layout",
                    hint="give it a place of its own: no two widgets may share a cell of the grid",
                )
        except RulesError as error:
            refused.append(Refused(index=index, title=title if isinstance(title, str) else "", error=error))
        else:
            widgets.append(widget)
            positions.append(index)
    return widgets, positions, refused


def _widget(content: object, name: str, path: str) -> Widget:
    keys = Keys(content, name, path)
    title = keys.required("title", MOST_TITLE)
    display = keys.choice("displayType", DISPLAY_TYPES, None)
    widget_type = keys.choice("widgetType", KINDS_OF, "error-events")
    interval, seconds = _period(keys, "interval")
    limit = keys.whole("limit", 1, 10)
    given = keys.objects("queries")
    if not given and display in NUMBERS:
        keys.refuse("queries", "the widget has no query", "add one: a widget needs 1 to 5")
    if len(given) > MOST_QUERIES:
        keys.refuse("queries", f"{len(given)} queries, {MOST_QUERIES} are allowed")
    queries = tuple(
        _query(each, name, f"{path}.queries[{index}]", display, widget_type)
        for index, each in enumerate(given)
    )
    if display == "big_number" and len(queries) > 1:
        keys.refuse("queries", f"a big_number has 1 query, not {len(queries)}")
    widget = Widget(
        title=title,
        display_type=display,
        widget_type=widget_type,
        interval=interval or "5m",
        interval_seconds=seconds or 300.0,
        limit=limit,
        queries=queries,
        layout=layout_of(keys),
        description=keys.text("description", most=MOST_TITLE),
        thresholds=_thresholds(keys),
        extra=keys.rest(_KEPT_OF_WIDGET),
    )
    return widget


def _query(content: object, name: str, path: str, display: str, widget_type: str) -> Query:
    keys = Keys(content, name, path)
    fields, columns, aggregates = keys.texts("fields"), keys.texts("columns"), keys.texts("aggregates")
    if fields is None and columns is None and aggregates is None:
        raise RulesError("fields is missing", where=keys.where(), hint='add "fields": ["count()"]')
    shown = fields if fields is not None else (*(columns or ()), *(aggregates or ()))
    if columns is None:
        columns = tuple(each for each in shown if not is_measure(each))
    if aggregates is None:
        aggregates = tuple(each for each in shown if is_measure(each))
    measures = tuple(
        _measure(
            each, keys.where("aggregates" if "aggregates" in _given(content) else "fields") + f"[{index}]"
        )
        for index, each in enumerate(aggregates)
    )
    for index, column in enumerate(columns):
        if is_measure(column):
            keys.refuse(f"columns[{index}]", f"{column!r} is an aggregate", "move it to aggregates")
    if display in SERIES | {"big_number", "categorical_bar"} and not measures and widget_type != "issue":
        keys.refuse(
            "aggregates", f"a widget of type {display} needs an aggregate", "add one, such as count()"
        )
    conditions = keys.text("conditions")
    search = _search(conditions, keys.where("conditions"), KINDS_OF[widget_type])
    orderby = keys.text("orderby")
    return Query(
        name=keys.text("name"),
        fields=shown,
        columns=columns,
        aggregates=aggregates,
        field_aliases=keys.texts("fieldAliases") or (),
        conditions=conditions,
        orderby=orderby,
        search=search,
        measures=measures,
        order=_order(keys, orderby, (*columns, *shown), measures, widget_type),
        extra=keys.rest(_KEPT_OF_QUERY),
    )


def _given(content: object) -> set[str]:
    return (
        {key for key, value in content.items() if value is not None} if isinstance(content, dict) else set()
    )


def _measure(text: str, where: str) -> Measure:
    try:
        return parse_measure(text, where=where)
    except SearchError as error:
        raise RulesError(error.what, where=error.where, hint=error.hint) from error


def _search(text: str, where: str, kinds: tuple[Kind, ...]) -> Search:
    try:
        return parse_search(text, kind=kinds[0] if len(kinds) == 1 else None, where=where)
    except SearchError as error:
        raise RulesError(error.what, where=error.where, hint=error.hint) from error


def _order(
    keys: Keys, orderby: str, columns: Sequence[str], measures: Sequence[Measure], widget_type: str
) -> Measure | None:
    """The aggregate of ``orderby`` when it is not shown. Raises ``RulesError`` when it names nothing of the query."""
    bare = orderby.removeprefix("-")
    if not bare or bare in columns or measure_index(bare, measures) is not None:
        return None
    if widget_type == "issue" and bare in ISSUE_ORDERS:
        return None
    if is_measure(bare):
        return _measure(bare, keys.where("orderby"))
    allowed = ISSUE_ORDERS if widget_type == "issue" else (*columns, *(measure.text for measure in measures))
    keys.refuse(
        "orderby",
        f"{bare!r} is not among what the query shows",
        f"allowed: {', '.join(dict.fromkeys(allowed))}",
    )


def measure_index(bare: str, measures: Sequence[Measure]) -> int | None:
    """Which of ``measures`` an ``orderby`` names: by its text, as ``equation[0]``, or as in older dashboards ``p95_transaction_duration``."""
    equations = [index for index, measure in enumerate(measures) if measure.text.startswith(EQUATION)]
    for index, measure in enumerate(measures):
        alias = _ALIAS.sub("_", measure.text).strip("_")
        if bare in (measure.text, alias):
            return index
    for number, index in enumerate(equations):
        if bare == f"equation[{number}]":
            return index
    return None


def _thresholds(keys: Keys) -> dict[str, Any] | None:
    given = keys.mapping("thresholds")
    if not given:
        return None
    inner = Keys(given, keys.name, f"{keys.path}.thresholds")
    limits = Keys(inner.mapping("maxValues") or {}, keys.name, f"{inner.path}.max_values")
    found = {}
    for key in ("max1", "max2"):
        value = limits.number(key)
        if value is not None:
            found[key] = value
    limits.rest(())
    if len(found) == 1:
        raise RulesError(
            "one threshold is missing",
            where=limits.where(),
            hint="give both max1 and max2, or leave max_values out",
        )
    if found and found["max1"] >= found["max2"]:
        limits.refuse("max2", f"max2 = {found['max2']:g} is not above max1 = {found['max1']:g}")
    unit = inner.text("unit")
    inner.rest(("preferredPolarity",))
    return {**given, "max_values": found, "unit": unit or None} if found else given


def _period(keys: Keys, key: str) -> tuple[str | None, float | None]:
    text = keys.text(key)
    if not text:
        return None, None
    seconds = period_seconds(text)
    if seconds is None:
        keys.refuse(key, f"{text!r} is not a period", "write a number and a unit: 30s, 5m, 24h, 14d, 2w")
    return text, seconds


def _moment(keys: Keys, key: str, text: str | None) -> float | None:
    if text is None:
        return None
    seconds = seconds_of(text, key, [])
    if seconds is None:
        keys.refuse(key, f"{text!r} is not a time", "write it as in 2023-09-28T00:00:00Z")
    return seconds


def _json(text: object, name: str) -> Any:
    if not isinstance(text, (str, bytes)):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RulesError(f"not valid JSON: {error}", where=name, hint="export the dashboard again") from error
