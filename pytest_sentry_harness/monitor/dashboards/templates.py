"""Four dashboards to begin with: errors, performance, release health, business and objectives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import UsageError, did_you_mean
from .importing import dashboard_from
from .layout import placed
from .model import Dashboard

_ERRORS, _TRANSACTIONS, _SESSIONS = "error-events", "transaction-like", "metrics"


def template(
    name: str,
    *,
    environment: Sequence[str] = (),
    period: str = "24h",
    slow_ms: int = 500,
    business: str = "",
) -> Dashboard:
    """The dashboard ``name`` of ``TEMPLATES``. Raises ``UsageError`` for another name.

    ``slow_ms``: what counts as slow, in milliseconds. ``business``: a search for the transactions that the business lives on,
    such as ``transaction:/orders``; all of them when empty.
    """
    if name not in TEMPLATES:
        raise UsageError(f"no dashboard template {name!r}", hint=did_you_mean(name, TEMPLATES))
    title, widgets = TEMPLATES[name](slow_ms, business)
    sizes = [(6, 2) if each["displayType"] == "table" else _size(each["displayType"]) for each in widgets]
    for widget, place in zip(widgets, placed(sizes), strict=True):
        widget["layout"] = {"x": place.x, "y": place.y, "w": place.w, "h": place.h, "minH": place.min_h}
    document = {"title": title, "period": period, "environment": list(environment), "widgets": widgets}
    return dashboard_from(document, f"template {name}")


def _size(display: str) -> tuple[int, int]:
    return (2, 1) if display == "big_number" else (3, 2)


def _widget(
    title: str,
    display: str,
    kind: str,
    aggregates: Sequence[str],
    *,
    columns: Sequence[str] = (),
    conditions: str = "",
    orderby: str = "",
    limit: int | None = None,
) -> dict[str, Any]:
    query = {
        "name": "",
        "fields": [*columns, *aggregates],
        "columns": list(columns),
        "aggregates": list(aggregates),
        "fieldAliases": [],
        "conditions": conditions,
        "orderby": orderby,
    }
    found: dict[str, Any] = {"title": title, "displayType": display, "widgetType": kind, "interval": "5m"}
    return {**found, "queries": [query], **({"limit": limit} if limit is not None else {})}


def _errors(slow_ms: int, business: str) -> tuple[str, list[dict[str, Any]]]:
    return "Errors", [
        _widget("Errors", "big_number", _ERRORS, ["count()"], conditions="level:[error, fatal]"),
        _widget("Unhandled errors", "big_number", _ERRORS, ["count()"], conditions="error.unhandled:true"),
        _widget("Users with errors", "big_number", _ERRORS, ["count_unique(user)"]),
        _widget(
            "Errors by level", "area", _ERRORS, ["count()"], columns=["level"], orderby="-count()", limit=5
        ),
        _widget(
            "Errors by release",
            "line",
            _ERRORS,
            ["count()"],
            columns=["release"],
            orderby="-count()",
            limit=5,
        ),
        _widget(
            "Errors by type",
            "table",
            _ERRORS,
            ["count()", "last_seen()"],
            columns=["error.type"],
            orderby="-count()",
            limit=10,
        ),
        _widget(
            "Errors by route",
            "table",
            _ERRORS,
            ["count()"],
            columns=["transaction"],
            orderby="-count()",
            limit=10,
        ),
    ]


def _performance(slow_ms: int, business: str) -> tuple[str, list[dict[str, Any]]]:
    duration = "transaction.duration"
    slowest = f"p95({duration})"
    return "Performance", [
        _widget("p95", "big_number", _TRANSACTIONS, [slowest]),
        _widget("Throughput per minute", "big_number", _TRANSACTIONS, ["epm()"]),
        _widget("Apdex", "big_number", _TRANSACTIONS, [f"apdex({slow_ms})"]),
        _widget("Durations", "line", _TRANSACTIONS, [f"p50({duration})", slowest, f"p99({duration})"]),
        _widget("Failure rate", "area", _TRANSACTIONS, ["failure_rate()"]),
        _widget(
            "Slowest routes",
            "table",
            _TRANSACTIONS,
            [slowest, "count()", "failure_rate()"],
            columns=["transaction"],
            orderby=f"-{slowest}",
            limit=10,
        ),
    ]


def _release_health(slow_ms: int, business: str) -> tuple[str, list[dict[str, Any]]]:
    return "Release health", [
        _widget("Crash-free sessions", "big_number", _SESSIONS, ["crash_free_rate(session)"]),
        _widget("Sessions", "big_number", _SESSIONS, ["sum(session)"]),
        _widget("Crashed sessions", "big_number", _SESSIONS, ["count_crashed(session)"]),
        _widget(
            "Sessions by status",
            "area",
            _SESSIONS,
            ["sum(session)"],
            columns=["session.status"],
            orderby="-sum(session)",
        ),
        _widget(
            "Crash-free sessions by release",
            "line",
            _SESSIONS,
            ["crash_free_rate(session)"],
            columns=["release"],
            orderby="crash_free_rate(session)",
            limit=5,
        ),
        _widget(
            "Releases",
            "table",
            _SESSIONS,
            ["crash_free_rate(session)", "sum(session)", "count_errored(session)"],
            columns=["release"],
            orderby="-sum(session)",
            limit=10,
        ),
    ]


def _business(slow_ms: int, business: str) -> tuple[str, list[dict[str, Any]]]:
    fast = f"equation|count_if(transaction.duration,lessOrEquals,{slow_ms}) / count()"
    available = "equation|1 - failure_rate()"
    return "Business and objectives", [
        _widget("Availability", "big_number", _TRANSACTIONS, [available], conditions=business),
        _widget(f"Faster than {slow_ms} ms", "big_number", _TRANSACTIONS, [fast], conditions=business),
        _widget("Users", "big_number", _TRANSACTIONS, ["count_unique(user)"], conditions=business),
        _widget("Availability over time", "line", _TRANSACTIONS, [available], conditions=business),
        _widget(
            "Requests and failures", "bar", _TRANSACTIONS, ["count()", "failure_count()"], conditions=business
        ),
        _widget(
            "Misery by route",
            "table",
            _TRANSACTIONS,
            [f"user_misery({slow_ms})", "failure_count()", "count()"],
            columns=["transaction"],
            conditions=business,
            orderby=f"-user_misery({slow_ms})",
            limit=10,
        ),
    ]


TEMPLATES: dict[str, Callable[[int, str], tuple[str, list[dict[str, Any]]]]] = {
    "errors": _errors,
    "performance": _performance,
    "release-health": _release_health,
    "business": _business,
}
"""Name → title and widgets."""
