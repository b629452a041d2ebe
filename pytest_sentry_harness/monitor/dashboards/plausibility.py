"""Numbers in the wrong unit, and functions over fields that are no numbers.

Sentry's durations are in milliseconds. A number that somebody meant in seconds gives itself away: everything is beyond
it, and a thousand times of it lies in the middle of what is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..aggregates import Aggregate
from ..fields import Row, field_type
from ..search import Condition
from .model import Finding, Query, ShownRow, Widget
from .occurring import Occurring

_TO_MS = {
    "nanosecond": 1e-6,
    "microsecond": 1e-3,
    "millisecond": 1.0,
    "second": 1e3,
    "minute": 6e4,
    "hour": 3.6e6,
}
_FAR = 20
_OF_DURATION = ("apdex", "user_misery", "count_miserable")


def wrong_types(query: Query, occurring: Occurring) -> list[Finding]:
    """Aggregates over fields of another type: known ones by their type, others by what the rows hold."""
    found = []
    kind = occurring.kinds[0] if len(occurring.kinds) == 1 else None
    for aggregate in _aggregates(query):
        misfits = list(aggregate.misfits(kind))
        for name, allowed in aggregate.needs if not misfits else ():
            if field_type(name, kind) is None and "text" not in allowed and occurring.range(name) is None:
                text = next(iter(occurring.values(name)), None)
                if text is not None:
                    misfits.append(f"{aggregate.text}: {name} is text, such as {text[:60]!r}, and no number")
        found += [Finding(kind="wrong_type", text=misfit, where=aggregate.text) for misfit in misfits]
    return found


def wrong_units(
    widget: Widget, query: Query, shown: Sequence[ShownRow], occurring: Occurring
) -> list[Finding]:
    """Numbers that are seconds where milliseconds are meant, or the other way round, and fields of mixed units."""
    found = []
    for aggregate in _aggregates(query):
        for name, _ in aggregate.needs:
            units = _units(name, occurring.rows)
            if len(units) > 1:
                listed = " and ".join(sorted(unit or "no unit" for unit in units))
                found.append(
                    Finding(
                        kind="wrong_unit",
                        text=f"{aggregate.text}: {name} is sent in {listed}; one number of both means nothing",
                        where=name,
                    )
                )
        if aggregate.function in _OF_DURATION:
            limit = float(aggregate.arguments[-1])
            text = _in_seconds("transaction.duration", limit, occurring)
            if text:
                found.append(
                    Finding(kind="wrong_unit", text=f"{aggregate.text}: {text}", where=aggregate.text)
                )
    for condition in query.search.conditions:
        text = _of_condition(condition, occurring)
        if text:
            found.append(Finding(kind="wrong_unit", text=f"`{condition.text}`: {text}", where=condition.text))
    return found + _of_thresholds(widget, query, shown)


def _of_condition(condition: Condition, occurring: Occurring) -> str | None:
    number = condition.number
    if number is None or number <= 0 or condition.operator not in (">", ">=", "<", "<="):
        return None
    if condition.values[0][-1:].isalpha():
        return None  # a unit is written, so it is meant
    kind = occurring.kinds[0] if len(occurring.kinds) == 1 else None
    if field_type(condition.key, kind) == "duration":
        return _in_seconds(condition.key, number, occurring)
    low, high = occurring.range(condition.key) or (0.0, 0.0)
    if high < number and low < number / 1000 < high:
        return (
            f"every {condition.key} is below {number:g} (they are {low:g} to {high:g}); if it is in seconds, {number:g} ms is "
            f"written {number / 1000:g}"
        )
    return None


def _in_seconds(name: str, number: float, occurring: Occurring) -> str | None:
    """That ``number``, in milliseconds, looks like seconds; None when it does not."""
    low, high = occurring.range(name) or (0.0, 0.0)
    if low <= number or not low <= number * 1000 <= high:
        return None
    return (
        f"{number:g} is in milliseconds, and every {name} is above it ({low:.0f} to {high:.0f} ms); {number:g} s would be "
        f"{number * 1000:g}"
    )


def _of_thresholds(widget: Widget, query: Query, shown: Sequence[ShownRow]) -> list[Finding]:
    """The colours of a big number: red whatever happens because its limits are in another unit."""
    limits = (widget.thresholds or {}).get("max_values") or {}
    top, first = limits.get("max2"), query.measures[:1]
    if not top or not first or len(first[0].aggregates) != 1 or not shown or not shown[0].values:
        return []
    unit = (widget.thresholds or {}).get("unit") or "millisecond"
    value = shown[0].values[0][1]
    if first[0].aggregates[0].unit != "milliseconds" or value is None or unit not in _TO_MS:
        return []
    limit = top * _TO_MS[unit]
    if value > _FAR * limit and value <= _FAR * limit * 1000:
        return [
            Finding(
                kind="wrong_unit",
                text=f"{query.aggregates[0]} is {value:.0f} ms, {value / limit:.0f} times the upper threshold of {top:g} "
                f"{unit}s; are the thresholds meant in seconds?",
                where="thresholds",
            )
        ]
    return []


def _aggregates(query: Query) -> list[Aggregate]:
    return [each for measure in query.measures for each in measure.aggregates] + [
        condition.aggregate for condition in query.search.having
    ]


def _units(name: str, rows: Iterable[Row]) -> set[str]:
    if not name.startswith("measurements."):
        return set()
    return {row.unit(name) for row in rows if row(name)}
