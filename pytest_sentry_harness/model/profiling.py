"""Where monitoring put the time: what became of slow operations, N+1 queries and profiles."""

from __future__ import annotations

from dataclasses import dataclass

from .ledger import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationTold:
    """One ``[[operation]]``: how often it was slow, and how often monitoring put that time where it belongs."""

    name: str
    kind: str
    expected: str
    """Which span tells of it, and on which route, for people."""
    calls: int
    slow: int
    attributed: int
    burnt: int = 0
    """Slow calls that spent their time computing, and whose transaction came with a profile."""
    on_top: int = 0
    """Of ``burnt``: the profile has the operation's function on top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueriesTold:
    """N+1 queries as they can be read off what arrived."""

    name: str
    """Of the table that declares them; empty when none does."""
    route: str
    """Name of the transaction."""
    query: str
    count: int
    """The most of them in one transaction."""
    seconds: float
    """The longest they took together in one transaction."""
    transactions: int
    place: Place | None
    """The line that asks, as the SDK tells it; None when it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilesTold:
    """Which transactions came with a profile."""

    promised: float
    transactions: int
    """Those that lasted long enough to be profiled."""
    profiled: int
    short: int
    """Transactions that were too short for the two samples a profile needs; they are not counted."""
    lost: dict[str, int]
    """Profiles that the SDK says it dropped, by reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilingInfo:
    """Everything about slow operations in a run."""

    transactions: int
    """That arrived and could be read."""
    unread: int
    """Items that could not."""
    operations: tuple[OperationTold, ...]
    n_plus_one: tuple[QueriesTold, ...]
    undeclared: int
    """Transactions with N+1 queries that the scenario does not declare, counted for each query."""
    missed: int
    """Transactions in which declared N+1 queries were not found, or without their line."""
    profiles: ProfilesTold
    uninstrumented: int
    """Libraries in use that leave no span, counted for each operation that uses them."""
