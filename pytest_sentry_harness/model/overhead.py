"""What Sentry costs: how it is asked in a scenario, and what each launch measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .scenario import LinkRule

WITHOUT = "without"
"""The arm without Sentry, to which every other one is compared."""
WITH = "with"
"""The target as the scenario describes it: the arm that is judged."""
_REPORTS = "internal"
"""The category of client reports themselves: what they tell is lost with them, and nothing else."""
_SEEN_BY_THE_SDK = ("network_error", "send_error")
"""Reasons for which the SDK drops what was refused with a 4xx or 5xx, beside what it could not send at all; not with 429, which
it leaves to the server to count (Sentry developer docs, Client Reports)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverheadArm:
    """One way to start the target: what differs from ``[target]``."""

    name: str
    env: dict[str, str] = field(default_factory=dict)
    command: str | None = None
    link: tuple[LinkRule, ...] = ()
    """How the embedded server treats this arm."""
    init: bool = True
    """False: the agent makes ``sentry_sdk.init`` do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverheadRequest:
    """One kind of request whose cost is measured by itself."""

    name: str
    method: str
    path: str
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raises: bool = False
    """It fails on purpose: its answer is 5xx, and Sentry is to receive an error for it."""
    judged: bool = True
    """False: it is measured and shown, and no gate looks at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverheadPrepare:
    """A request sent once to each arm of a launch, before everything else: a login, say."""

    method: str
    path: str
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    keep: dict[str, str] = field(default_factory=dict)
    """Name to the field of the JSON answer it stands for; headers of later requests may say ``{name}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverheadOption:
    """One option of the SDK's set-up, toggled by itself in an arm of its own."""

    name: str
    env: dict[str, str] = field(default_factory=dict)
    command: str | None = None
    advice: str = ""
    """What the figure is for: what to do, and what is given up by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """What Sentry may cost: the same target with and without it, side by side, in several launches."""

    without: OverheadArm
    arms: tuple[OverheadArm, ...] = ()
    """Further ones, measured and shown beside it, and not judged."""
    requests: tuple[OverheadRequest, ...]
    prepare: tuple[OverheadPrepare, ...] = ()
    pairs: int = 14
    """Launches at most; it ends earlier, when every gate is clear."""
    block: int = 4
    """Requests an arm is sent in a row."""
    warm_up: int = 300
    """Requests to each arm of a launch before measuring, all kinds together."""
    options: tuple[OverheadOption, ...] = ()
    """What ``sentry-harness cost`` toggles."""
    count: Literal["", "instructions"] = ""
    """``instructions``: count them instead of measuring time."""
    measure: float = 1.5
    """Seconds of measuring for each kind of request in a launch, all arms together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSample:
    """What one kind of request cost one arm in one launch. Times in seconds."""

    kind: str
    requests: int
    failed: int = 0
    """Answered otherwise than they should be."""
    cpu: float
    """CPU time of all threads and children, while the requests were served and until the SDK had sent what they left it, for one request."""
    mean: float
    """Mean time to an answer."""
    p50: float
    p99: float | None = None
    """None with fewer than 100 requests."""
    instructions: float | None = None
    """Executed for one request; only where instructions were counted, and then the times are 0: they would mean nothing."""
    judged: bool = True
    """Whether gates look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSample:
    """One arm of one launch."""

    arm: str
    kinds: tuple[KindSample, ...]
    memory: int = 0
    """Bytes held after measuring, children included."""
    growth: int = 0
    """By how many bytes that is more than after warming up."""
    raised: int = 0
    """Requests that raised on purpose and were answered so, warming up included."""
    errors: int = 0
    """Of those, how many arrived as an error event."""
    items: dict[str, int] = field(default_factory=dict)
    """Envelope items that were accepted, by type."""
    refused: dict[str, int] = field(default_factory=dict)
    """Items that came and were not taken, by status and category (``500/transaction``); ``invalid`` for a status: the request
    was accepted, and this item of it could not be read."""
    discarded: dict[str, int] = field(default_factory=dict)
    """Items the SDK says it dropped, by reason and category (``queue_overflow/error``), sampling left out."""
    processes: int = 1
    reported: int = 0
    """Processes whose SDK could be flushed: in which the agent is."""
    active: int = 0
    """Of those, in which the SDK has somewhere to send to."""
    initialised: int = 0
    """Of those, in which there is a client: without a DSN, too, it works for every request."""
    cut_off: tuple[str, ...] = ()
    """Hosts its SDK wanted to send to, and was not let."""

    @property
    def sent(self) -> int:
        """Envelope items that arrived and were accepted."""
        return sum(self.items.values())

    @property
    def turned_away(self) -> int:
        """Envelope items that arrived and were not taken."""
        return sum(self._refused().values())

    @property
    def lost(self) -> int:
        """Items that were dropped, refused or never arrived: at least so many, since each is counted once.

        The SDK also reports as dropped what was refused, and when it has found a way to report it cannot be told which of
        them these were: of a category, the larger one of both numbers counts.
        """
        lost = self._reported() + self._refused()
        lost -= self._told_twice()
        if self.raised and self.errors == self.raised:
            # One exception reported twice, by the framework's integration and by the server's log, say: the SDK drops the
            # second one, and every error has arrived.
            lost["error"] -= self.discarded.get("event_processor/error", 0)
        return sum(lost.values()) + max(self.raised - self.errors - lost["error"], 0)

    def _reported(self, reasons: tuple[str, ...] = ()) -> Counter[str]:
        """Items the SDK says it dropped for one of ``reasons`` (any), by category; sizes in bytes are no items."""
        found: Counter[str] = Counter()
        for name, count in self.discarded.items():
            reason, _, category = name.rpartition("/")
            if category != _REPORTS and not category.endswith("_byte") and (not reasons or reason in reasons):
                found[category] += count
        return found

    def _refused(self, but: str = "") -> Counter[str]:
        """Items that were not taken, by category, those of status ``but`` and the invalid ones left out if it is given."""
        found: Counter[str] = Counter()
        for name, count in self.refused.items():
            status, _, category = name.partition("/")
            if category != _REPORTS and not (but and status in (but, "invalid")):
                found[category] += count
        return found

    def _told_twice(self) -> Counter[str]:
        """Items that were refused and are reported as dropped, too, by category."""
        return self._refused(but="429") & self._reported(_SEEN_BY_THE_SDK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """All arms, started together and measured side by side."""

    number: int
    seconds: float
    arms: tuple[ArmSample, ...]
    doubts: tuple[str, ...] = ()
    """Why its numbers may be less than they seem."""

    def arm(self, name: str) -> ArmSample:
        """The arm called ``name``. Raises ``KeyError``."""
        for arm in self.arms:
            if arm.arm == name:
                return arm
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverheadEvidence:
    """What a run measured, written to ``overhead.json`` in its folder."""

    launches: tuple[Launch, ...]
    clock: str = ""
    """How CPU time was read."""
    counter: str = ""
    """What counted instructions; empty: time was measured."""
    memory: str = ""
    """Which memory was read: ``uss`` or ``rss``."""
    pinning: str = ""
    """Which cores arms and generator ran on; empty: wherever the system put them."""
    stopped: str = ""
    """Why there were no more launches."""
    verified: bool = True
    """False: the arms may send what they like; the measuring itself is being calibrated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One arm against the one without Sentry, for one kind of request and one metric."""

    arm: str
    kind: str
    """Empty: for the process as a whole."""
    metric: str
    value: float
    low: float | None
    high: float | None
    unit: str
    launches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the requests cost without Sentry: means over the launches, times in seconds."""

    kind: str
    cpu: float
    p50: float
    instructions: float | None = None
    requests: int
    """Measured in each arm, all launches together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAccount:
    """What one arm sent and lost, all launches together."""

    arm: str
    items: dict[str, int]
    raised: int
    errors: int
    discarded: dict[str, int]
    lost: int
    refused: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverheadInfo:
    """The costs of all kinds and arms, as reported."""

    launches: int
    clock: str
    memory: str
    pinning: str
    stopped: str
    baseline: tuple[Baseline, ...]
    costs: tuple[Cost, ...]
    accounts: tuple[ArmAccount, ...]
