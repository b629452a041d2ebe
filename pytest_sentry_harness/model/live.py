"""What can be said of a run while it goes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The run so far. No verdict: what is missing now may still arrive, and only the judge sees everything."""

    seconds: float
    """Since somebody began to look."""
    fired: int = 0
    fired_rate: float = 0.0
    """A second, over the last few seconds; so are the other rates."""
    expected: int = 0
    """Of those that fired, how many monitoring should capture."""
    captured: int = 0
    outstanding: int = 0
    """Fired a moment ago: their events may well be on their way."""
    overdue: int = 0
    """Fired longer ago than SDKs usually take, and nothing is known of them."""
    losses: tuple[tuple[str, int], ...] = ()
    """Reasons why events will not come, the commonest first."""
    requests: int = 0
    """Requests sent; only those with faults where the load generator does not count them all."""
    request_rate: float = 0.0
    latency_p50: float | None = None
    """Seconds, of all requests so far; None: none is known yet."""
    latency_p95: float | None = None
    behind: bool = False
    """There was more to read than one look takes in: the numbers lag."""
    unreadable: int = 0
    """Lines and answers that could not be read; the judge will say more."""

    @property
    def lost(self) -> int:
        """How many are known to be lost."""
        return sum(count for _, count in self.losses)
