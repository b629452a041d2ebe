"""What arrived, looked at as a whole: how often things fail over time, what goes together, what kinds of errors there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Of = Literal["errors", "transactions", "requests"]
"""``errors``: events of level error or fatal. ``transactions``: share of them that failed, as Sentry counts. ``requests``: share
that failed, as the load generator saw it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRow:
    """What was counted in one interval."""

    at: float
    """Its begin, seconds since the first of all."""
    errors: int
    transactions: int
    transactions_failed: int
    requests: int
    requests_failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendTold:
    """Whether a rate rises or falls over the run."""

    of: Of
    per_minute: float
    """Errors a minute, or share, that come on top in each minute; ``low`` and ``high`` bound it with 95 % confidence."""
    low: float
    high: float
    chance: float
    """Of a slope as steep, were there none (two-sided)."""
    direction: Literal["rising", "falling", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeTold:
    """Neighbouring intervals with more than those before let expect."""

    of: Of
    begin: float
    """Seconds since the begin of the series, as ``end``."""
    end: float
    count: int
    """Errors, or failed ones."""
    expected: float
    chance: float
    """Of as many in its most surprising interval, had nothing changed."""
    stays: bool
    """It lasted so long that it is the new level."""
    because: str
    issues: tuple[tuple[str, int], ...]
    """Title and errors of the issues that make it up, the most first."""
    categories: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesInfo:
    """Rates over time."""

    begin: float
    """Seconds since the epoch."""
    interval: float
    """Seconds."""
    errors: int
    transactions: int
    transactions_failed: int
    requests: int | None
    """None: no load generator told of every one."""
    requests_failed: int | None
    series: tuple[RateRow, ...]
    trends: tuple[TrendTold, ...]
    """Of each rate that there is enough of."""
    spikes: tuple[SpikeTold, ...]
    spikes_left_out: int
    not_judged: int
    """Intervals at the beginning, with too few before them to tell a spike."""
    false_alarm: float
    """Chance of an alarm in one interval if nothing changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternTold:
    """A value that is there more often than elsewhere."""

    key: str
    value: str
    hits: int
    of: int
    others_hits: int
    others: int
    odds: float
    """The odds here by those elsewhere; ``low`` and ``high`` bound it with 95 % confidence."""
    low: float
    high: float
    q: float
    """Expected share of false findings among those at least as clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternsOf:
    """What stands out of an issue."""

    issue: int
    """Its number, from 1, in the order of first appearance."""
    title: str
    events: int
    category: str
    """Of its first event."""
    severity: str
    found: tuple[PatternTold, ...]
    """The most telling first; empty: nothing stands out."""
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternsInfo:
    """What stands out of the largest issues."""

    compared_with: Literal["transactions", "issues", "nothing"]
    """``transactions`` without an error, or events of other ``issues``."""
    others: int
    """How many transactions that is."""
    compared: int
    """Pairs of issue and value that could have been found."""
    issues: int
    """Of all, those of which something can be said: with five events at least."""
    table: tuple[PatternsOf, ...]
    """The largest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTold:
    """Events that are classified alike."""

    category: str
    severity: str
    events: int
    because: str
    """Why the first of them was."""
    example: str
    """Its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisInfo:
    """What is to be seen of a run, or a store, without knowing what was injected."""

    config: str
    """By which configuration of Sentry events were grouped."""
    rates: RatesInfo | None
    """None: nothing arrived that could be counted."""
    patterns: PatternsInfo
    classes: tuple[ClassTold, ...]
    """The most frequent first."""
    quieter: int
    """Events below level error; they are in no figure."""
    unread: int
    """Events and transactions that could not be read."""
    not_compared: int
    """Events and transactions beyond the number that is looked at for patterns."""
