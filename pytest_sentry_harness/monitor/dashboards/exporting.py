"""A dashboard → Sentry's JSON, in camelCase as its answers are. What was read comes out as it went in."""

from __future__ import annotations

import json
from typing import Any

from .model import Dashboard, Layout, Query, Widget


def dashboard_json(dashboard: Dashboard) -> str:
    """The JSON text; widgets that were refused are not in it."""
    return json.dumps(dashboard_document(dashboard), indent=2, ensure_ascii=False) + "\n"


def dashboard_document(dashboard: Dashboard) -> dict[str, Any]:
    """The JSON document, to be sent to Sentry's API or read again."""
    return {
        **dashboard.extra,
        "title": dashboard.title,
        "widgets": [_widget(widget) for widget in dashboard.widgets],
        "projects": list(dashboard.projects),
        "environment": list(dashboard.environment),
        **_present(period=dashboard.period, start=dashboard.start, end=dashboard.end),
        "filters": dict(dashboard.filters),
    }


def _widget(widget: Widget) -> dict[str, Any]:
    return {
        **widget.extra,
        "title": widget.title,
        "displayType": widget.display_type,
        "widgetType": widget.widget_type,
        "interval": widget.interval,
        **_present(
            description=widget.description or None,
            limit=widget.limit,
            thresholds=None if widget.thresholds is None else dict(widget.thresholds),
            layout=None if widget.layout is None else _layout(widget.layout),
        ),
        "queries": [_query(query) for query in widget.queries],
    }


def _query(query: Query) -> dict[str, Any]:
    return {
        **query.extra,
        "name": query.name,
        "fields": list(query.fields),
        "columns": list(query.columns),
        "aggregates": list(query.aggregates),
        "fieldAliases": list(query.field_aliases),
        "conditions": query.conditions,
        "orderby": query.orderby,
    }


def _layout(layout: Layout) -> dict[str, int]:
    return {"x": layout.x, "y": layout.y, "w": layout.w, "h": layout.h, "minH": layout.min_h}


def _present(**values: object) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}
