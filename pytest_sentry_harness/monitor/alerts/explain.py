"""Why a rule did not alert about an event: what it was asked, what said no, and what the event had instead.

Its conditions are the rule's own, asked again over the same events in the same order (``decide``); nothing is decided here, so
that rules are never quiet for their frequency: whether they were is known from what was raised. Costs one evaluation for each
event that is counted, and one of every condition for each event that is asked about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ...model.delays import Delays
from ...model.monitored import Data, Seen
from .checks import (
    LEVELS,
    AdoptedRelease,
    Age,
    Category,
    Check,
    Frequency,
    LatestRelease,
    Level,
    Match,
    Occurrences,
    Priority,
    State,
)
from .decide import CompiledGroup, CompiledRule
from .look import Look, look_at
from .model import IssueRule, Rules
from .releases import Releases
from .sessions import SessionBook, SessionItem
from .tallies import Tallies

Part = Literal["environment", "condition", "filter", "new", "count"]
_MOST_TEXT = 200
_MOST_VALUES = 3
_NEW = ("first_seen", "new_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One thing that kept a rule quiet at one event."""

    part: Part
    """``new``: it wants a new issue; ``count``: it counts, and it was not enough."""
    text: str
    """What is wanted, and what there was instead."""
    where: str
    """Key path in the file of rules."""
    value: float | None = None
    """Of ``count``: how many there were."""
    wanted: float | None = None
    """Of ``count``: more than that is needed. None: it compares with another time, so that no more events would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one rule says of one event."""

    rule: str
    event_id: str
    issue: int
    at: float
    """Of the event."""
    decided_at: float
    """When it is decided: later than ``at`` where decisions are put off."""
    archived: bool
    """The issue is archived or resolved: no rule looks at it."""
    refusals: tuple[Refusal, ...]
    """Without any, only the rule's frequency can have kept it quiet."""


class Inquiry:
    """Asks rules about some events of those that are seen.

    ``wanted``: for the name of each rule the ids of the events to ask it about. Times must not go back.
    """

    def __init__(
        self, rules: Rules, wanted: Mapping[str, Collection[str]], *, delays: Delays | None = None
    ) -> None:
        self._delays = delays or Delays()
        self._tallies, self._releases, self._sessions = Tallies("current"), Releases(), SessionBook()
        self._rules = [
            (CompiledRule(rule, self._tallies, self._releases, None), frozenset(wanted[rule.name]))
            for rule in rules.rules
            if isinstance(rule, IssueRule) and rule.name in wanted
        ]
        self._later: list[tuple[float, CompiledRule, Look, str]] = []
        self._asked: list[Asked] = []

    def see(self, seen: Seen) -> None:
        """An event was put to its issue."""
        look = look_at(seen)
        self._until(look.now)
        self._releases.seen(look.project, look.environment, look.release, look.now)
        self._tallies.see(look)
        for rule, wanted in self._rules:
            event_id = seen.event.event_id
            if event_id not in wanted:
                continue
            slow = any(group.is_slow for group in (rule.triggers, *rule.units))
            if slow and self._delays.defers:
                self._later.append((self._delays.slow_due(look.now), rule, look, event_id))
            else:
                self._ask(rule, look, event_id, look.now)

    def see_session(self, data: Data, *, at: float, project: str = "", item: SessionItem = "session") -> None:
        """A ``session`` or ``sessions`` item arrived at ``at``."""
        self._until(at)
        for counted in self._sessions.rows(data, item, at=at, project=project):
            if counted.began:
                self._tallies.see_sessions(project, counted.environment, at, counted.began)
                self._releases.session(project, counted.environment, counted.release, at, counted.began)

    def answers(self) -> list[Asked]:
        """What the rules said, in the order of the events; nothing more is seen."""
        self._until(float("inf"))
        return self._asked

    def _until(self, now: float) -> None:
        while self._later and self._later[0][0] < now:
            due, rule, look, event_id = self._later.pop(0)
            self._ask(rule, look, event_id, due)

    def _ask(self, rule: CompiledRule, look: Look, event_id: str, at: float) -> None:
        issue = look.issue
        self._asked.append(
            Asked(
                rule=rule.rule.name,
                event_id=event_id,
                issue=look.number,
                at=look.now,
                decided_at=at,
                archived=issue is not None and issue.state in ("resolved", "ignored"),
                refusals=tuple(_refusals(rule, look, at)),
            )
        )


def _refusals(compiled: CompiledRule, look: Look, at: float) -> Iterator[Refusal]:
    rule = compiled.rule
    if rule.environment is not None and rule.environment != look.environment:
        has = (
            f"the event is of {look.environment[:_MOST_TEXT]!r}" if look.environment else "the event has none"
        )
        yield Refusal(
            part="environment",
            text=f"it looks at environment {rule.environment!r} only, and {has}",
            where=f"{rule.where}.environment".lstrip("."),
        )
    yield from _of_group(compiled.triggers, rule.triggers.where, look, at, "condition")
    units = [
        list(_of_group(unit, written.group.where, look, at, "filter"))
        for unit, written in zip(compiled.units, rule.filters, strict=False)
    ]
    # The rule acts when one of them lets it.
    yield from min(units, key=len, default=[])


def _of_group(
    group: CompiledGroup, where: str, look: Look, at: float, part: Literal["condition", "filter"]
) -> Iterator[Refusal]:
    answers = list(group.answers(look, at))
    if group.logic == "all":
        for condition, holds, value in answers:
            if not holds:
                yield _refusal(condition.check, condition.text, condition.where, value, look, part)
    elif group.logic == "none":
        for condition, holds, _ in answers:
            if holds:
                yield Refusal(part=part, text=f"it must not be that {condition.text}", where=condition.where)
    elif answers and not any(holds for _, holds, _ in answers):
        each = [
            _refusal(condition.check, condition.text, condition.where, value, look, part)
            for condition, _, value in answers
        ]
        yield each[0] if len(each) == 1 else _none_of(each, where)


def _none_of(each: list[Refusal], where: str) -> Refusal:
    """Of several conditions one would have done: what would have been nearest names them all."""
    counting = [one for one in each if one.part == "count" and one.wanted]
    nearest = max(counting, key=lambda one: (one.value or 0.0) / (one.wanted or 1.0), default=None)
    new = next((one for one in each if one.part == "new"), None)
    chosen = nearest or new or each[0]
    return Refusal(
        part=chosen.part,
        text="none of these: " + "; ".join(one.text for one in each),
        where=where or chosen.where,
        value=chosen.value,
        wanted=chosen.wanted,
    )


def _refusal(
    check: Check,
    text: str,
    where: str,
    value: float | None,
    look: Look,
    part: Literal["condition", "filter"],
) -> Refusal:
    if isinstance(check, Frequency):
        shown = f"{value:g}" if value is not None else "nothing"
        unit = " %" if check.back is not None or check.measure == "sessions" else ""
        return Refusal(
            part="count",
            text=f"{text}: it was {shown}{unit}",
            where=where,
            value=value,
            wanted=check.value if check.back is None and check.measure != "sessions" else None,
        )
    if isinstance(check, State) and check.name in _NEW:
        return Refusal(part="new", text=f"{text}: it was there before", where=where)
    had = _had(check, look)
    return Refusal(part=part, text=f"{text}{f': {had}' if had else ''}", where=where)


def _had(check: Check, look: Look) -> str:
    """What there was instead, for people; empty where there is nothing to say."""
    match check:
        case Match(source="tag", key=key):
            return _values(f"tag {key}", look.tag(key.lower()))
        case Match(key=key):
            return _values(key, look.attribute(key))
        case Level():
            return f"the event's level is {LEVELS.get(look.level or 0, 'unknown') if look.level is not None else 'unknown'}"
        case Occurrences():
            return f"it has happened {look.times_seen} times"
        case Age():
            return f"it is {look.now - look.first_seen:.0f} s old"
        case LatestRelease() | AdoptedRelease():
            return (
                f"the event is of release {look.release[:_MOST_TEXT]!r}"
                if look.release
                else "it has no release"
            )
        case Priority():
            return f"its priority is {_PRIORITIES.get(look.priority, 'none')}"
        case Category():
            return "it is an error"
    return ""


def _values(name: str, values: list[str]) -> str:
    if not values:
        return f"the event has no {name}"
    shown = [repr(value[:_MOST_TEXT]) for value in values[:_MOST_VALUES]]
    more = f" and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else ""
    return f"the event has {', '.join(shown)}{more}"


_PRIORITIES = {75: "high", 50: "medium", 25: "low"}
