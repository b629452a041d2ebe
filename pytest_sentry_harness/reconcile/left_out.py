"""Traces that did not arrive because sampling rightly left them out, for those who look for slow calls. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ..model.arrival import Arrival
from ..model.ledger import Record, SdkInit
from ..model.timing import Told
from ..protocol.spans import TransactionTold
from .sampling import Sampling
from .timed_ledger import TimedLedger
from .timed_rows import ARRIVED, WANTED


class LeftOut:
    """First the ledger passes through ``reading``, then transactions are seen, then ``settle`` tells."""

    def __init__(self) -> None:
        self._ledger = TimedLedger()
        self._modes: Counter[str] = Counter()
        self._strangers = 0
        self._sampling: Sampling | None = None

    def reading(self, records: Iterable[Record]) -> Iterator[Record]:
        """Take in ``records`` while somebody else reads them."""
        yield from self._ledger.reading(records)
        for trace in self._ledger.calls.traces:
            self._ledger.traces.seen[trace] |= WANTED

    def see(self, transaction: TransactionTold) -> None:
        """Take in a transaction that was accepted."""
        self._modes[transaction.mode] += 1
        trace = self._ledger.traces.find(transaction.trace_id)
        if trace is None:
            self._strangers += 1
        else:
            self._ledger.traces.seen[trace] |= ARRIVED

    def settle(self, arrivals: Iterable[Arrival]) -> None:
        """No more transactions will come. ``arrivals``: transactions, spans and client reports, accepted or not."""
        stream = self._modes["stream"] > self._modes["static"]
        self._sampling = Sampling.of(self._ledger, arrivals, stream=stream, strangers=self._strangers)

    def rightly(self, trace_id: str, sdk: SdkInit | None) -> bool:
        """Whether the absent trace ``trace_id`` stayed away as it was promised. ``sdk``: of the process it ran in."""
        assert self._sampling is not None  # it is settled
        state, _ = self.why(trace_id)
        if self._sampling.rate is not None:
            # At a rate of 0 all stay away as promised, and nothing slow is ever found.
            return state is Told.UNSAMPLED and self._sampling.rate > 0
        if state is Told.UNSAMPLED:
            return True
        # Processes promise different rates: which of them began the trace is not known, so its own counts.
        trace, rate = self._ledger.traces.find(trace_id), rate_of(sdk)
        return trace is not None and bool(rate) and self._ledger.traces.rands[trace] >= (rate or 0.0)

    def why(self, trace_id: str) -> tuple[Told, str]:
        """Why the absent trace ``trace_id``, in which an operation ran, did not arrive."""
        assert self._sampling is not None  # it is settled
        trace = self._ledger.traces.find(trace_id)
        assert trace is not None  # an operation ran in it
        return self._sampling.why_absent(trace, trace_id)


def rate_of(sdk: SdkInit | None) -> float | None:
    """The ``traces_sample_rate`` in force; None without one."""
    rate = sdk.options.get("traces_sample_rate") if sdk is not None else None
    return float(rate) if isinstance(rate, int | float) else None
