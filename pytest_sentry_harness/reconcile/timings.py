"""Measured durations and reported ones to one outcome per measured duration, and an account that closes. Pure.

A measured duration is matched by its trace, then by what its operation says of the span (globs over op, description
and the transaction's name), then by the order of starts within the trace. Where there are more spans of that sort
than calls, or fewer, which is whose cannot be told, and none is guessed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..model.arrival import Arrival
from ..model.ledger import Record
from ..model.scenario import Operation
from ..model.timing import Duration, Timings, Told
from ..protocol.spans import TransactionTold
from .sampling import Sampling
from .timed_ledger import Call, TimedLedger

MOST_SPANS = 1000
"""Spans the SDK keeps of a transaction, unless ``max_spans`` says otherwise."""


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

    def spans_of(self, transaction: TransactionTold) -> list[_Report]:
        """What ``transaction``, which is on the route, reports of this sort."""
        mode = transaction.mode
        if self.itself:
            return [_Report(transaction.start, transaction.duration, mode)] if transaction.whole else []
        return [
            _Report(span.start, span.duration, mode)
            for span in transaction.spans
            if (not self.op or fnmatchcase(span.op, self.op))
            and (not self.description or fnmatchcase(span.description, self.description))
        ]


@dataclass(frozen=True, slots=True, order=True)
class _Report:
    start: float
    seconds: float
    mode: str


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
    ledger = TimedLedger.read(records)
    sort_of = {each.name: _Sort(each.op, each.description, each.route) for each in operations}
    sorts = list(dict.fromkeys(sort_of.values()))
    number = {name: sorts.index(sort) for name, sort in sort_of.items()}
    kinds: dict[str, str] = {each.name: each.kind for each in operations}
    calls: dict[tuple[str | None, int], list[Call]] = defaultdict(list)
    for call in ledger.calls:
        if call.operation in number:
            calls[call.trace_id, number[call.operation]].append(call)
    wanted = {trace_id for trace_id, _ in calls}
    reports: dict[tuple[str, int], list[_Report]] = defaultdict(list)
    arrived: dict[str, bool] = {}  # trace id to: some transaction of it holds as many spans as the SDK keeps
    modes: Counter[str] = Counter()
    strangers = 0
    for transaction in told:
        trace_id = transaction.trace_id
        modes[transaction.mode] += 1
        strangers += trace_id not in ledger.sent
        arrived[trace_id] = len(transaction.spans) >= MOST_SPANS or arrived.get(trace_id, False)
        if trace_id in wanted:
            for index, sort in enumerate(sorts):
                if (trace_id, index) in calls and sort.on_route(transaction):
                    reports[trace_id, index] += sort.spans_of(transaction)
    sampling = Sampling.of(
        ledger,
        arrivals,
        arrived=set(arrived),
        wanted={trace_id for trace_id in wanted if trace_id in ledger.sent},
        stream=modes["stream"] > modes["static"],
        strangers=strangers,
    )
    durations: list[Duration] = []
    for (trace, index), calls_of in calls.items():
        calls_of.sort(key=lambda call: call.start)
        durations += _settle(
            calls_of,
            reports.get((trace or "", index)),
            kinds,
            ledger,
            sampling,
            arrived.get(trace or ""),
        )
    return Timings(
        durations=tuple(durations),
        rate=sampling.rate,
        sampler=sampling.sampler,
        traces=sampling.traces,
        oversampled=sampling.oversampled,
        undersampled=sampling.undersampled,
    )


def _settle(
    calls: list[Call],
    reports: list[_Report] | None,
    kinds: dict[str, str],
    ledger: TimedLedger,
    sampling: Sampling,
    cut: bool | None,
) -> Iterable[Duration]:
    """The outcomes of the calls of one trace whose spans are of one sort, both in the order of their starts.

    ``reports`` None: no transaction on its route arrived. ``cut``: some transaction of the trace is full; None: none
    arrived at all.
    """
    trace_id = calls[0].trace_id
    if trace_id is None or trace_id not in ledger.sent:
        return [_untold(call, kinds, Told.OUTSIDE, "outside_of_requests") for call in calls]
    if cut is None:
        state, reason = sampling.why_absent(trace_id)
        return [_untold(call, kinds, state, reason) for call in calls]
    if reports is None:
        return [_untold(call, kinds, Told.NO_TRANSACTION, "other_route") for call in calls]
    reports.sort()
    if len(reports) == len(calls):
        return [_matched(call, report, kinds, ledger) for call, report in zip(calls, reports, strict=True)]
    if len(reports) > len(calls):
        reason = "more_spans_than_calls"
        return [_untold(call, kinds, Told.AMBIGUOUS, reason) for call in calls]
    # Some are missing, and which of them cannot be told: the account gets the numbers right, not the names.
    missing = len(calls) - len(reports)
    why = "max_spans" if cut or sampling.spans_overflowed else "no_such_span"
    return [
        *(_untold(call, kinds, Told.AMBIGUOUS, "fewer_spans_than_calls") for call in calls[:-missing]),
        *(_untold(call, kinds, Told.NO_SPAN, why) for call in calls[-missing:]),
    ]


def _matched(call: Call, report: _Report, kinds: dict[str, str], ledger: TimedLedger) -> Duration:
    true_start = ledger.wall_at(call.start)
    return Duration(
        operation=call.operation,
        kind=kinds[call.operation],
        trace_id=call.trace_id,
        true=call.seconds,
        state=Told.MATCHED,
        mode=report.mode,
        reported=report.seconds,
        start_error=None if true_start is None else report.start - true_start,
    )


def _untold(call: Call, kinds: dict[str, str], state: Told, reason: str) -> Duration:
    return Duration(
        operation=call.operation,
        kind=kinds[call.operation],
        trace_id=call.trace_id,
        true=call.seconds,
        state=state,
        reason=reason,
    )
