"""What users decide about notifications: channels, routes, escalations, suppressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as data_field
from datetime import time
from zoneinfo import ZoneInfo

from ...model.notified import ChannelKind
from .match import Match

Part = str
"""A field of an alert that can tell duplicates apart: one of ``PARTS``."""
PARTS: tuple[Part, ...] = ("rule", "issue", "category", "severity", "environment", "project", "title")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Tries, and the pauses between them: exponential back-off with full jitter."""

    tries: int = 5
    first: float = 1.0
    """Seconds; the longest that the first pause can be. It doubles at each try."""
    longest: float = 60.0
    """Seconds that no pause exceeds, one that the receiver asks for included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """At most ``most`` notifications in any ``window`` seconds."""

    most: int
    window: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where notifications go. What is secret stays out of its text."""

    name: str
    kind: ChannelKind
    url: str = data_field(default="", repr=False)
    """Of ``webhook``, ``legacy_webhook``, ``slack``, ``pagerduty``, ``apprise``; may be a secret itself."""
    secret: str = data_field(default="", repr=False)
    """Client secret of ``webhook``, routing key of ``pagerduty``, password of ``email``."""
    secret_env: str = ""
    """Environment variable that holds the secret instead."""
    timeout: float = 5.0
    """Seconds for a whole try."""
    retry: Retry = Retry()
    throttle: Throttle | None = None
    host: str = ""
    port: int = 25
    sender: str = ""
    recipients: tuple[str, ...] = ()
    username: str = ""
    tls: str = "none"
    """Of ``email``: ``none``, ``starttls``, ``tls``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which alerts go to which channels. The first that matches takes the alert, unless it says ``continue``."""

    match: Match
    channels: tuple[str, ...]
    goes_on: bool = False
    """The routes after it are looked at, too: ``continue`` in the file."""
    deduplicate: float = 0.0
    """Seconds in which a second notification of the same key is a duplicate; 0: there are no duplicates."""
    by: tuple[Part, ...] = ("rule", "issue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Who is told when an incident was not acknowledged ``after`` seconds."""

    match: Match
    after: float
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From ``start`` to ``end`` by the clocks of ``zone``, over midnight when ``end`` is earlier."""

    start: time
    end: time
    zone: ZoneInfo
    days: frozenset[int] = frozenset(range(7))
    """Weekdays on which it begins; 0 is Monday."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Which alerts nobody is told of, and until when. It acts while all that it says is true."""

    name: str
    match: Match
    channels: tuple[str, ...] = ()
    """Only these are spared; empty: all."""
    since: float | None = None
    until: float | None = None
    """Seconds since the epoch."""
    until_count: int | None = None
    """It ends when it has suppressed so many alerts."""
    until_release: bool = False
    """It ends at the first alert of another release than the one it met first."""
    quiet: QuietHours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """A whole file."""

    channels: Mapping[str, Channel]
    routes: tuple[Route, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    url: str = "http://127.0.0.1"
    """Of the Sentry that links point to."""
    organization: str = "sentry"
