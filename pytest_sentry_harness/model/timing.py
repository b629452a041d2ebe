"""Timing: what became of each measured duration, and how far the reported ones are off. All times in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Told(StrEnum):
    """What monitoring told of one measured duration."""

    MATCHED = "matched"
    """A span or transaction reports it."""
    UNSAMPLED = "unsampled"
    """Its trace was left out, and rightly: its ``sample_rand`` is not below the promised rate."""
    MISSAMPLED = "missampled"
    """Its trace was left out by sampling although its ``sample_rand`` is below the promised rate."""
    NO_TRANSACTION = "no_transaction"
    """No transaction of its trace arrived, and sampling is not why."""
    NO_SPAN = "no_span"
    """A transaction of its trace arrived, and holds no such span."""
    AMBIGUOUS = "ambiguous"
    """Which span reports it cannot be told: there are more, or fewer, of them than there were calls."""
    OUTSIDE = "outside"
    """It ran outside of the load's requests: nothing is promised for it."""


UNMATCHED = (Told.NO_TRANSACTION, Told.NO_SPAN, Told.AMBIGUOUS)
"""Should have been reported, and cannot be held against any report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """One measured duration and what was told of it."""

    operation: str
    kind: str
    trace_id: str | None
    true: float
    """What it really took."""
    state: Told
    reason: str = ""
    """Why nothing was told of it; empty when it is matched."""
    mode: str = ""
    """How it was told: ``static`` in a transaction, ``stream`` as a span by itself."""
    reported: float | None = None
    """What it took by the report."""
    start_error: float | None = None
    """Reported start minus true start; None where it is not matched, or the true start is not known."""

    @property
    def error(self) -> float | None:
        """Reported minus true duration; None where it is not matched."""
        return None if self.reported is None else self.reported - self.true


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Every measured duration of a run, and how its traces were sampled."""

    durations: tuple[Duration, ...] = ()
    rate: float | None = None
    """The promised ``traces_sample_rate``; None when the processes promise none, or different ones."""
    sampler: str = ""
    """The ``traces_sampler`` in force, as ``module.name (file:line)``."""
    traces: int = 0
    """Traces with a known ``sample_rand`` that reached a measured operation, or whose transaction arrived."""
    oversampled: tuple[str, ...] = ()
    """Trace ids that arrived although their ``sample_rand`` is not below the rate."""
    undersampled: tuple[str, ...] = ()
    """Trace ids that sampling left out although their ``sample_rand`` is below the rate."""
    notes: tuple[str, ...] = ()
    """What could not be read of what arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Far:
    """One duration that was reported wrongly, to look at."""

    trace_id: str | None
    true: float
    reported: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingRow:
    """The durations of one operation, or of one kind, that were told in one mode."""

    operation: str
    """Empty in a row for all operations of a kind."""
    kind: str
    mode: str
    """``static`` or ``stream``; empty where nothing was matched."""
    measured: int
    matched: int
    true: float | None
    """Median of what the matched ones really took."""
    bias: float | None
    """Median of reported minus true, with its bounds."""
    bias_low: float | None
    bias_high: float | None
    p50: float | None
    """Of the absolute errors."""
    p95: float | None
    p99: float | None
    max: float | None
    start_p99: float | None
    """Of the absolute errors of starts."""
    worst: Far | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingInfo:
    """The account of measured durations: ``measured`` is the sum of ``states``."""

    measured: int
    states: dict[str, int]
    reasons: dict[str, int]
    """Why nothing was told of those that should have been, after the name of the operation."""
    closes: bool
    rate: float | None
    """The promised ``traces_sample_rate``."""
    oversampled: int
    undersampled: int
    operations: tuple[TimingRow, ...] = ()
    kinds: tuple[TimingRow, ...] = ()
    notes: tuple[str, ...] = field(default=())
