"""Which alerts people were told of, how late, and why not: what a run with ``[alerting]`` comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Missed(StrEnum):
    """Why an expected notification was never delivered. Each has a section in ``docs/runbooks/alerting.md``."""

    NOT_CAPTURED = "not_captured"
    NOT_SEEN_IN_TIME = "not_seen_in_time"
    RULE_DISABLED = "rule_disabled"
    ISSUE_ARCHIVED = "issue_archived"
    ISSUE_KNOWN_BEFORE = "issue_known_before"
    CONDITION_FALSE = "condition_false"
    FILTER_FALSE = "filter_false"
    THRESHOLD = "threshold"
    SPLIT = "split"
    FREQUENCY = "frequency"
    ALREADY_OPEN = "already_open"
    NOT_DECIDED_IN_TIME = "not_decided_in_time"
    TELLS_NOBODY = "tells_nobody"
    NO_ROUTE = "no_route"
    OTHER_CHANNEL = "other_channel"
    LESSER_STATUS = "lesser_status"
    MUTED = "muted"
    QUIET_HOURS = "quiet_hours"
    SUPPRESSED_AS_DUPLICATE = "suppressed_as_duplicate"
    THROTTLED = "throttled"
    RECEIVER_FAILED = "receiver_failed"
    NOT_DELIVERED_IN_TIME = "not_delivered_in_time"
    NO_RECEIPT = "no_receipt"
    UNEXPLAINED = "unexplained"

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]

    @property
    def runbook(self) -> str:
        """The section of the runbook that says what to do."""
        return f"docs/runbooks/alerting.md#{self.value}"


_WORDS = {
    Missed.NOT_CAPTURED: "no event of it arrived",
    Missed.NOT_SEEN_IN_TIME: "its event arrived, and was not put to an issue before the run ended",
    Missed.RULE_DISABLED: "the rule is switched off",
    Missed.ISSUE_ARCHIVED: "its issue is archived: rules do not look at it",
    Missed.ISSUE_KNOWN_BEFORE: "its issue was known before, so that it is not new",
    Missed.CONDITION_FALSE: "a condition of the rule was not met",
    Missed.FILTER_FALSE: "a filter of the rule kept it back",
    Missed.THRESHOLD: "the rule's threshold was not reached",
    Missed.SPLIT: "its events lie in several issues, and none of them reached the rule's threshold",
    Missed.FREQUENCY: "the rule had fired a short time before, and keeps quiet for so long",
    Missed.ALREADY_OPEN: "the rule was in alarm already, and tells of it once",
    Missed.NOT_DECIDED_IN_TIME: "the rule had not decided yet when the run ended",
    Missed.TELLS_NOBODY: "the rule has no action of its own that is in use: in Sentry it tells nobody",
    Missed.NO_ROUTE: "no route takes the alert",
    Missed.OTHER_CHANNEL: "others were told, and not the channel that has to be",
    Missed.LESSER_STATUS: "it was told of as less grave than it has to be",
    Missed.MUTED: "a suppression mutes it",
    Missed.QUIET_HOURS: "it fell into quiet hours",
    Missed.SUPPRESSED_AS_DUPLICATE: "it was taken for a duplicate of an earlier alert",
    Missed.THROTTLED: "too many went through the channel of late, and it was held back",
    Missed.RECEIVER_FAILED: "the receiver took none of the tries",
    Missed.NOT_DELIVERED_IN_TIME: "it was still on its way when the run ended",
    Missed.NO_RECEIPT: "the sender was told that it was taken, and the receiver has no receipt",
    Missed.UNEXPLAINED: "nothing says why",
}


class Late(StrEnum):
    """Which leg took the longest of an alert that was late."""

    CAPTURE = "late_capture"
    INGESTION = "late_ingestion"
    DECISION = "late_decision"
    SENDING = "late_sending"
    RECEIVING = "late_receiving"


class Extra(StrEnum):
    """Why a notification is one too many."""

    RETRIED_THOUGH_TAKEN = "retried_though_taken"
    REPEATED_BY_THE_RULE = "repeated_by_the_rule"
    EVENT_OF_NO_FAULT = "event_of_no_fault"
    RULE_NOT_EXPECTED = "rule_not_expected"
    BEFORE_ANY_INCIDENT = "before_any_incident"
    NOT_IN_FIGURE = "not_in_figure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    """The way of an alert from its fault to whoever is told, in seconds. They add up to its latency."""

    received: float
    """From the first fault of the incident to the arrival of its first event; 0 where the rule decides without events."""
    issue: float
    """To when that event was put to its issue."""
    rule: float
    """To the rule's decision; counting up to a threshold included, and alerts of it that nobody got."""
    sent: float
    """To the start of the try that was delivered; failed tries and pauses included."""
    delivered: float
    """To when the receiver had its last byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTold:
    """One expected notification: of one incident, by one rule, through one channel."""

    rule: str
    channel: str
    """Empty: the rule never decided, or no route took its alert."""
    fault: str
    """Names of the faults, of several when one decision of a metric rule stands for all of them."""
    incident: int
    """Which of that fault, from 1."""
    faults: int
    """That fired in it."""
    fired_at: float
    """When the first of them did: seconds since the epoch."""
    latency: float | None
    """Seconds to the delivery; None: it was missed."""
    legs: Legs | None
    late: bool
    reason: str = ""
    """Of one that was missed or late, a word of ``Missed`` or ``Late``."""
    because: str = ""
    where: str = ""
    """Key path in the file of rules of what said no."""
    alert_id: str = ""
    events: tuple[str, ...] = ()
    """Ids of those that say it, at most 5."""
    issues: tuple[int, ...] = ()
    """Numbers of their issues, at most 20."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraTold:
    """Notifications that nobody wanted: more of what was told before, or about what should not alert."""

    metric: str
    """``alerting.duplicate`` or ``alerting.false``."""
    rule: str
    channel: str
    fault: str
    """Empty: of no fault."""
    reason: str
    because: str
    count: int
    """That were received; 0: it reached nobody."""
    alert_id: str
    event_id: str
    issue: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTold:
    """One rule that was expected to alert, or did. Times are those of what was delivered, in seconds."""

    rule: str
    expected: int
    delivered: int
    missed: int
    late: int
    duplicate: int
    false: int
    p50: float | None
    max: float | None
    legs: Legs | None
    """The median of each leg; they need not add up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTold:
    """One channel, as its receiver saw it."""

    channel: str
    received: int
    refused: int
    """Tries that the receiver refused."""
    dead: int
    """Notifications that were given up."""
    signature_invalid: int
    p50: float | None
    max: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertingInfo:
    """Everything about alerting in a run."""

    config: str
    """By which configuration of Sentry events were grouped into issues."""
    within: float
    """Seconds after which an alert is late."""
    faults: int
    """That fired and should alert."""
    alerted: int
    """Of these: every notification of their incident was delivered, late ones included."""
    faults_missed: dict[str, int]
    """The others, by reason."""
    silent: int
    """Faults that fired and must not alert."""
    incidents: int
    """Of faults that should alert."""
    expected: int
    """Notifications: one for each incident, rule and channel."""
    delivered: int
    missed: int
    late: int
    received: int
    """Notifications that the receivers took."""
    duplicates: int
    false: int
    resolutions: int
    escalations: int
    """To whoever is told next, or because it became graver."""
    summaries: int
    lesser: int
    """Of expected ones that were missed all the same, because what is graver, or grave enough, was not delivered."""
    unknown: int
    """That name no alert which was raised."""
    dead: int
    """Notifications that were given up after their last try, of any kind."""
    refused: int
    p50: float | None
    """Of all expected notifications; None: nothing was expected, or it was never delivered."""
    p95: float | None
    p99: float | None
    max: float | None
    rules: tuple[RuleTold, ...]
    channels: tuple[ChannelTold, ...]
    table: tuple[AlertTold, ...]
    """Missed ones, then late ones, then the slowest: at most 50."""
    extra: tuple[ExtraTold, ...]
    """At most 50."""
    pending: tuple[str, ...] = ()
    """What was still under way when the monitor's patience ended, at most 50."""
    warnings: tuple[str, ...] = ()
    """Rules that will never do what they promise, at most 50."""
    delays: str = ""
    """How late the backend was simulated to be, as a scenario says it."""
    untimed: tuple[str, ...] = ()
    """Metric rules that alerted, or should have, and decided at once, which Sentry's do not; at most 50."""

    @property
    def notifications_close(self) -> bool:
        """Whether every notification that was received is accounted for."""
        wanted = self.delivered + self.resolutions + self.escalations + self.summaries + self.lesser
        return self.received == wanted + self.duplicates + self.false + self.unknown

    @property
    def faults_close(self) -> bool:
        """Whether every fault that should alert is accounted for."""
        return self.faults == self.alerted + sum(self.faults_missed.values())

    @property
    def expected_close(self) -> bool:
        """Whether every expected notification is accounted for."""
        return self.expected == self.delivered + self.missed
