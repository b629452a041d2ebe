"""Two checks that are never true together."""

from __future__ import annotations

from .checks import Age, Category, Check, Frequency, Level, Match, Occurrences, Priority, State
from .constant import MOST_LEVEL
from .matching import matcher

_ONE_VALUE = ("eq", "in")


def conflict(one: Check, other: Check) -> str:
    """Why ``one`` and ``other`` are never true of the same event; ``""`` when they can be."""
    for first, second in ((one, other), (other, one)):
        why = _one_way(first, second)
        if why:
            return why
    return ""


def _one_way(first: Check, second: Check) -> str:
    match first, second:
        case State(), State() if first.name != second.name:
            return _states(first, second)
        case State(name="first_seen" | "new_high"), Occurrences(value) if value > 1:
            return "a new issue was seen once"
        case State(name="first_seen" | "new_high"), Age(older=True):
            return "a new issue is not old"
        case State(name="first_seen" | "new_high"), Frequency(
            measure="events" | "users", value=value, back=None
        ) if value >= 1:
            return "a new issue has one event"
        case Age(older=True, seconds=low), Age(older=False, seconds=high) if low >= high:
            return "no issue is both"
        case Level(), Level():
            return "" if _levels(first) & _levels(second) else "no level is both"
        case Category(one, included=True), Category(two, included=True) if one != two:
            return "an issue has one category"
        case State(name="new_high" | "existing_high"), Level(match="lte" | "eq", level=level) if level < 40:
            return "issues of high priority have errors"
        case Priority(least=75), Level(match="lte" | "eq", level=level) if level < 40:
            return "issues of high priority have errors"
        case Match(), Match() if first.source == second.source and first.key.lower() == second.key.lower():
            return _matches(first, second)
    return ""


def _states(first: State, second: State) -> str:
    pair = {first.name, second.name}
    if pair in ({"first_seen", "new_high"}, {"reappeared", "existing_high"}):
        return ""
    return "an issue changes in one way at a time"


def _levels(check: Level) -> set[int]:
    levels = range(10, MOST_LEVEL + 1, 10)
    if check.match == "eq":
        return {check.level}.intersection(levels)
    return {
        level for level in levels if (level >= check.level if check.match == "gte" else level <= check.level)
    }


def _matches(first: Match, second: Match) -> str:
    if first.match == "ns" and second.match in ("is", "eq", "in", "sw", "ew", "co"):
        return "it is set or it is not"
    single = first.source == "tag" or first.key in (
        "platform",
        "environment",
        "type",
        "http.method",
        "sdk.name",
    )
    if not single or first.match not in _ONE_VALUE or second.match in ("is", "ns"):
        return ""
    values = (
        [part.strip() for part in first.value.lower().split(",")]
        if first.match == "in"
        else [first.value.lower()]
    )
    if any(matcher(second.match, second.value)([value]) for value in values):
        return ""
    return f"{first.key} has one value"
