"""What a live monitor noted of a run, beside the audit trail of its notifications."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """An event that was put to its issue: one line of ``issues.jsonl``, in their order."""

    cursor: int
    """Of its arrival."""
    event_id: str
    received_at: float
    """Seconds since the epoch, by the clock of the server: the end of ingestion's first leg."""
    at: float
    """When it was put to its issue. To the rules, that is when it happened: their clock never goes back."""
    issue: int
    title: str
    state: str
    """Of the issue, with this event counted."""
    is_new: bool
    is_regression: bool
    has_reappeared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a monitor ended: the only record of ``ending.json``. Without it, it was killed."""

    at: float
    followed: int
    """Cursor of the last arrival it has seen."""
    pending: tuple[str, ...] = ()
    """What was still under way when its patience ended, a sentence each; empty: nothing."""
    trouble: str = ""
    """Why it broke; empty: it did not."""
