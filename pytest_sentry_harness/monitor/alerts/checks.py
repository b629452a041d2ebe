"""What a single condition or filter asks. Sentry API reference, "Create an Alert for an Organization"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

INTERVALS = {
    "1m": 60.0,
    "5m": 300.0,
    "10m": 600.0,
    "15m": 900.0,
    "30m": 1800.0,
    "1h": 3600.0,
    "1d": 86400.0,
    "1w": 604800.0,
    "30d": 2592000.0,
}
"""Seconds by Sentry's names of intervals."""
PER_TIME = ("1m", "5m", "15m", "1h", "1d", "1w", "30d")
PER_SESSION = ("1m", "5m", "10m", "30m", "1h")
COMPARED = ("5m", "15m", "1h", "1d", "1w", "30d")
AGES = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}
LEVELS = {50: "fatal", 40: "error", 30: "warning", 20: "info", 10: "debug", 0: "sample"}
PRIORITIES = {75: "high", 50: "medium", 25: "low"}
CATEGORIES = {
    1: "error",
    2: "performance",
    3: "profile",
    4: "cron",
    5: "replay",
    6: "feedback",
    7: "uptime",
    8: "metric alert",
    10: "outage",
    11: "metric",
    12: "database query",
    13: "HTTP client",
    14: "front end",
    15: "mobile",
}

StateName = Literal["first_seen", "regression", "reappeared", "resolved", "seer", "new_high", "existing_high"]
STATE_TEXTS: dict[StateName, str] = {
    "first_seen": "a new issue is created",
    "regression": "the issue changes from resolved to unresolved",
    "reappeared": "the issue changes from archived to unresolved",
    "resolved": "the issue is resolved",
    "seer": "Seer was active on the issue",
    "new_high": "Sentry marks a new issue as high priority",
    "existing_high": "Sentry marks an existing issue as high priority",
}


@dataclass(frozen=True, slots=True)
class Always:
    """Every event."""

    @property
    def text(self) -> str:
        """For people."""
        return "an event occurs"


@dataclass(frozen=True, slots=True)
class State:
    """The state of the issue has just become this."""

    name: StateName

    @property
    def text(self) -> str:
        """For people."""
        return STATE_TEXTS[self.name]


@dataclass(frozen=True, slots=True)
class Age:
    """The issue is older or newer than ``seconds``."""

    older: bool
    seconds: float

    @property
    def text(self) -> str:
        """For people."""
        return f"the issue is {'older' if self.older else 'newer'} than {span(self.seconds)}"


@dataclass(frozen=True, slots=True)
class Occurrences:
    """The issue was seen at least so often."""

    value: int

    @property
    def text(self) -> str:
        """For people."""
        return f"the issue has happened at least {self.value} times"


@dataclass(frozen=True, slots=True)
class Match:
    """An attribute or a tag of the event compared with a text. Lower case decides."""

    source: Literal["attribute", "tag"]
    key: str
    match: str
    value: str = ""

    @property
    def text(self) -> str:
        """For people."""
        wanted = f" {self.value!r}" if self.match not in ("is", "ns") else ""
        return f"{self.source} {self.key} {MATCHES[self.match]}{wanted}"


@dataclass(frozen=True, slots=True)
class Level:
    """The level of the event, 0 to 50."""

    match: Literal["eq", "gte", "lte"]
    level: int

    @property
    def text(self) -> str:
        """For people."""
        return f"the event's level {MATCHES[self.match]} {LEVELS[self.level]}"


@dataclass(frozen=True, slots=True)
class LatestRelease:
    """The event is from the latest release."""

    @property
    def text(self) -> str:
        """For people."""
        return "the event is from the latest release"


@dataclass(frozen=True, slots=True)
class AdoptedRelease:
    """The issue's oldest or newest release is older or newer than the latest adopted one of an environment."""

    oldest: bool
    older: bool
    environment: str

    @property
    def text(self) -> str:
        """For people."""
        first = "oldest" if self.oldest else "newest"
        second = "older" if self.older else "newer"
        return f"the {first} release of the issue is {second} than the latest adopted in {self.environment}"


@dataclass(frozen=True, slots=True)
class Category:
    """The issue is of this category, or (not ``included``) of any other."""

    value: int
    included: bool = True

    @property
    def text(self) -> str:
        """For people."""
        return f"the issue's category is {'' if self.included else 'not '}{CATEGORIES[self.value]}"


@dataclass(frozen=True, slots=True)
class Priority:
    """The issue's priority is at least this; None: it has gone down."""

    least: int | None

    @property
    def text(self) -> str:
        """For people."""
        if self.least is None:
            return "the issue's priority de-escalates"
        return f"the issue's priority is at least {PRIORITIES[self.least]}"


@dataclass(frozen=True, slots=True)
class Assigned:
    """The issue is assigned to somebody, or (empty) to nobody."""

    to: str = ""

    @property
    def text(self) -> str:
        """For people."""
        return f"the issue is assigned to {self.to or 'nobody'}"


@dataclass(frozen=True, slots=True)
class Frequency:
    """More than ``value`` in the window (now - interval, now]: strictly. The only conditions that are slow.

    ``back`` None: a number (of ``sessions``: the percentage of sessions). Else: by how many per cent it is more
    than in the same window so many seconds back.
    """

    measure: Literal["events", "users", "sessions"]
    value: float
    interval: float
    back: float | None = None
    filters: tuple[Match, ...] = ()

    @property
    def text(self) -> str:
        """For people."""
        whom = {"events": "times", "users": "users", "sessions": "per cent of sessions"}[self.measure]
        within = span(self.interval)
        of = "".join(f", {match.text}" for match in self.filters)
        if self.back is None:
            return f"the issue has more than {self.value:g} {whom} in {within}{of}"
        return f"{whom} in {within} are more than {self.value:g} % higher than {span(self.back)} ago{of}"


Check = (
    Always
    | State
    | Age
    | Occurrences
    | Match
    | Level
    | LatestRelease
    | AdoptedRelease
    | Category
    | Priority
    | Assigned
    | Frequency
)

MATCHES = {
    "eq": "equals",
    "ne": "does not equal",
    "sw": "starts with",
    "nsw": "does not start with",
    "ew": "ends with",
    "new": "does not end with",
    "co": "contains",
    "nc": "does not contain",
    "is": "is set",
    "ns": "is not set",
    "in": "is in",
    "nin": "is not in",
    "gt": "is greater than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
}
"""Sentry's match operators."""


def span(seconds: float) -> str:
    """``3600`` as ``1h``: the largest unit that fits evenly."""
    for unit, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"
