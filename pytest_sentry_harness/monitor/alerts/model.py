"""Alert rules as they are evaluated: one form for both generations of Sentry's JSON.

Sentry API reference, "Alerts" and "Monitors". A rule of ``/rules/`` is a workflow whose triggers are its
conditions and whose one action filter holds its filters; a rule of ``/alert-rules/`` is a detector that carries
its own actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .checks import Check

Logic = Literal["any", "any-short", "all", "none"]
Label = Literal["critical", "warning", "triggered"]
Comparator = Literal["gt", "gte", "lt", "lte", "eq", "ne"]
Action = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Something that can be true or false: a condition, a filter, a threshold. What coverage counts."""

    where: str
    """Key path, such as ``rules[2].conditions[0]``."""
    text: str
    """What it asks, for people."""
    outcomes: tuple[bool, ...] = (True, False)
    """Those it can have: "an event occurs" is never false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition or filter of a rule."""

    number: int
    """Its position among the points of the file, from 0."""
    check: Check
    where: str
    """Key path, such as ``rules[2].conditions[0]``."""
    text: str
    """What it asks, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Conditions and how many of them must be true; an empty group is true."""

    logic: Logic
    conditions: tuple[Condition, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFilter:
    """What is done when a group is true."""

    group: Group
    actions: tuple[Action, ...] = ()
    """Those that are active: Sentry skips others."""
    inactive: int = 0
    """How many are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRule:
    """Decides at each event of an issue: a workflow, or a rule of ``/rules/``."""

    name: str
    index: int
    """Position among the rules of its file, from 0."""
    where: str
    triggers: Group
    filters: tuple[ActionFilter, ...]
    frequency: float
    """Seconds in which the rule fires once at most for one issue."""
    environment: str | None = None
    enabled: bool = True
    off_why: str = ""
    """Why it is not enabled, such as ``snoozed``."""
    filters_first: bool = False
    """Of ``/rules/``: filters are asked before conditions."""
    id: str = ""
    detectors: tuple[str, ...] = ()
    """Ids of the detectors it names."""
    connected: bool = False
    """Whether it says which detectors it listens to: then it listens to no others, and to nothing where it names none."""
    errors: bool = True
    """Whether it is asked about events of errors. Of a workflow: that it listens to a detector of errors, or does not say."""
    projects: tuple[str, ...] = ()
    """Of a rule of ``/rules/`` slugs, of a workflow the ids of the projects of its detectors."""
    notes: tuple[str, ...] = ()
    """What is worth knowing and yet no defect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One level of a metric rule."""

    label: Label
    op: Comparator
    value: float
    actions: tuple[Action, ...] = ()
    where: str = ""
    number: int = 0
    """Its position among the points of the file, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRule:
    """Decides at intervals over a figure: a detector, or a rule of ``/alert-rules/``."""

    name: str
    index: int
    where: str
    aggregate: str
    dataset: str
    query: str
    window: float
    """Seconds."""
    thresholds: tuple[Threshold, ...]
    """Gravest first."""
    resolve: tuple[Threshold, ...] = ()
    """When it is well again (``label`` is not looked at). Of a rule of ``/alert-rules/``: nothing or one."""
    stateful: bool = False
    """A detector: its state follows its conditions. False: a rule of ``/alert-rules/`` with triggers of its own."""
    period: int = 1
    """Consecutive evaluations that must agree."""
    comparison: float | None = None
    """Seconds back: the figure is then current / previous x 100."""
    environment: str | None = None
    event_types: tuple[str, ...] = ()
    enabled: bool = True
    off_why: str = ""
    id: str = ""
    workflows: tuple[str, ...] = ()
    dynamic: bool = False
    """Anomaly detection, which nobody outside Sentry can evaluate."""
    unmeasured: str = ""
    """Why its figure is not measured here, such as one of logs; empty: it is."""
    projects: tuple[str, ...] = ()
    """Slugs; of a detector the id of its project."""
    notes: tuple[str, ...] = ()
    """What is worth knowing and yet no defect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetector:
    """A detector that measures nothing: of errors, of all issues of a project, or of checks that do not exist here.

    It decides nothing, and is no rule: it says whether workflows connected to it are asked about events.
    """

    id: str
    name: str
    where: str
    kind: str
    """Sentry's ``type``, such as ``error``."""
    enabled: bool = True
    workflows: tuple[str, ...] = ()
    project: str = ""

    @property
    def of_errors(self) -> bool:
        """Whether events of errors come from it."""
        return self.kind in ("error", "issue_stream")


Rule = IssueRule | MetricRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    """A rule that will never do what it promises, or part of one."""

    rule: str
    where: str
    what: str
    note: bool = False
    """Worth knowing, and no defect."""

    def __str__(self) -> str:
        return f"{self.where}: {self.rule!r} {self.what}"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """All rules of one file, in its order."""

    file: str
    rules: tuple[Rule, ...]
    points: tuple[Point, ...] = ()
    """Those of all rules, by number."""
    event_detectors: tuple[EventDetector, ...] = ()
    warnings: tuple[Warn, ...] = ()
