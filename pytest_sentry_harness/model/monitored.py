"""What the monitor is given and what it makes of it: events, issues, notifications that are due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Data = Mapping[str, Any]
"""The payload of an event as it arrived, from JSON. Untrusted: any field may be missing or of another type."""

IssueState = Literal["new", "ongoing", "regressed", "resolved", "ignored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One error event (not a transaction), as it arrived."""

    cursor: int
    """Its position in the store (``Arrival.cursor``): unique, ascending."""
    received_at: float
    """Seconds since the epoch, by the clock of the server (in ``rules test``: by the virtual clock)."""
    project: str
    event_id: str
    data: Data


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One thing that took part in a decision, for people: a frame, a value, a rule."""

    what: str
    """``frame``, ``type``, ``value``, ``message``, ``fingerprint``, ``rule``."""
    text: str
    contributes: bool
    why: str = ""
    """Why it does not contribute, or which rule made it so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """To which group an event belongs, and why."""

    hashes: tuple[str, ...]
    """32 hex digits each; the first that is known already decides."""
    variant: str
    """What decided: ``custom-fingerprint``, ``fingerprint-rule``, ``app``, ``system``, ``exception``, ``message``,
    ``checksum``, ``fallback``."""
    title: str
    culprit: str
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A group of events, at one moment."""

    number: int
    """From 1, in the order of first appearance."""
    project: str
    hash: str
    title: str
    culprit: str
    level: str
    state: IssueState
    first_seen: float
    last_seen: float
    times_seen: int
    first_release: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An event that was put to its issue: what the alert rules look at."""

    event: Event
    issue: Issue
    """As it is with this event counted."""
    grouping: Grouping
    is_new: bool = False
    """This event created the issue."""
    is_regression: bool = False
    """It was resolved before this event."""
    has_reappeared: bool = False
    """It was archived (ignored) before this event, and what it was archived until has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A notification that is due: a rule has decided, nothing is sent yet."""

    rule: str
    """Name of the rule."""
    rule_index: int
    """Position among the rules of its file, from 0."""
    kind: Literal["issue", "metric"]
    at: float
    """When it was decided: the evaluation's own time, delays included."""
    because: str
    """One sentence: what was compared with what."""
    actions: tuple[Mapping[str, Any], ...]
    """As in the rule's JSON."""
    status: Literal["triggered", "critical", "warning", "resolved"] = "triggered"
    issue: Issue | None = None
    event: Event | None = None
    value: float | None = None
    """What a metric rule measured."""
