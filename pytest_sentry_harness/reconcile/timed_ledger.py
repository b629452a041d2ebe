"""What a ledger says about time: measured calls, requests sent, how tracing was set up, and the true wall clock."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..model.ledger import Hello, Intent, Record, SdkDiscarded, SdkInit, Sent, Timed


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a marked operation."""

    operation: str
    trace_id: str | None
    start: float
    """By the system-wide monotonic clock."""
    seconds: float


@dataclass(slots=True)
class TimedLedger:
    """The records about time, put in order."""

    calls: list[Call] = field(default_factory=list)
    sent: dict[str, float | None] = field(default_factory=dict)
    """Trace id of each request of the load, and its ``sample_rand`` where it is known."""
    methods: dict[str, str] = field(default_factory=dict)
    """Trace ids of requests other than GET and POST, and their method."""
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
                start = record.mono - record.seconds
                ledger.calls.append(Call(record.operation, record.trace_id, start, record.seconds))
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
        if self.sent.get(record.trace_id) is None:
            self.sent[record.trace_id] = record.sample_rand
        method = record.request.partition(" ")[0]
        if method not in ("GET", "POST"):
            self.methods[record.trace_id] = method
