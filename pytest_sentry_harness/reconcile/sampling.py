"""Which traces should have been sampled, which were, and why one did not arrive. Pure.

A trace is sampled when its ``sample_rand``, a number in [0, 1) that travels with it, is below the rate of the service
that begins it (Sentry developer docs, "Traces: Propagated Random Value"). The load chooses each ``sample_rand``, so
what should arrive is known trace by trace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isnan

from ..model.arrival import Arrival
from ..model.ledger import SdkInit
from ..model.timing import Told
from .timed_ledger import TimedLedger
from .timed_rows import ARRIVED, SENT, WANTED

_BY_SAMPLING = "sample_rate"
_UNTRACED = ("HEAD", "OPTIONS")
"""Methods that the SDK's integrations make no transaction for, unless told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """What sampling did to the traces of a run."""

    rate: float | None
    """The promised ``traces_sample_rate``; None where none is promised, or different ones."""
    sampler: str
    """The ``traces_sampler`` in force, as the ledger has it; empty without one."""
    by_sampler: bool
    """Only a ``traces_sampler`` decides, and promises no rate."""
    off: bool
    """No process has tracing set up."""
    traces: int
    oversampled: tuple[str, ...]
    undersampled: tuple[str, ...]
    spans_overflowed: bool
    """The SDK counted spans that a transaction had no room for."""
    _ledger: TimedLedger
    _refused: dict[str, str]
    _taken: frozenset[str]
    _reason: str

    @classmethod
    def of(
        cls, ledger: TimedLedger, arrivals: Iterable[Arrival], *, stream: bool, strangers: int
    ) -> Sampling:
        """``ledger`` also says which of its traces are wanted, and have arrived.

        ``strangers``: accepted transactions of traces that the load did not ask for.
        """
        refused, reported = _look_at(arrivals)
        rate, by_sampler = _promised(ledger.inits)
        off = bool(ledger.inits) and all(not _traces(init) for init in ledger.inits)
        counted = ledger.discarded or reported
        category = "span" if stream else "transaction"
        lost = Counter({why: count for (what, why), count in counted.items() if what == category})
        found = _Tally.of(ledger, rate, refused)
        other = [why for why, count in lost.items() if why != _BY_SAMPLING and count]
        # With no other loss known, and more traces left out than rightly stayed away, sampling is who left these out.
        by_sampling = not other and not off and lost[_BY_SAMPLING] > found.rightly
        under = tuple(sorted(found.under)) if by_sampling else ()
        reason = " or ".join(sorted(other)) or (
            "tracing_off" if off else "trace_lost" if strangers >= found.due > 0 else "unexplained"
        )
        return cls(
            rate=rate,
            sampler=next((str(named) for init in ledger.inits if (named := _sampler(init))), ""),
            by_sampler=by_sampler and lost[_BY_SAMPLING] >= found.absent,
            off=off,
            traces=found.known,
            oversampled=tuple(sorted(found.over)),
            undersampled=under,
            spans_overflowed=bool(counted["span", "buffer_overflow"]),
            _ledger=ledger,
            _refused=refused,
            _taken=frozenset(under),
            _reason=reason,
        )

    def why_absent(self, trace: int, trace_id: str) -> tuple[Told, str]:
        """Why no transaction of ``trace_id``, which has the number ``trace`` in the ledger, was accepted."""
        if trace_id in self._refused:
            return Told.NO_TRANSACTION, self._refused[trace_id]
        method = self._ledger.methods.get(trace)
        if method in _UNTRACED:
            return Told.NO_TRANSACTION, f"method_{method.lower()}"
        if self.rate is not None and self._ledger.traces.rands[trace] >= self.rate:
            return Told.UNSAMPLED, _BY_SAMPLING
        if self.by_sampler:
            return Told.UNSAMPLED, "traces_sampler"
        if trace_id in self._taken:
            return Told.MISSAMPLED, _BY_SAMPLING
        return Told.NO_TRANSACTION, self._reason


@dataclass(slots=True)
class _Tally:
    """The traces that the load asked for, counted by what sampling did to them."""

    known: int = 0
    """Wanted or arrived, and their ``sample_rand`` is known."""
    absent: int = 0
    """Wanted, and neither arrived nor refused by the server."""
    due: int = 0
    """Those of them that should have been sampled."""
    rightly: int = 0
    """Stayed away as they should, wanted or not."""
    under: list[str] = field(default_factory=list)
    """Those that are due, where the SDK makes a transaction for their method."""
    over: list[str] = field(default_factory=list)
    """Arrived, and should not have been sampled."""

    @classmethod
    def of(cls, ledger: TimedLedger, rate: float | None, refused: Mapping[str, str]) -> _Tally:
        tally, traces = cls(), ledger.traces
        for trace, (trace_id, seen, rand) in enumerate(
            zip(traces.ids, traces.seen, traces.rands, strict=True)
        ):
            if not seen & SENT or trace_id is None:
                continue
            arrived, wanted = seen & ARRIVED, seen & WANTED
            beyond = rate is not None and rand >= rate
            tally.known += bool(wanted or arrived) and not isnan(rand)
            if arrived and beyond:
                tally.over.append(trace_id)
            tally.rightly += beyond and not arrived
            if wanted and not arrived and trace_id not in refused:
                tally.absent += 1
                if rate is not None and rand < rate:
                    tally.due += 1
                    if ledger.methods.get(trace) not in _UNTRACED:
                        tally.under.append(trace_id)
        return tally


def _promised(inits: Iterable[SdkInit]) -> tuple[float | None, bool]:
    """The rate that all processes with tracing promise, and whether instead only a sampler decides."""
    rates: set[float | None] = set()
    sampler = False
    for init in inits:
        if not _traces(init):
            continue
        rate = init.options.get("traces_sample_rate")
        if isinstance(rate, (int, float)):
            rates.add(float(rate))
        else:
            rates.add(None)
            sampler = True
    return (rates.pop() if len(rates) == 1 else None), sampler


def _traces(init: SdkInit) -> bool:
    """Whether tracing is set up."""
    return init.options.get("traces_sample_rate") is not None or _sampler(init) is not None


def _sampler(init: SdkInit) -> object:
    return init.options.get("traces_sampler")


def _look_at(arrivals: Iterable[Arrival]) -> tuple[dict[str, str], Counter[tuple[str, str]]]:
    """Traces whose transaction was not accepted, with the reason; and what client reports say was discarded."""
    refused: dict[str, str] = {}
    reported: Counter[tuple[str, str]] = Counter()
    for arrival in arrivals:
        for line in arrival.discarded:
            reported[line.category, line.reason] += line.quantity
        lost = arrival.outcome not in ("accepted", "duplicate")
        if lost and arrival.item_type in ("transaction", "span") and arrival.trace_id is not None:
            refused[arrival.trace_id] = arrival.reason or arrival.outcome
    return refused, reported
