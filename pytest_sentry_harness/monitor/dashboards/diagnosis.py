"""Why a widget shows nothing although there is data, and which of its fields never occur."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ..fields import ONLY_VALUES
from ..search import Condition
from ..search.values import has_wildcard
from .evaluation import Obstacle, Outcome, column_field
from .model import Finding, FindingKind, Query, Widget
from .occurring import Occurring, misspelt

_FIELD_OF = {"environment": "environment", "projects": "project", "releases": "release"}
_FIRST_ARGUMENT = ("count_unique", "count_if", "failure_count_if", "count_miserable")


def why_empty(outcome: Outcome, occurring: Occurring, now: float) -> list[Finding]:
    """What emptied the query: each condition that alone keeps rows away, else those that nothing meets.

    It is a mistake (``empty``) when a name, an environment, a value or the window cannot be right, and else ``quiet``:
    that there was no fatal error may be the truth. O(conditions x rows), and only for queries that show nothing.
    """
    total = occurring.count(len(occurring.rows))
    causes: list[Finding] = []
    alone = [each for each in zip(outcome.obstacles, outcome.alone, strict=True) if each[1]]
    for obstacle, back in sorted(alone, key=lambda each: -each[1]):
        effect = f"`{obstacle.text}` empties it: without it there would be {occurring.count(back)}"
        causes.append(_explained(obstacle, effect, occurring))
    if not alone:
        for obstacle in outcome.obstacles:
            if not any(obstacle.test(row, now) for row in occurring.rows):
                causes.append(_explained(obstacle, f"`{obstacle.text}` is met by none of {total}", occurring))
    if not causes:
        texts = " and ".join(f"`{obstacle.text}`" for obstacle in outcome.obstacles)
        text = f"each of {texts} is met by some of {total}, but never all together"
        causes.append(Finding(kind="quiet", text=text))
    mistaken = any(cause.kind != "quiet" for cause in causes)
    text = f"it shows nothing, although {total} arrived"
    return [Finding(kind="empty" if mistaken else "quiet", text=text), *causes]


def missing_fields(
    widget: Widget, query: Query, occurring: Occurring, conditions: Sequence[Condition]
) -> list[Finding]:
    """Fields of columns, aggregates and ``conditions`` that no row has. O(fields x rows) at worst."""
    asked: dict[str, tuple[str, bool]] = {}
    shown: set[str] = set()
    for column in query.columns:
        asked.setdefault(column_field(widget, column), (f"column {column}", False))
    for measure in (*query.measures, *([query.order] if query.order else [])):
        for aggregate in measure.aggregates:
            first = aggregate.arguments[:1] if aggregate.function in _FIRST_ARGUMENT else ()
            for name in (*first, *(name for name, _ in aggregate.needs)):
                asked.setdefault(name, (aggregate.text, False))
    shown.update(asked)
    for condition in conditions:
        # That a row lacks a field is what these conditions may be about.
        lacking = condition.negated or condition.values == ("",) or condition.key == "has"
        if _key(condition) not in ("", "is"):
            asked.setdefault(_key(condition), (f"`{condition.text}`", lacking))
    found = []
    for name, (where, lacking) in asked.items():
        if occurring.has(name):
            continue
        if lacking and (occurring.known(name) or occurring.like(name) is None):
            continue
        # What rows of another kind have is spelt right: it is the dataset that does not fit.
        missing: FindingKind = "wrong_type" if occurring.elsewhere(name) else "misspelt_field"
        # A number or a column that is never there is nothing to look at, be it spelt right or not.
        known: FindingKind = "quiet" if name in shown else "doubt"
        kind: FindingKind = known if occurring.known(name) else missing
        found.append(Finding(kind=kind, text=f"{where}: {occurring.absent(name)}", where=name))
    return found


def _explained(obstacle: Obstacle, effect: str, occurring: Occurring) -> Finding:
    """What is the matter with one obstacle, and what occurs instead."""
    if obstacle.name == "window":
        moments = [row.at for row in occurring.rows]
        span = " to ".join(_iso(moment) for moment in (min(moments), max(moments)))
        return Finding(kind="empty", text=f"{effect}; they are from {span}", where="period")
    if obstacle.name != "conditions":
        name = _FIELD_OF[obstacle.name]
        kind: FindingKind = "wrong_environment" if name == "environment" else "wrong_value"
        return Finding(kind=kind, text=f"{effect}; {occurring.instead(name)}", where=obstacle.name)
    texts = [_about(condition, occurring) for condition in obstacle.conditions[:3]]
    return Finding(
        kind=_kind(obstacle.conditions, occurring), text="; ".join([effect, *texts]), where=obstacle.text
    )


def _kind(conditions: Sequence[Condition], occurring: Occurring) -> FindingKind:
    """What kind of mistake the conditions are; ``quiet`` when nothing tells that they are one."""
    kinds = [_mistake(condition, occurring) for condition in conditions]
    return next((kind for kind in kinds if kind != "quiet"), "quiet")


def _mistake(condition: Condition, occurring: Occurring) -> FindingKind:
    key = _key(condition)
    if key and not occurring.has(key) and not occurring.known(key):
        return "wrong_type" if occurring.elsewhere(key) else "misspelt_field"
    exact = condition.operator in ("=", "in") and not any(has_wildcard(value) for value in condition.values)
    if condition.negated or not exact or condition.values == ("",):
        return "quiet"
    occur = occurring.values(key)
    absent = [value for value in condition.values if value not in occur]
    if len(absent) < len(condition.values):
        return "quiet"
    if key == "environment":
        return "wrong_environment"
    if key in ONLY_VALUES:
        return "quiet" if any(value in ONLY_VALUES[key] for value in absent) else "wrong_value"
    return "wrong_value" if any(misspelt(value, occur) for value in absent) else "quiet"


def _about(condition: Condition, occurring: Occurring) -> str:
    key = _key(condition)
    if not key:
        return "no message or title has this text"
    if not occurring.has(key):
        return occurring.absent(key)
    return occurring.instead(key, condition.values)


def _key(condition: Condition) -> str:
    return condition.values[0] if condition.key == "has" else condition.key


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
