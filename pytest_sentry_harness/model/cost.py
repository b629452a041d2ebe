"""Where the cost of Sentry goes: what each option of its set-up costs each kind of request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """A mean over launches with its 95 % interval; the bounds are None when one launch is all there is."""

    value: float
    low: float | None
    high: float | None

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionCost:
    """What toggling one option changes for one kind of request."""

    option: str
    advice: str
    cpu: Bounded
    """Seconds of CPU time for a request, more than as configured; negative when toggling it saves some."""
    share: Bounded
    """The same as a share of what the request costs without Sentry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCost:
    """One kind of request."""

    kind: str
    without: float
    """Seconds of CPU time for a request without Sentry."""
    configured: OptionCost
    """Sentry as configured, against no Sentry."""
    options: tuple[OptionCost, ...]
    """Against Sentry as configured; dearest first."""
    requests: int
    """Measured in each arm, all launches together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostTable:
    """The breakdown."""

    scenario: str
    kinds: tuple[KindCost, ...]
    launches: int
    seconds: float
    how: str
    """Clock and pinning."""
    stopped: str
    doubts: tuple[str, ...] = ()
