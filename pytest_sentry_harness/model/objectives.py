"""Service level objectives held against a run: as the load generator saw it, and as Sentry shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .analysis import PatternTold

State = Literal["met", "broken", "unknown"]
"""``unknown``: no request that counts is known."""


FEWEST_UNSEEN = 3
"""One connection that breaks, or two, says nothing of what Sentry shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnTold:
    """How one alert on the error budget did."""

    name: str
    severity: str
    burn: float
    """It fires above that in both windows."""
    long: float
    """Seconds, as ``short``."""
    short: float
    fired: tuple[tuple[float, float], ...]
    """From when to when, seconds since the begin; at most 20 times."""
    peak: float | None
    """The fastest burn over the long window; None without requests."""
    because: str
    """What was measured when it first fired, or at the peak."""
    never: bool
    """It cannot fire: when every request is bad the budget burns more slowly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One view of the objective: what the load generator saw, or what Sentry shows."""

    requests: int
    bad: int
    share: float | None
    """Of good requests; None without any."""
    low: float
    """95 % bounds of it (Wilson), as an estimate of the service."""
    high: float
    state: State
    budget: float | None
    """Share of the error budget that is left; negative when it is overspent."""
    burns: tuple[BurnTold, ...]
    """Empty where times are not known, as of sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Requests and what Sentry holds of them: all that count are ``alike``, or one of the others but ``other_requests``."""

    alike: int
    reported_good: int
    """Bad ones that Sentry counts as good, or not at all."""
    reported_bad: int
    """Good ones that Sentry counts as bad, or not at all."""
    not_reported_bad: int
    """Bad ones without a transaction, as ``not_reported_good``."""
    not_reported_good: int
    other_requests: int
    """Transactions that count in Sentry, and are of no request that counts."""
    chance: float | None
    """Of as many bad ones without a transaction, were these left out whatever became of them; None without any."""
    unseen_chance: float | None = None
    """Of as many bad ones that Sentry does not show as bad, were they like the good ones that left no transaction; None without any."""

    @property
    def unseen(self) -> int:
        """Bad requests that Sentry does not show as bad."""
        return self.reported_good + self.not_reported_bad


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveTold:
    """One objective."""

    name: str
    what: Literal["availability", "latency"]
    target: float
    threshold: float | None
    window: float
    on: tuple[str, ...]
    search: str
    by: Literal["transactions", "sessions"]
    known: Side | None
    """As the load generator saw it; None: it did not, or cannot tell which of its requests count."""
    seen: Side
    """As Sentry shows it."""
    joined: Joined | None
    """None where the two cannot be held against each other request by request."""
    off: float | None
    """Share of good requests in ``seen`` minus that in ``known``, without its sign; None: not compared."""
    off_low: float | None
    """95 % bounds, where Sentry has only a sample of the requests; else None, for it is exact."""
    off_high: float | None
    contradicted: bool
    """One is met, the other is broken or not known at all, and it is not the chance of sampling."""
    reason: str
    """Why they differ, in a word; empty when they do not."""
    bad_with_error: int
    """Bad requests in whose trace an error event arrived."""
    patterns: tuple[PatternTold, ...]
    """What stands out of the bad requests among all that count."""
    doubts: tuple[str, ...] = ()
    """What is odd about ``on`` and ``search``, a sentence each."""

    @property
    def unseen(self) -> int:
        """Bad requests that Sentry does not show as bad, when they are too many for chance and most of the bad ones; else 0."""
        joined = self.joined
        if joined is None or self.known is None or joined.unseen_chance is None:
            return 0
        telling = joined.unseen >= FEWEST_UNSEEN and joined.unseen_chance < 1e-3
        return joined.unseen if telling and 2 * joined.unseen > self.known.bad else 0

    @property
    def judged(self) -> Side:
        """The view by which the objective is met or broken: that of the load generator where there is one."""
        return self.seen if self.known is None else self.known


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectivesInfo:
    """All objectives of a run."""

    begin: float
    """Of the first request, seconds since the epoch."""
    seconds: float
    """To the end of the last one."""
    objectives: tuple[ObjectiveTold, ...]
    dropped: tuple[tuple[str, int], ...]
    """Transactions that the SDK counted as dropped, by reason, the most first."""
    no_trace: int
    """Transactions that are of no request of the load generator."""
