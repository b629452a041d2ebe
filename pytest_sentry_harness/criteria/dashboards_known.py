"""What the ledger knows of the number that a widget shows: the widget's own functions, taken over what the ledger holds.

Fired faults, requests as the load generator saw them, and measured calls are rows like events and transactions are, of which
a few fields are known. So one definition of ``p95()`` or ``failure_rate()`` serves both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat

from ..load.histogram import Histogram, seconds_in
from ..model.scenario import ALL_REQUESTS, Shows
from ..monitor.aggregates import Aggregate
from ..monitor.dashboards import Query
from ..monitor.fields import Fields

_RATES = ("epm", "eps", "tpm", "tps", "spm", "sps")
_REDUCTIONS = ("avg", "min", "max", "sum", "percentile", "p50", "p75", "p90", "p95", "p99", "p100")
_LESS_OR_MORE = ("greater", "greaterOrEquals", "less", "lessOrEquals")
_SESSIONS = ("session", "sessions")
_FAILED = "internal_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKnown:
    """What the account says of the faults of one name."""

    fired: int
    """Those that should have an event of their own."""
    lost: int
    reported_twice: int
    because: str = ""
    """Why most of the lost ones were lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsKnown:
    """What the load generator saw of the requests of one name."""

    count: int
    failed: int
    times: Histogram
    """From sending to the whole answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger of a run knows."""

    faults: Mapping[str, FaultKnown] = field(default_factory=dict)
    requests: Mapping[str, RequestsKnown] = field(default_factory=dict)
    """By name."""
    operations: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Seconds of each call."""
    unexpected: int = 0
    """Error events of no fault."""


def unknown_to(shows: Shows, aggregate: Aggregate) -> str:
    """Why what ``shows`` names says nothing about ``aggregate``; empty when it does."""
    if shows.value is not None:
        return ""
    name, first = aggregate.function, (*aggregate.arguments, "")[0]
    if name == "count" or name in _RATES:
        return ""
    if shows.faults:
        if name == "count_unique" and first == "issue":
            return ""
        return f"{aggregate.text} cannot be told from the faults that fired, which are counted only"
    timed = name == "apdex" or (
        (name in _REDUCTIONS or (name == "count_if" and aggregate.arguments[1] in _LESS_OR_MORE))
        and (_is_duration(first) if shows.requests else first not in _SESSIONS)
    )
    if timed or (shows.requests and (name in ("failure_count", "failure_rate"))):
        return ""
    if shows.requests and name == "sum" and first in _SESSIONS:
        return ""
    what = "requests as the load generator saw them" if shows.requests else "how long the operation took"
    return f"{aggregate.text} cannot be told from {what}"


def is_measured(shows: Shows, aggregate: Aggregate) -> bool:
    """Whether the number is a time on both sides, of which no two measurements agree exactly."""
    return shows.value is None and aggregate.function in _REDUCTIONS and not _counts_sessions(aggregate)


def known_value(shows: Shows, query: Query, index: int, seconds: float, known: Known) -> float | None:
    """The number that measure ``index`` of ``query`` should have over a window of ``seconds``; None when nothing is known.

    O(what the ledger holds of it).
    """
    if shows.value is not None:
        return shows.value
    rows = rows_of(shows, known)
    if rows is None:
        return None
    measure = query.measures[index]
    return measure.value([each.of(rows(), seconds=seconds) for each in measure.aggregates])


def rows_of(shows: Shows, known: Known) -> Callable[[], Iterator[Fields]] | None:
    """What the ledger holds, as rows, each time it is called; None when it holds nothing of it."""
    if shows.faults:
        fired = [(name, known.faults[name].fired) for name in shows.faults if name in known.faults]
        return lambda: chain.from_iterable(repeat(_fault(name), count) for name, count in fired)
    if shows.operation:
        calls = known.operations.get(shows.operation)
        return None if not calls else lambda: (_timed(1000 * each) for each in calls)
    names = list(known.requests) if ALL_REQUESTS in shows.requests else shows.requests
    requests = [known.requests[name] for name in names if name in known.requests]
    return (lambda: chain.from_iterable(map(_of_requests, requests))) if requests else None


def source_of(shows: Shows, known: Known) -> str:
    """What the number is from, in words."""
    if shows.value is not None:
        return "as the scenario says"
    if shows.faults:
        count = sum(known.faults[name].fired for name in shows.faults if name in known.faults)
        which = ", ".join(shows.faults[:3]) + (", …" if len(shows.faults) > 3 else "")
        return f"{count} faults fired: {which}"
    if shows.operation:
        return f"{len(known.operations.get(shows.operation, ()))} calls of {shows.operation}"
    everything = ALL_REQUESTS in shows.requests
    names = list(known.requests) if everything else list(shows.requests)
    count = sum(known.requests[name].count for name in names if name in known.requests)
    which = "" if everything else ": " + ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{count} requests sent{which}"


def _of_requests(requests: RequestsKnown) -> Iterator[Fields]:
    """Which of them failed, and which took how long, is known by numbers only: no function is taken over both."""
    failed = requests.failed
    longest = requests.times.longest
    for bucket in sorted(requests.times.buckets):
        count = requests.times.buckets[bucket]
        took = 1000 * min(seconds_in(bucket), longest or seconds_in(bucket))
        bad = min(failed, count)
        failed -= bad
        yield from repeat(_timed(took, _FAILED), bad)
        yield from repeat(_timed(took), count - bad)


def _fault(name: str) -> Fields:
    return lambda field: (name,) if field == "issue" else ()


def _timed(milliseconds: float, status: str = "ok") -> Fields:
    def values(field: str) -> Sequence[object]:
        if field in _SESSIONS:
            return (1,)
        return (status,) if field == "transaction.status" else (milliseconds,)

    return values


def _is_duration(name: str) -> bool:
    return name in ("transaction.duration", "span.duration")


def _counts_sessions(aggregate: Aggregate) -> bool:
    return aggregate.arguments[:1] in (("session",), ("sessions",))
