"""Measured durations and reported ones to one outcome per measured duration, and an account that closes. Pure.

A measured duration is matched by its trace, then by what its operation says of the span (globs over op, description
and the transaction's name), then by the order of starts within the trace. Where there are more spans of that sort
than calls, or fewer, which is whose cannot be told, and none is guessed. A run may have a million calls: they are
kept in columns (``timed_rows.py``), by the numbers of their traces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..model.arrival import Arrival
from ..model.ledger import Record
from ..model.scenario import Operation
from ..model.timing import Duration, Timings, Told
from ..protocol.spans import TransactionTold
from .sampling import Sampling
from .timed_ledger import TimedLedger
from .timed_rows import ARRIVED, FULL, SENT, WANTED, Times

MOST_SPANS = 1000
"""Spans the SDK keeps of a transaction, unless ``max_spans`` says otherwise."""
_MODES = ("static", "stream")
_NO_OPERATION = -1
_CALLED, _ON_ROUTE = 1, 2


@dataclass(frozen=True, slots=True)
class _Sort:
    """What operations say of their spans; those that say the same share their spans."""

    op: str
    description: str
    route: str

    @property
    def itself(self) -> bool:
        """The transaction itself reports it."""
        return not self.op and not self.description

    def on_route(self, transaction: TransactionTold) -> bool:
        return not self.route or fnmatchcase(transaction.name, self.route)

    def times_in(self, transaction: TransactionTold) -> list[tuple[float, float]]:
        """Start and seconds of each span of this sort in ``transaction``, which is on the route."""
        if self.itself:
            return [(transaction.start, transaction.duration)] if transaction.whole else []
        return [
            (span.start, span.duration)
            for span in transaction.spans
            if (not self.op or fnmatchcase(span.op, self.op))
            and (not self.description or fnmatchcase(span.description, self.description))
        ]


def join_timings(
    operations: Sequence[Operation],
    records: Iterable[Record],
    told: Iterable[TransactionTold],
    arrivals: Iterable[Arrival] = (),
) -> Timings:
    """Hold every measured duration of ``records`` against what was ``told``.

    ``arrivals`` are the items of the types ``transaction``, ``span`` and ``client_report``, accepted or not: they
    say why a transaction is missing.
    """
    joining = _Joining(operations, TimedLedger.read(records))
    modes: Counter[str] = Counter()
    strangers = 0
    for transaction in told:
        modes[transaction.mode] += 1
        strangers += not joining.see(transaction)
    sampling = Sampling.of(
        joining.ledger, arrivals, stream=modes["stream"] > modes["static"], strangers=strangers
    )
    return Timings(
        durations=tuple(joining.settle(sampling)),
        rate=sampling.rate,
        sampler=sampling.sampler,
        traces=sampling.traces,
        oversampled=sampling.oversampled,
        undersampled=sampling.undersampled,
    )


class _Joining:
    """The calls of the ledger, and the spans of their sorts in the transactions that were told."""

    def __init__(self, operations: Sequence[Operation], ledger: TimedLedger) -> None:
        self.ledger = ledger
        sort_of = {each.name: _Sort(each.op, each.description, each.route) for each in operations}
        self._sorts = list(dict.fromkeys(sort_of.values()))
        kinds: dict[str, str] = {each.name: each.kind for each in operations}
        self._names = list(ledger.operations)
        self._kinds = [kinds.get(name, "") for name in self._names]
        self._sort_of = [
            self._sorts.index(sort_of[name]) if name in sort_of else _NO_OPERATION for name in self._names
        ]
        """The index of the sort of the spans of each operation, by the label of its calls."""
        self._reports = Times()
        """Labelled with the index of the mode."""
        # For each trace and sort: whether there are calls, and a transaction on the route.
        self._cells = bytearray(len(ledger.traces) * len(self._sorts))
        for trace, label in zip(ledger.calls.traces, ledger.calls.labels, strict=True):
            sort = self._sort_of[label]
            if sort != _NO_OPERATION:
                ledger.traces.seen[trace] |= WANTED
                self._cells[trace * len(self._sorts) + sort] = _CALLED

    def see(self, transaction: TransactionTold) -> bool:
        """Take in what ``transaction`` reports. Whether the load asked for its trace."""
        traces = self.ledger.traces
        trace = traces.find(transaction.trace_id)
        if trace is None or not traces.seen[trace] & SENT:
            return False
        traces.seen[trace] |= ARRIVED | (FULL if len(transaction.spans) >= MOST_SPANS else 0)
        if traces.seen[trace] & WANTED:
            begin = trace * len(self._sorts)
            for index, sort in enumerate(self._sorts):
                if self._cells[begin + index] and sort.on_route(transaction):
                    self._cells[begin + index] = _ON_ROUTE
                    label = index * len(_MODES) + _MODES.index(transaction.mode)
                    for start, seconds in sort.times_in(transaction):
                        self._reports.add(trace, label, start, seconds)
        return True

    def settle(self, sampling: Sampling) -> Iterator[Duration]:
        """The outcome of every call."""
        calls = self.ledger.calls
        settled = bytearray(len(calls))
        for begin, label in enumerate(calls.labels):
            sort = self._sort_of[label]
            if settled[begin] or sort == _NO_OPERATION:
                continue
            together = [row for row in calls.since(begin) if self._sort_of[calls.labels[row]] == sort]
            for row in together:
                settled[row] = True
            together.sort(key=calls.starts.__getitem__)
            yield from self._settle(together, calls.traces[begin], sort, sampling)

    def _settle(self, rows: list[int], trace: int, sort: int, sampling: Sampling) -> Iterable[Duration]:
        """The outcomes of the calls of one trace whose spans are of one sort, in the order of their starts."""
        traces = self.ledger.traces
        trace_id, seen = traces.ids[trace], traces.seen[trace]
        if trace_id is None or not seen & SENT:
            return self._untold(rows, Told.OUTSIDE, "outside_of_requests")
        if not seen & ARRIVED:
            return self._untold(rows, *sampling.why_absent(trace, trace_id))
        if self._cells[trace * len(self._sorts) + sort] != _ON_ROUTE:
            return self._untold(rows, Told.NO_TRANSACTION, "other_route")
        reports = self._reports_of(trace, sort)
        if len(reports) == len(rows):
            return [self._matched(row, *report) for row, report in zip(rows, reports, strict=True)]
        if len(reports) > len(rows):
            return self._untold(rows, Told.AMBIGUOUS, "more_spans_than_calls")
        # Some are missing, and which of them cannot be told: the account gets the numbers right, not the names.
        missing = len(rows) - len(reports)
        why = "max_spans" if seen & FULL or sampling.spans_overflowed else "no_such_span"
        return [
            *self._untold(rows[:-missing], Told.AMBIGUOUS, "fewer_spans_than_calls"),
            *self._untold(rows[-missing:], Told.NO_SPAN, why),
        ]

    def _reports_of(self, trace: int, sort: int) -> list[tuple[float, float, str]]:
        """Start, seconds and mode of the spans of this sort that were told of the trace, in order."""
        of, first = self._reports, sort * len(_MODES)
        return sorted(
            (of.starts[row], of.seconds[row], _MODES[of.labels[row] - first])
            for row in of.of(trace)
            if first <= of.labels[row] < first + len(_MODES)
        )

    def _matched(self, row: int, start: float, seconds: float, mode: str) -> Duration:
        calls = self.ledger.calls
        label = calls.labels[row]
        true_start = self.ledger.wall_at(calls.starts[row])
        return Duration(
            operation=self._names[label],
            kind=self._kinds[label],
            trace_id=self.ledger.traces.ids[calls.traces[row]],
            true=calls.seconds[row],
            state=Told.MATCHED,
            mode=mode,
            reported=seconds,
            start_error=None if true_start is None else start - true_start,
        )

    def _untold(self, rows: Iterable[int], state: Told, reason: str) -> list[Duration]:
        calls = self.ledger.calls
        return [
            Duration(
                operation=self._names[calls.labels[row]],
                kind=self._kinds[calls.labels[row]],
                trace_id=self.ledger.traces.ids[calls.traces[row]],
                true=calls.seconds[row],
                state=state,
                reason=reason,
            )
            for row in rows
        ]
