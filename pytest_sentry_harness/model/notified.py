"""What becomes of an alert: what a notification says, the audit trail of its deliveries, and what a receiver took.

The audit trail is append-only, and nothing else is state: whoever reads it knows what is pending. ``at`` is in seconds
since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from .classified import Category, Severity

ChannelKind = Literal["webhook", "legacy_webhook", "slack", "email", "pagerduty", "apprise"]
CHANNEL_KINDS: tuple[ChannelKind, ...] = (
    "webhook",
    "legacy_webhook",
    "slack",
    "email",
    "pagerduty",
    "apprise",
)

Status = Literal["triggered", "critical", "warning", "resolved"]
Lifecycle = Literal["triggered", "acknowledged", "resolved"]
Action = Literal["trigger", "acknowledge", "resolve"]
Reason = Literal["no-route", "no-action", "muted", "quiet-hours", "duplicate"]
REASONS: tuple[Reason, ...] = ("no-route", "no-action", "muted", "quiet-hours", "duplicate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a notification says: an alert without its machinery, bounded in size."""

    rule: str
    rule_index: int
    kind: Literal["issue", "metric", "summary"]
    """``summary``: stands for notifications that a throttle held back."""
    status: Status
    at: float
    """When the rule decided."""
    because: str
    severity: Severity
    category: Category
    title: str
    culprit: str = ""
    level: str = ""
    project: str = ""
    environment: str = ""
    release: str = ""
    issue: int | None = None
    issue_hash: str = ""
    issue_state: str = ""
    first_seen: float | None = None
    last_seen: float | None = None
    times_seen: int = 0
    event_id: str = ""
    event: Mapping[str, Any] = field(default_factory=dict)
    """The payload as it arrived, shortened to what a notification may carry."""
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notification that is due now: what a sender is given."""

    delivery_id: str
    """The same at each try: a receiver knows a repetition by it. Letters, digits, ``.``, ``_`` and ``-`` only."""
    alert_id: str
    """32 hex digits."""
    channel: str
    incident: str
    """What is open until it is resolved: PagerDuty's ``dedup_key``."""
    action: Action
    attempt: int
    """From 1."""
    step: int
    """0: by a route; from 1: by an escalation."""
    url: str
    """Where people look at it; holds the alert's id as ``notification_uuid``, as the links of Sentry's notifications do."""
    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one try ended, as the sender saw it."""

    delivered: bool
    status: int | None = None
    """HTTP status or SMTP reply code; None: there was no answer."""
    error: str = ""
    """Without secrets, bounded. Empty when it was delivered."""
    seconds: float = 0.0
    retry: bool = True
    """Whether another try may do better."""
    retry_after: float | None = None
    """Seconds the receiver asked to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Base of the records of the audit trail."""

    KIND: ClassVar[str] = ""
    at: float
    alert_id: str
    channel: str = ""
    """Empty: of no channel in particular."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised(Noted):
    """An alert came in."""

    KIND: ClassVar[str] = "raised"
    incident: str
    opens: bool
    """Its incident was not open before."""
    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued(Noted):
    """A notification shall be sent."""

    KIND: ClassVar[str] = "queued"
    delivery_id: str
    incident: str
    action: Action = "trigger"
    step: int = 0
    key: str = ""
    """Notifications of one key are duplicates; empty: this one has none."""
    window: float = 0.0
    """For how many seconds they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed(Noted):
    """A notification that is not wanted, by what the user said."""

    KIND: ClassVar[str] = "suppressed"
    reason: Reason
    step: int = 0
    by: str = ""
    """Name of the suppression."""
    release: str = ""
    """Of the alert: what ``until_release`` compares with."""
    counts: bool = False
    """``until_count`` goes down: one alert counts once, however many channels it would have gone to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted(Noted):
    """A suppression ended, because what it lasted until has come: it never acts again."""

    KIND: ClassVar[str] = "lifted"
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(Noted):
    """A notification that was held back: too many went through the channel of late."""

    KIND: ClassVar[str] = "throttled"
    step: int = 0
    rule: str = ""
    severity: Severity = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarised(Noted):
    """Notifications that were held back are told of in one, which has this ``alert_id`` and is no alert itself."""

    KIND: ClassVar[str] = "summarised"
    held: int
    incident: str
    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted(Noted):
    """A sender tried, and failed or succeeded."""

    KIND: ClassVar[str] = "attempted"
    delivery_id: str
    attempt: int
    status: int | None
    error: str
    seconds: float
    next_at: float | None = None
    """When it is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered(Noted):
    """The receiver took it."""

    KIND: ClassVar[str] = "delivered"
    delivery_id: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead(Noted):
    """The last try failed: nobody was told. The dead letter."""

    KIND: ClassVar[str] = "dead"
    delivery_id: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(Noted):
    """Somebody takes care of the incident: it is not escalated any more."""

    KIND: ClassVar[str] = "acknowledged"
    incident: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved(Noted):
    """The incident is over."""

    KIND: ClassVar[str] = "resolved"
    incident: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated(Noted):
    """Nobody acknowledged the incident in time: the next is told."""

    KIND: ClassVar[str] = "escalated"
    incident: str
    step: int
    """Position of the escalation, from 1."""


NOTED_TYPES: tuple[type[Noted], ...] = (
    Raised,
    Queued,
    Suppressed,
    Lifted,
    Throttled,
    Summarised,
    Attempted,
    Delivered,
    Dead,
    Acknowledged,
    Resolved,
    Escalated,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One notification as a receiver took it: the end of the measurement."""

    at: float
    """Wall time when its last byte was there."""
    mono: float
    """The same on the machine's monotonic clock."""
    receiver: str
    protocol: Literal["http", "smtp"]
    path: str
    """Of the request; the recipients of a message."""
    delivery_id: str
    """From ``Request-ID`` or ``Message-ID``; empty when there was none."""
    alert_id: str
    """From the ``notification_uuid`` in the body or, when there is none, from ``delivery_id``."""
    in_header: bool
    """A header names the alert."""
    in_body: bool
    """The body names it."""
    signature: Literal["valid", "invalid", "absent", "unchecked"]
    """``unchecked``: the receiver has no secret."""
    resource: str
    """``Sentry-Hook-Resource``, PagerDuty's ``event_action``, or nothing."""
    status: int
    """What it is answered; 0: nothing. It was taken, and the connection just hangs."""
    size: int
    """Bytes of the body."""
    title: str
    """Subject, summary or title, bounded: for people."""
