"""What a file of rule tests holds, and what running it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ...model.delays import Delays
from ...model.monitored import Alert
from ..alerts.coverage import Coverage
from ..alerts.tallies import NoPrevious

Change = Literal["resolved", "ignored", "unresolved"]
ALIGNED = 1_767_225_600.0
"""Seconds since the epoch at which the virtual clock of each test starts: midnight, 1 January 2026, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSeries:
    """So many events of one issue at each step."""

    issue: str
    counts: tuple[float, ...]
    start: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)
    """Payload of each event, but for the user."""
    users: int = 0
    """Events come from so many users in turn; 0: from none."""
    spread: bool = False
    """Evenly over the step instead of all at its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSeries:
    """So many sessions at each step, by how they ended."""

    counts: Mapping[str, tuple[float, ...]]
    """By ``exited``, ``errored``, ``crashed``, ``abnormal``."""
    start: float = 0.0
    release: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionSeries:
    """So many transactions at each step, of so many milliseconds."""

    counts: tuple[float, ...]
    durations: tuple[float, ...]
    start: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)
    users: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """Somebody resolves, archives or reopens an issue."""

    at: float
    issue: str
    to: Change
    until_events: int = 0
    """An archived issue comes back with the event that follows so many more; 0: never by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A notification that must come."""

    at: float
    rule: str
    issue: str | None = None
    status: str | None = None
    times: int = 1
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test."""

    name: str
    where: str
    rules: tuple[str, ...]
    """Files, relative to that of the test; they are read as one, so that workflows know detectors of other files."""
    interval: float
    until: float
    delays: Delays
    no_previous: NoPrevious
    events: tuple[EventSeries, ...]
    sessions: tuple[SessionSeries, ...]
    transactions: tuple[TransactionSeries, ...]
    changes: tuple[StateChange, ...]
    expected: tuple[Expected, ...]

    @property
    def rule_set(self) -> str:
        """The name of its files together."""
        return " + ".join(self.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A file of tests."""

    file: str
    cases: tuple[Case, ...]

    @property
    def rule_sets(self) -> dict[str, tuple[str, ...]]:
        """The files of rules that its tests name, each combination once, by its name."""
        return {case.rule_set: case.rules for case in self.cases}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one test gave."""

    case: Case
    problems: tuple[str, ...]
    alerts: tuple[Alert, ...]
    """All notifications, in the order of time; their ``at`` is that of the virtual clock."""

    @property
    def passed(self) -> bool:
        """Whether exactly what was expected came."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What all tests of a file gave."""

    file: str
    results: tuple[Result, ...]
    coverage: Mapping[str, Coverage]
    """By the files of rules, as ``Case.rule_set`` names them."""

    @property
    def failed(self) -> tuple[Result, ...]:
        """The tests that did not pass."""
        return tuple(result for result in self.results if not result.passed)
