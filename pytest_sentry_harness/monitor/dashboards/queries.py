"""The queries of a widget: columns, aggregates, conditions and order. Sentry API reference, ``queries`` of a widget."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import RulesError, SearchError, UnsupportedError
from ..fields import Kind
from ..search import Search, parse_search
from .keys import Keys
from .measures import EQUATION, Measure, is_measure, parse_measure
from .model import KINDS_OF, SERIES, Query

# What Sentry's own answers have besides: kept, given out again, and not looked at.
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
_MADE_BY_SENTRY = frozenset({"timestamp.to_day", "timestamp.to_hour", "total.count"})
_ALIAS = re.compile(r"[^\w]+")
ISSUE_COLUMNS = {"events": "timesSeen", "lifetimeEvents": "timesSeen", "assignee": "assigned"}
ISSUE_ORDERS = ("date", "new", "freq", "user", "trends", "inbox", "recommended")


def query_of(content: object, name: str, path: str, display: str, widget_type: str) -> Query:
    """Read one query of a widget that is shown as ``display``. Raises ``RulesError``."""
    keys = Keys(content, name, path)
    fields, columns, aggregates = keys.texts("fields"), keys.texts("columns"), keys.texts("aggregates")
    if fields is None and columns is None and aggregates is None:
        raise RulesError("fields is missing", where=keys.where(), hint='add "fields": ["count()"]')
    shown = fields if fields is not None else (*(columns or ()), *(aggregates or ()))
    if columns is None:
        columns = tuple(each for each in shown if not is_measure(each))
    # An aggregate is named by the place where it is written.
    at = [f"aggregates[{index}]" for index in range(len(aggregates or ()))]
    if aggregates is None:
        at = [f"fields[{index}]" for index, each in enumerate(shown) if is_measure(each)]
        aggregates = tuple(each for each in shown if is_measure(each))
    measures = tuple(_measure(each, keys.where(place)) for each, place in zip(aggregates, at, strict=True))
    for index, column in enumerate(columns):
        if is_measure(column):
            keys.refuse(f"columns[{index}]", f"{column!r} is an aggregate", "move it to aggregates")
        if column in _MADE_BY_SENTRY:
            where = keys.where(f"columns[{index}]")
            error = UnsupportedError("see below", position=1, where=where)
            raise RulesError(
                f"{column} is a field that Sentry makes, and that is not evaluated here", where=where
            ) from error
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
