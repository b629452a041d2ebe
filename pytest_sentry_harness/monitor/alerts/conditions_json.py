"""Conditions in JSON, of both generations, to checks.

New generation: ``{"type": "event_frequency_count", "comparison": {…}}``. Old generation:
``{"id": "sentry.rules.conditions.event_frequency.EventFrequencyCondition", …}`` with its settings beside the id.
Both have the same settings under nearly the same names, so one reader per kind serves both.
Sentry API reference, "Create an Issue Alert Rule for a Project" and "Create an Alert for an Organization".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, cast

from ...errors import did_you_mean, nearest
from .attributes import is_attribute, names_of_attributes
from .checks import (
    AGES,
    CATEGORIES,
    COMPARED,
    INTERVALS,
    LEVELS,
    MATCHES,
    PER_SESSION,
    PER_TIME,
    PRIORITIES,
    AdoptedRelease,
    Age,
    Always,
    Assigned,
    Category,
    Check,
    Frequency,
    LatestRelease,
    Level,
    Match,
    Occurrences,
    Priority,
    State,
    StateName,
)
from .constant import constant
from .model import Condition, Point
from .node import Node, cut, kind_of

Place = Literal["trigger", "filter"]
_CONDITIONS = "sentry.rules.conditions."
_FILTERS = "sentry.rules.filters."
_TAG = re.compile(r"[a-zA-Z0-9_.:-]{1,200}")


class Numbering:
    """Numbers the points of a file in the order in which they are read."""

    def __init__(self) -> None:
        self.points: list[Point] = []

    def add(self, check: Check, where: str) -> Condition:
        """``check`` as the next condition."""
        always = constant(check)
        outcomes = (True, False) if always is None else (always,)
        text = cut(check.text)
        self.points.append(Point(where=where, text=text, outcomes=outcomes))
        return Condition(number=len(self.points) - 1, check=check, where=where, text=text)

    def take(self, where: str, text: str) -> int:
        """The number of a threshold."""
        self.points.append(Point(where=where, text=text))
        return len(self.points) - 1


def read_condition(node: Node, place: Place, numbering: Numbering) -> Condition:
    """A condition of the new generation. Raises ``RulesError``."""
    kind = node.text("type")
    known = _TRIGGERS if place == "trigger" else _BY_TYPE
    if kind is None:
        raise node.fail(None, "type is missing", f"allowed: {', '.join(known)}")
    if kind not in known:
        elsewhere = " (it is allowed among the filters)" if kind in _BY_TYPE else ""
        raise node.fail("type", f"unknown {place} condition {kind!r}{elsewhere}", _nearest_of(kind, known))
    check = _with_comparison(node, kind)
    node.done("id", "conditionResult", "conditionGroupId")
    return numbering.add(check, node.path)


def read_legacy_condition(node: Node, numbering: Numbering) -> Condition:
    """A condition or filter of the old generation. Raises ``RulesError``."""
    name = node.text("id")
    if name is None:
        raise node.fail(
            None, "id is missing", f"write one such as {_CONDITIONS}first_seen_event.FirstSeenEventCondition"
        )
    reader = _BY_ID.get(name)
    if reader is None:
        raise node.fail("id", f"unknown condition {name!r}", _nearest_of(name, _BY_ID))
    check = reader(node)
    node.done("name", "hasSchemaFormConfig", "label", "uuid", "disabled")
    return numbering.add(check, node.path)


def _with_comparison(node: Node, kind: str) -> Check:
    reader = _BY_TYPE[kind]
    if kind in _BARE:
        comparison = node.get("comparison")
        if comparison not in (True, None) and kind != "seer_activity_trigger":
            raise node.fail("comparison", f"comparison of {kind} must be true, got {kind_of(comparison)}")
        return reader(node)
    comparison = node.required("comparison")
    if kind == "issue_priority_greater_or_equal" and not isinstance(comparison, dict):
        return reader(Node(node.file, f"{node.path}.comparison", {"value": comparison}))
    if not isinstance(comparison, dict):
        raise node.fail("comparison", f"comparison must be an object, got {kind_of(comparison)}")
    inner = Node(node.file, f"{node.path}.comparison", comparison)
    check = reader(inner)
    inner.done()
    return check


def _state(name: StateName) -> Callable[[Node], Check]:
    return lambda _node: State(name)


def _age(node: Node) -> Check:
    older = node.choice("comparisonType", ("older", "newer")) == "older"
    value = node.required_number("value", whole=True)
    seconds = AGES[node.choice("time", AGES)]
    # Sentry turns a negative age round when it converts a rule to a workflow.
    return Age(older if value >= 0 else not older, abs(value) * seconds)


def _occurrences(node: Node) -> Check:
    return Occurrences(int(node.required_number("value", whole=True)))


def _assigned(node: Node) -> Check:
    target = node.choice("targetType", ("Unassigned", "Team", "Member"))
    identifier = node.text("targetIdentifier") or ""
    if target == "Unassigned":
        return Assigned()
    if not identifier:
        raise node.fail(None, "targetIdentifier is missing", f"give the id of the {target.lower()}")
    return Assigned(f"{target.lower()} {identifier}")


def _category(node: Node) -> Check:
    return Category(int(node.choice("value", CATEGORIES)), included=node.flag("include", default=True))


def _level(node: Node) -> Check:
    match = node.choice("match", ("eq", "gte", "lte"))
    return Level(cast("Literal['eq', 'gte', 'lte']", match), int(node.choice("level", LEVELS)))


def _attribute(node: Node) -> Match:
    name = str(node.required("attribute"))
    if not is_attribute(name.lower()):
        raise node.fail(
            "attribute", f"unknown attribute {name!r}", _nearest_of(name.lower(), names_of_attributes())
        )
    return Match("attribute", name.lower(), *_match(node))


def _tag(node: Node) -> Match:
    key = str(node.required("key"))
    if not _TAG.fullmatch(key):
        raise node.fail("key", f"{key!r} cannot be the key of a tag", "letters, digits, _ . : - are allowed")
    return Match("tag", key, *_match(node))


def _match(node: Node) -> tuple[str, str]:
    match = node.choice("match", MATCHES)
    if match in ("is", "ns"):
        node.get("value")
        return match, ""
    node.required("value")
    return match, node.text("value") or ""


def _nested(node: Node) -> tuple[Match, ...]:
    found = []
    for inner in node.nodes("filters"):
        if "id" in inner:
            reader = _NESTED.get(_BY_ID.get(str(inner.get("id"))))
            if reader is None:
                raise inner.fail("id", "only filters on tags and attributes can be nested", "take it out")
            check = reader(inner)
        else:
            check = _attribute(inner) if "attribute" in inner else _tag(inner)
        inner.done("name")
        found.append(check)
    return tuple(found)


def _frequency(
    measure: Literal["events", "users", "sessions"], compared: bool | None = None
) -> Callable[[Node], Check]:
    """A reader; ``compared`` None: the settings say whether it compares with the past (old generation)."""
    intervals: Iterable[str] = PER_SESSION if measure == "sessions" else PER_TIME

    def read(node: Node) -> Check:
        with_past = compared
        if with_past is None:
            with_past = node.choice("comparisonType", ("count", "percent"), "count") == "percent"
            if not with_past:
                node.get("comparisonInterval")  # forms send it along
        most = 100.0 if measure == "sessions" else None
        value = node.required_number("value", least=0, most=most, whole=measure != "sessions")
        interval = INTERVALS[node.choice("interval", intervals)]
        back = INTERVALS[node.choice("comparisonInterval", COMPARED)] if with_past else None
        return Frequency(measure, value, interval, back, _nested(node))

    return read


def _adopted(node: Node) -> Check:
    new = "releaseAgeType" in node
    oldest = node.choice("releaseAgeType" if new else "oldest_or_newest", ("oldest", "newest"))
    older = node.choice("ageComparison" if new else "older_or_newer", ("older", "newer"))
    environment = node.text("environment")
    if not environment:
        raise node.fail(None, "environment is missing", "adoption is counted per environment")
    return AdoptedRelease(oldest == "oldest", older == "older", environment)


def _priority(node: Node) -> Check:
    return Priority(int(node.choice("value", PRIORITIES)))


def _latest(_node: Node) -> Check:
    return LatestRelease()


def _every(_node: Node) -> Check:
    return Always()


def _deescalating(_node: Node) -> Check:
    return Priority(None)


_TRIGGERS: dict[str, Callable[[Node], Check]] = {
    "first_seen_event": _state("first_seen"),
    "issue_resolved_trigger": _state("resolved"),
    "reappeared_event": _state("reappeared"),
    "regression_event": _state("regression"),
    "seer_activity_trigger": _state("seer"),
    "every_event": _every,
    "new_high_priority_issue": _state("new_high"),
    "existing_high_priority_issue": _state("existing_high"),
}
_BY_TYPE: dict[str, Callable[[Node], Check]] = {
    **_TRIGGERS,
    "age_comparison": _age,
    "assigned_to": _assigned,
    "issue_category": _category,
    "issue_occurrences": _occurrences,
    "issue_priority_deescalating": _deescalating,
    "issue_priority_greater_or_equal": _priority,
    "event_frequency_count": _frequency("events", False),
    "event_frequency_percent": _frequency("events", True),
    "event_unique_user_frequency_count": _frequency("users", False),
    "event_unique_user_frequency_percent": _frequency("users", True),
    "percent_sessions_count": _frequency("sessions", False),
    "percent_sessions_percent": _frequency("sessions", True),
    "event_attribute": _attribute,
    "tagged_event": _tag,
    "latest_release": _latest,
    "latest_adopted_release": _adopted,
    "level": _level,
}
_NESTED: dict[object, Callable[[Node], Match]] = {_attribute: _attribute, _tag: _tag}
_BARE = {*_TRIGGERS, "issue_priority_deescalating", "latest_release"}
_BY_ID: dict[str, Callable[[Node], Check]] = {
    f"{_CONDITIONS}first_seen_event.FirstSeenEventCondition": _state("first_seen"),
    f"{_CONDITIONS}regression_event.RegressionEventCondition": _state("regression"),
    f"{_CONDITIONS}reappeared_event.ReappearedEventCondition": _state("reappeared"),
    f"{_CONDITIONS}every_event.EveryEventCondition": _every,
    f"{_CONDITIONS}new_high_priority_issue.NewHighPriorityIssueCondition": _state("new_high"),
    f"{_CONDITIONS}high_priority_issue.NewHighPriorityIssueCondition": _state("new_high"),
    f"{_CONDITIONS}existing_high_priority_issue.ExistingHighPriorityIssueCondition": _state("existing_high"),
    f"{_CONDITIONS}high_priority_issue.ExistingHighPriorityIssueCondition": _state("existing_high"),
    f"{_CONDITIONS}event_frequency.EventFrequencyCondition": _frequency("events"),
    f"{_CONDITIONS}event_frequency.EventUniqueUserFrequencyCondition": _frequency("users"),
    f"{_CONDITIONS}event_frequency.EventUniqueUserFrequencyConditionWithConditions": _frequency("users"),
    f"{_CONDITIONS}event_frequency.EventFrequencyPercentCondition": _frequency("sessions"),
    f"{_CONDITIONS}event_attribute.EventAttributeCondition": _attribute,
    f"{_CONDITIONS}tagged_event.TaggedEventCondition": _tag,
    f"{_CONDITIONS}level.LevelCondition": _level,
    f"{_FILTERS}age_comparison.AgeComparisonFilter": _age,
    f"{_FILTERS}issue_occurrences.IssueOccurrencesFilter": _occurrences,
    f"{_FILTERS}assigned_to.AssignedToFilter": _assigned,
    f"{_FILTERS}latest_release.LatestReleaseFilter": _latest,
    f"{_FILTERS}latest_adopted_release_filter.LatestAdoptedReleaseFilter": _adopted,
    f"{_FILTERS}issue_category.IssueCategoryFilter": _category,
    f"{_FILTERS}event_attribute.EventAttributeFilter": _attribute,
    f"{_FILTERS}tagged_event.TaggedEventFilter": _tag,
    f"{_FILTERS}level.LevelFilter": _level,
}


def _nearest_of(name: str, known: Iterable[str]) -> str:
    name, names = cut(name), list(known)
    return did_you_mean(name, names) if nearest(name, names) else f"allowed: {', '.join(names)}"
