"""What conditions look at: an event and its issue, or the issue of a detector, at one moment."""

from __future__ import annotations

from ...model.monitored import Data, Event, Issue, Seen
from .attributes import environment_of, level_of, release_of, tag_values, values_of

LEVELS_BY_NAME = {
    "fatal": 50,
    "critical": 50,
    "error": 40,
    "warning": 30,
    "info": 20,
    "log": 20,
    "debug": 10,
    "sample": 0,
}
ERROR, METRIC = 1, 11
"""Issue categories."""


class Look:
    """One decision's facts. Times are seconds since the epoch."""

    __slots__ = (
        "_attributes",
        "_tags",
        "category",
        "data",
        "environment",
        "event",
        "first_seen",
        "has_deescalated",
        "has_reappeared",
        "is_new",
        "is_regression",
        "is_resolved",
        "issue",
        "level",
        "now",
        "number",
        "priority",
        "project",
        "release",
        "times_seen",
    )

    def __init__(self, now: float, number: int, project: str, environment: str) -> None:
        self.now, self.number, self.project, self.environment = now, number, project, environment
        self._attributes: dict[str, list[str]] = {}
        self._tags: dict[str, list[str]] = {}
        self.category = ERROR
        self.data: Data = {}
        self.event: Event | None = None
        self.issue: Issue | None = None
        self.first_seen = now
        self.times_seen = 1
        self.level: int | None = None
        self.priority = 0
        """75 high, 50 medium, 25 low, 0 resolved."""
        self.release = ""
        self.is_new = self.is_regression = self.has_reappeared = False
        self.is_resolved = self.has_deescalated = False

    def attribute(self, name: str) -> list[str]:
        """Values of an attribute in lower case, read once however many rules ask."""
        found = self._attributes.get(name)
        if found is None:
            found = self._attributes[name] = values_of(self.data, name)
        return found

    def tag(self, key: str) -> list[str]:
        """Values of a tag, whose key is in lower case, in lower case; read once."""
        found = self._tags.get(key)
        if found is None:
            found = self._tags[key] = tag_values(self.data, key)
        return found

    @property
    def changed(self) -> bool:
        """Whether the issue has just come into another state."""
        return self.is_new or self.is_regression or self.has_reappeared


def look_at(seen: Seen) -> Look:
    """The facts of an event that was put to its issue."""
    event, issue = seen.event, seen.issue
    data = event.data
    look = Look(event.received_at, issue.number, event.project, environment_of(data))
    look.data, look.event, look.issue = data, event, issue
    look.first_seen, look.times_seen = issue.first_seen, issue.times_seen
    look.level = LEVELS_BY_NAME.get(level_of(data))
    look.priority = priority_of(look.level)
    look.release = release_of(data)
    look.is_new, look.is_regression, look.has_reappeared = (
        seen.is_new,
        seen.is_regression,
        seen.has_reappeared,
    )
    return look


def priority_of(level: int | None) -> int:
    """An approximation by level alone: Sentry also weighs what its own severity model says."""
    if level is None or level >= 40:
        return 75
    return 50 if level >= 30 else 25
