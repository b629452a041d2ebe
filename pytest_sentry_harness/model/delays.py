"""How late a real backend decides, to be simulated. Sentry docs, "Alerts"."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Seconds. All 0: at once; metric rules then decide at each ``tick``."""

    ingest: float = 0.0
    """What arrives comes to its issue, or counts, so much later. Waited for by a live monitor; everybody else is told when."""
    slow_every: float = 0.0
    """Slow conditions are put off and decided together at whole multiples of this time."""
    slow_after: float = 0.0
    """Slow conditions are decided so much after the event (before it is rounded up to ``slow_every``)."""
    metric_every: float = 0.0
    """Metric rules decide at whole multiples of this time, over the window that ends then."""
    metric_after: float = 0.0
    """Their decision comes so much after the window's end."""

    @property
    def defers(self) -> bool:
        """Whether slow conditions are put off at all."""
        return self.slow_every > 0 or self.slow_after > 0

    def slow_due(self, at: float) -> float:
        """When a slow condition of an event at ``at`` is decided."""
        return next_multiple(at + self.slow_after, self.slow_every)


NO_DELAYS = Delays()
SENTRY_DELAYS = Delays(slow_every=60.0, metric_every=60.0)
"""Metric rules decide once a minute. That slow conditions are batched by the minute is an assumption: Sentry does not
document the time, so measure yours. What ingestion takes comes on top."""


def words_of(delays: Delays) -> str:
    """As a scenario says it: ``none``, ``sentry``, or each that is not 0."""
    named = {NO_DELAYS: "none", SENTRY_DELAYS: "sentry"}
    given = (f"{each.name} {getattr(delays, each.name):g} s" for each in fields(delays))
    return named.get(delays) or ", ".join(text for text in given if not text.endswith(" 0 s"))


def next_multiple(at: float, every: float) -> float:
    """The first whole multiple of ``every`` that is not before ``at``; ``at`` itself when ``every`` is 0."""
    return math.ceil(round(at / every, 9)) * every if every > 0 else at
