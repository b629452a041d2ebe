"""What a ledger says about time: measured calls, requests sent, how tracing was set up, and the true wall clock."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isnan

from ..model.ledger import Hello, Intent, Record, SdkDiscarded, SdkInit, Sent, Timed
from .timed_rows import SENT, Times, Traces


@dataclass(slots=True)
class TimedLedger:
    """The records about time, put in order."""

    traces: Traces = field(default_factory=Traces)
    """Of the requests of the load, and of all calls."""
    calls: Times = field(default_factory=Times)
    """Calls of marked operations; starts are by the system-wide monotonic clock."""
    operations: dict[str, int] = field(default_factory=dict)
    """The label of the calls of each operation."""
    methods: dict[int, str] = field(default_factory=dict)
    """Traces of requests other than GET and POST, by number, and their method."""
    inits: list[SdkInit] = field(default_factory=list)
    """The last set-up of the SDK in each process of the target."""
    discarded: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What the SDK counted as lost, by category and reason."""
    _offsets: dict[int, float] = field(default_factory=dict)
    _seconds: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, records: Iterable[Record]) -> TimedLedger:
        """Take in a ledger: journal after journal, each beginning with its ``Hello``."""
        ledger = cls()
        role = ""
        process: SdkInit | None = None
        for record in records:
            if isinstance(record, Hello):
                role = record.role
                ledger._close(process)
                process = None
            if role != "target":
                ledger._see_clock(record)
            if isinstance(record, Timed):
                label = ledger.operations.setdefault(record.operation, len(ledger.operations))
                trace = ledger.traces.number(record.trace_id)
                ledger.calls.add(trace, label, record.mono - record.seconds, record.seconds)
            elif isinstance(record, (Sent, Intent)):
                ledger._see_request(record)
            elif isinstance(record, SdkInit):
                process = record
            elif isinstance(record, SdkDiscarded):
                ledger.discarded[record.category, record.reason] += record.quantity
        ledger._close(process)
        ledger._seconds = sorted(ledger._offsets)
        return ledger

    def wall_at(self, mono: float) -> float | None:
        """The wall clock at a moment of the monotonic one, as load and harness read both; None when they never did.

        The target's own wall clock is not asked: it may be wrong, and that is to be found out.
        """
        if not self._seconds:
            return None
        index = bisect_left(self._seconds, int(mono))
        near = self._seconds[max(index - 1, 0) : index + 2]
        second = min(near, key=lambda each: abs(each + 0.5 - mono))
        return mono + self._offsets[second]

    def _close(self, process: SdkInit | None) -> None:
        if process is not None:
            self.inits.append(process)

    def _see_clock(self, record: Record) -> None:
        """Of each second the pair that was read with the least pause between: the wall clock is read first."""
        second = int(record.mono)
        offset = record.at - record.mono
        self._offsets[second] = max(offset, self._offsets.get(second, offset))

    def _see_request(self, record: Sent | Intent) -> None:
        trace = self.traces.number(record.trace_id)
        self.traces.seen[trace] |= SENT
        if record.sample_rand is not None and isnan(self.traces.rands[trace]):
            self.traces.rands[trace] = record.sample_rand
        method = record.request.partition(" ")[0]
        if method not in ("GET", "POST"):
            self.methods[trace] = method
