"""What the load generator saw of its requests, and of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """A quantile of a sample, in seconds; ``low`` and ``high`` bound it with 95 % confidence.

    None: the sample is too small for that bound.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How times spread, in seconds. Exact to half a percent."""

    count: int
    p50: Quantile
    p95: Quantile
    p99: Quantile
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTimes:
    """The requests of one name."""

    request: str
    """``METHOD name``; ``all`` for all of them together."""
    requests: int
    failed: int
    """Status 400 or above, or no answer."""
    plain: int
    """Those that carried no fault, and were not given up by their sender."""
    plain_failed: int
    """Of these: status 500 or above, 429, or no answer."""
    service: Spread
    """From sending to the whole answer."""
    latency: Spread | None = None
    """From when they were due to the whole answer, in an open load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorHealth:
    """How the load generator itself fared."""

    processes: int
    cpu: float
    """Processor seconds a second, of the busiest process, on average."""
    lag_p99: float | None
    """Seconds by which requests were sent later than due; None when none were."""
    lag_max: float | None
    loop_lag_p99: float | None
    """Seconds by which its timers went off too late."""
    held: int
    """Requests that had to wait because as many as allowed were under way."""
    missed: int
    """Requests that were due and never sent."""
    most_in_flight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadInfo:
    """The load of a run."""

    open: bool
    """Requests were sent when they were due, whether or not earlier ones were answered."""
    seconds: float
    """Of sending, by the longest process."""
    planned: int | None
    """Requests that were due, in an open load."""
    requests: int
    failed: int
    rate_asked: float | None
    """Requests a second that were due on average, in an open load."""
    rate: float
    """Requests a second that were sent on average."""
    all: RequestTimes | None
    by_request: tuple[RequestTimes, ...]
    generator: GeneratorHealth
