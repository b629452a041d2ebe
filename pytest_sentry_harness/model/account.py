"""What became of every fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .ledger import Place


class State(StrEnum):
    """The states of a fault. Every injected fault ends in exactly one of them."""

    CAPTURED = "captured"
    LATE = "late"
    DUPLICATE = "duplicate"
    """Captured, and more than once."""
    MERGED = "merged"
    """One event stands for several faults; this is not the first of them."""
    EXPLAINED = "explained"
    """Lost, and the evidence says where and why."""
    UNEXPLAINED_LOSS = "unexplained_loss"
    NOT_REACHED = "not_reached"
    """It never fired: the request did not come to the fault point."""
    UNSUPPORTED_BY_BACKEND = "unsupported_by_backend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one fault."""

    fault_id: str
    fault: str
    state: State
    reason: str = ""
    source: str = ""
    """Who knows the reason: ``sdk`` (watched in the target), ``target`` (traceback), ``server``, ``client_report``, ``plan``."""
    place: Place | None = None
    culprit: str = ""
    could_be: tuple[str, ...] = ()
    """What the evidence cannot tell apart, in words: it was one of these. Empty when the cause is known."""
    event_id: str | None = None
    trace_id: str | None = None
    expected: bool = True
    """Whether the scenario promises that it is captured."""
    arrivals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LossClass:
    """Losses of one kind: same fault, reason, source, culprit, place and set of possible causes."""

    fault: str
    state: State
    reason: str
    source: str
    culprit: str
    place: Place | None
    count: int
    example: Outcome
    fault_ids: tuple[str, ...]
    """All of them, in order of firing."""
    could_be: tuple[str, ...] = ()
    """What the evidence cannot tell apart, in words. Empty when the cause is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong that is no loss of a fault: what a metric counts, by cause."""

    metric: str
    """Which metric counts it: ``capture.duplicates``."""
    fault: str
    """Empty when it belongs to no fault."""
    reason: str
    source: str
    culprit: str
    place: Place | None
    count: int
    example: Outcome | None
    fault_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The closed account: ``injected`` equals the sum of ``states``."""

    injected: int
    fired: int
    expected: int
    """Fired faults that the scenario promises to be captured."""
    captured: int
    """Of ``expected``: arrived in time, duplicates and merged included."""
    states: Mapping[State, int]
    by_fault: Mapping[str, Mapping[State, int]]
    losses: tuple[LossClass, ...]
    duplicates: int
    """Events that arrived beyond the first for their fault."""
    unexpected: int
    """Error events that arrived and belong to no fault."""
    wrong_level: int
    """Captured, but with another level than the scenario expects."""
    findings: tuple[Finding, ...] = ()
    """What is wrong besides losses, by cause."""
