"""Which traces should have been sampled, which were, and why one did not arrive. Pure.

A trace is sampled when its ``sample_rand``, a number in [0, 1) that travels with it, is below the rate of the service
that begins it (Sentry developer docs, "Traces: Propagated Random Value"). The load chooses each ``sample_rand``, so
what should arrive is known trace by trace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass

from ..model.arrival import Arrival
from ..model.ledger import SdkInit
from ..model.timing import Told
from .timed_ledger import TimedLedger

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
    _sent: dict[str, float | None]
    _methods: dict[str, str]
    _refused: dict[str, str]
    _reason: str

    @classmethod
    def of(
        cls,
        ledger: TimedLedger,
        arrivals: Iterable[Arrival],
        *,
        arrived: Set[str],
        wanted: Set[str],
        stream: bool,
        strangers: int,
    ) -> Sampling:
        """``arrived``: trace ids of accepted transactions. ``wanted``: traces that reached a measured operation.

        ``strangers``: accepted transactions of traces that the load did not ask for.
        """
        refused, reported = _look_at(arrivals)
        rate, by_sampler = _promised(ledger.inits)
        off = bool(ledger.inits) and all(not _traces(init) for init in ledger.inits)
        counted = ledger.discarded or reported
        category = "span" if stream else "transaction"
        lost = Counter({why: count for (what, why), count in counted.items() if what == category})
        rands = {trace: rand for trace, rand in ledger.sent.items() if rand is not None}
        due = {trace for trace in wanted if rate is not None and rands.get(trace, 2.0) < rate}
        absent = {trace for trace in wanted - arrived if trace not in refused}
        other = [why for why, count in lost.items() if why != _BY_SAMPLING and count]
        rightly = sum(
            rate is not None and rand >= rate for trace, rand in rands.items() if trace not in arrived
        )
        # With no other loss known, and more traces left out than rightly stayed away, sampling is who left these out.
        by_sampling = not other and not off and lost[_BY_SAMPLING] > rightly
        under = sorted(absent & due) if by_sampling else []
        over = [trace for trace in arrived if rate is not None and rands.get(trace, -1.0) >= rate]
        reason = " or ".join(sorted(other)) or (
            "tracing_off" if off else "trace_lost" if strangers >= len(absent & due) > 0 else "unexplained"
        )
        return cls(
            rate=rate,
            sampler=next((str(found) for init in ledger.inits if (found := _sampler(init))), ""),
            by_sampler=by_sampler and lost[_BY_SAMPLING] >= len(absent),
            off=off,
            traces=len({trace for trace in wanted | arrived if trace in rands}),
            oversampled=tuple(sorted(over)),
            undersampled=tuple(trace for trace in under if ledger.methods.get(trace) not in _UNTRACED),
            spans_overflowed=bool(counted["span", "buffer_overflow"]),
            _sent=ledger.sent,
            _methods=ledger.methods,
            _refused=refused,
            _reason=reason,
        )

    def why_absent(self, trace_id: str) -> tuple[Told, str]:
        """Why no transaction of ``trace_id`` was accepted."""
        rand = self._sent.get(trace_id)
        if trace_id in self._refused:
            return Told.NO_TRANSACTION, self._refused[trace_id]
        if self._methods.get(trace_id) in _UNTRACED:
            return Told.NO_TRANSACTION, f"method_{self._methods[trace_id].lower()}"
        if self.rate is not None and rand is not None and rand >= self.rate:
            return Told.UNSAMPLED, _BY_SAMPLING
        if self.by_sampler:
            return Told.UNSAMPLED, "traces_sampler"
        if trace_id in self.undersampled:
            return Told.MISSAMPLED, _BY_SAMPLING
        return Told.NO_TRANSACTION, self._reason


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
