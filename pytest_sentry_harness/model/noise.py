"""Which issues the events of faults were grouped into, and how far that is from one issue for each root cause."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTold:
    """One issue that holds events of faults."""

    number: int
    """From 1, in the order of first appearance."""
    title: str
    culprit: str
    variant: str
    """What its first event was grouped by: ``app``, ``system``, ``exception``, ``message``, ``custom-fingerprint``, ..."""
    events: int
    """Those of faults."""
    causes: tuple[tuple[str, int], ...]
    """Root causes and their events in it, the most first."""
    split: tuple[str, ...]
    """Those of its root causes that have events in other issues, too."""
    because: tuple[str, ...]
    """Where it is wrong: what its root causes have in common, and what differs from the other issues of one."""
    example: str
    """Id of its first event."""
    foreign: int = 0
    """Error events of no fault that are in it, too."""

    @property
    def merged(self) -> bool:
        """It holds several root causes."""
        return len(self.causes) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseTold:
    """One root cause: the faults of one name."""

    name: str
    events: int
    requests: int
    """In which they arose; a fault that no request met counts by itself."""
    issues: int
    shared: int = 0
    """Events that are in no figure, for they are of other root causes just as well."""
    shared_with: tuple[str, ...] = ()
    """Those other root causes, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """An error of no fault that a fingerprint put into an issue of faults, though it is another by type or stack trace."""

    issue: int
    causes: tuple[str, ...]
    count: int
    """Its events in that issue, and those of other such errors."""
    title: str
    """Of the first of them."""
    because: tuple[str, ...]
    """What the issue's events have in common: the fingerprint."""
    example: str
    """Id of the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misgrouped:
    """What went wrong once: causes that share an issue, or issues that share a cause."""

    causes: tuple[str, ...]
    issues: tuple[int, ...]
    """At most 20 of them."""
    count: int
    """How many issues, for a split; how many causes, for a merge."""
    reason: str
    because: tuple[str, ...]
    example: str
    """Id of an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misclassified:
    """Events of one root cause with another category or severity than expected."""

    cause: str
    what: str
    """``category`` or ``severity``."""
    expected: str
    found: str
    count: int
    because: str
    """Why the first of them was classified so."""
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseInfo:
    """Everything about noise in a run."""

    config: str
    """By which configuration of Sentry events were grouped, and with how many rules of the project."""
    events: int
    """Error events of faults."""
    by_trace: int
    """Of these: those that are of a fault because they are of its request, such as a message that was logged."""
    unlabelled: int
    """Error events that are of no fault, or of faults of several names. They are in no figure here."""
    issues: int
    """That hold events of faults."""
    causes: tuple[CauseTold, ...]
    table: tuple[IssueTold, ...]
    """The worst first, at most 50."""
    merged: tuple[Misgrouped, ...]
    """Issues with several root causes, the worst first, at most 50."""
    split: tuple[Misgrouped, ...]
    """Root causes in several issues, the worst first, at most 50."""
    merged_causes: int
    split_causes: int
    together: int
    """Pairs of events with one root cause, in one issue."""
    pairs_of_issues: int
    pairs_of_causes: int
    duplicates: int
    with_category: int
    """Events of root causes whose category is expected."""
    with_severity: int
    misclassified: tuple[Misclassified, ...]
    foreign: tuple[Foreign, ...] = ()
    """Issues in which an error of no fault hides, the worst first, at most 50."""
    foreign_issues: int = 0
    unread: int = 0
    """Events that could not be read."""
    notifications: int | None = None
    """That people received; None without ``[alerting]``."""

    @property
    def notified(self) -> float | None:
        """Notifications for each event of a fault; None without events, or without ``[alerting]``."""
        return self.notifications / self.events if self.notifications is not None and self.events else None

    @property
    def enough(self) -> int:
        """Root causes with two events or more."""
        return sum(cause.events > 1 for cause in self.causes)

    @property
    def reduction(self) -> float | None:
        """How many fewer issues than events; None without events."""
        # Not 1 - issues / events: this is the nearest float to the true share, as a gate's threshold is.
        return (self.events - self.issues) / self.events if self.events else None

    @property
    def precision(self) -> float | None:
        """Pairwise; None when no two events are in one issue."""
        return self.together / self.pairs_of_issues if self.pairs_of_issues else None

    @property
    def recall(self) -> float | None:
        """Pairwise; None when no two events have one root cause."""
        return self.together / self.pairs_of_causes if self.pairs_of_causes else None

    def wrong(self, what: str) -> int:
        """Events whose ``category``, or ``severity``, is another than expected."""
        return sum(each.count for each in self.misclassified if each.what == what)
