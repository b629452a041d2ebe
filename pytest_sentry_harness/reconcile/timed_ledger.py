"""What a ledger says about time: measured calls, requests sent, how tracing was set up, and the true wall clock."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
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

    _role: str = ""
    _process: SdkInit | None = None

    @classmethod
    def read(cls, records: Iterable[Record]) -> TimedLedger:
        """Take in a ledger: journal after journal, each beginning with its ``Hello``."""
        ledger = cls()
        for _ in ledger.reading(records):
            pass
        return ledger

    def reading(self, records: Iterable[Record]) -> Iterator[Record]:
        """Take in the ``records`` of a whole ledger while they pass by; it is complete when there are no more."""
        for record in records:
            self._see(record)
            yield record
        self._close()
        self._seconds = sorted(self._offsets)

    def _see(self, record: Record) -> None:
        if isinstance(record, Hello):
            self._role = record.role
            self._close()
        if self._role != "target":
            self._see_clock(record)
        if isinstance(record, Timed):
            label = self.operations.setdefault(record.operation, len(self.operations))
            trace = self.traces.number(record.trace_id)
            self.calls.add(trace, label, record.mono - record.seconds, record.seconds)
        elif isinstance(record, (Sent, Intent)):
            self._see_request(record)
        elif isinstance(record, SdkInit):
            self._process = record
        elif isinstance(record, SdkDiscarded):
            self.discarded[record.category, record.reason] += record.quantity

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

    def _close(self) -> None:
        if self._process is not None:
            self.inits.append(self._process)
            self._process = None

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
