"""Which fields of rows the widgets of dashboards ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..aggregates import Aggregate
from ..fields import Kind
from ..search import Condition
from .evaluation import column_field
from .model import ALL_PROJECTS, KINDS_OF, NUMBERS, Dashboard, Query, Widget

_OF_FUNCTIONS: dict[Kind, tuple[str, ...]] = {
    "event": ("user",),
    "transaction": ("transaction.duration", "transaction.status", "user"),
    "span": ("transaction.duration", "transaction.status", "trace.status", "user"),
    "session": ("sessions", "session.status", "user"),
}
"""What functions read besides their arguments."""
_FUNCTIONS_THAT_READ = ("failure", "apdex", "user_misery", "count_miserable", "crash", "percentage")


def asked_of(dashboards: Iterable[Dashboard]) -> dict[Kind, tuple[str, ...]]:
    """By kind of rows the fields that are asked for; kinds that no widget is about are left out.

    It need not be complete: what is missing is looked up when it is asked for (``KeptRows``).
    """
    found: dict[Kind, dict[str, None]] = {}
    for dashboard in dashboards:
        for widget in dashboard.widgets:
            if widget.display_type not in NUMBERS:
                continue
            for kind in KINDS_OF[widget.widget_type]:
                names = found.setdefault(kind, {})
                names.update(dict.fromkeys(_of_dashboard(dashboard, widget)))
                for query in widget.queries:
                    names.update(dict.fromkeys(_of_query(widget, query, kind)))
                if "issue.id" in names:
                    # It is read from there, and costs the grouping of all events.
                    names["issue"] = None
    return {kind: tuple(names) for kind, names in found.items()}


def _of_dashboard(dashboard: Dashboard, widget: Widget) -> Iterator[str]:
    if dashboard.environment:
        yield "environment"
    if dashboard.projects and ALL_PROJECTS not in dashboard.projects:
        yield "project"
    if dashboard.releases:
        yield "release"
    for each in dashboard.searches:
        if each.dataset == widget.widget_type:
            yield from _of_conditions(each.search.conditions)


def _of_conditions(conditions: Iterable[Condition]) -> Iterator[str]:
    for condition in conditions:
        key = condition.values[0] if condition.key == "has" and condition.values else condition.key
        if key:
            yield key
        else:
            yield from ("message", "title")


def _of_query(widget: Widget, query: Query, kind: Kind) -> Iterator[str]:
    for column in query.columns:
        yield column_field(widget, column)
    yield from _of_conditions(query.search.conditions)
    measures = [*query.measures, *([query.order] if query.order else [])]
    aggregates: list[Aggregate] = [each for measure in measures for each in measure.aggregates]
    for aggregate in (*aggregates, *(each.aggregate for each in query.search.having)):
        yield from (name for name, _ in aggregate.needs)
        if aggregate.function.startswith("count") and aggregate.arguments:
            yield aggregate.arguments[0]
        if aggregate.function.startswith(_FUNCTIONS_THAT_READ) or kind == "session":
            yield from _OF_FUNCTIONS.get(kind, ())
        if aggregate.function == "last_seen":
            yield "timestamp"
