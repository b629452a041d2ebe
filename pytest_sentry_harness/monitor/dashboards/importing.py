"""Sentry's dashboard JSON → a dashboard. Sentry API reference, "Create a New Dashboard for an Organization"."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ...errors import RulesError, UnsupportedError
from ...protocol.event_fields import seconds_of
from .filters import filters_of
from .keys import Keys, camel
from .layout import layout_of, overlaps
from .model import (
    ALL_PROJECTS,
    DISPLAY_TYPES,
    KINDS_OF,
    MOST_TITLE,
    MOST_WIDGETS,
    NUMBERS,
    Dashboard,
    Refused,
    Widget,
)
from .queries import query_of

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
    "description",
    "widgetDisplay",
    "widgetPreview",
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
    "tableWidths",
    "tempId",
]
_LONE = re.compile("[\ud800-\udfff]")
_PERIOD = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


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
    keys = Keys(_encodable(_json(document, name), name), name)
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
    filters = filters_of(keys)
    if keys.flag("allProjects") or filters.all_projects or ALL_PROJECTS in projects:
        projects = (ALL_PROJECTS,)
    unknown = keys.unknown(_KEPT)
    extra = keys.rest((*_KEPT, *map(camel, unknown)))
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
        filters=keys.mapping("filters") or {},
        releases=filters.releases,
        searches=filters.searches,
        extra=extra,
        refused=tuple(refused),
        positions=tuple(positions) if refused else (),
        warnings=tuple(
            f"dashboard {title!r} has a key {each!r} that nobody knows here; whatever it does in Sentry, it does not do here"
            for each in unknown
        ),
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
            refused.append(
                Refused(
                    index=index,
                    title=title if isinstance(title, str) else "",
                    error=error,
                    unsupported=isinstance(error.__cause__, UnsupportedError),
                )
            )
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
        keys.refuse("queries", "the widget has no query", "add one")
    queries = tuple(
        query_of(each, name, f"{path}.queries[{index}]", display, widget_type)
        for index, each in enumerate(given)
    )
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
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text), "surrogatepass")
        return json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise RulesError(f"not valid JSON: {error}", where=name, hint="export the dashboard again") from error


def _encodable(value: Any, name: str) -> Any:
    """``value`` with a replacement character for each half of a surrogate pair: such text cannot be written to any file."""
    try:
        return _replaced(value)
    except RecursionError as error:
        raise RulesError("nested too deeply to be read", where=name) from error


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_replaced(each) for each in value]
    if isinstance(value, dict):
        return {_replaced(key): _replaced(each) for key, each in value.items()}
    return value
