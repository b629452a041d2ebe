"""Slow operations: the ledger's truth against the transactions and profiles that arrived. Pure.

One pass over the transactions, one over the profiles. What is kept grows with the calls of marked operations, not
with the spans that arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..model.account import Finding
from ..model.arrival import Arrival
from ..model.ledger import Record
from ..model.profiling import OperationTold, ProfilingInfo
from ..model.scenario import COMPUTING, Operation, Profiling
from ..model.timing import Told
from ..protocol.spans import TransactionTold, told
from .attribution import Layout, Put, Seen, expected, seen
from .calls import Call, Calls, read_calls
from .left_out import LeftOut, rate_of
from .on_top import Samples, look_at_profiles
from .profiled import profiles_told
from .queries_seen import QueriesSeen
from .uninstrumented import unseen
from .wrongs import Findings

ITEMS = ("transaction", "span")
PROFILES = ("profile", "profile_chunk")

_NO_REASON = ("unexplained", "tracing_off")
_ENOUGH_QUERIES = 20
"""Transactions with queries, as many as slow calls are wanted of operations."""


@dataclass(frozen=True, slots=True)
class Slow:
    """What became of slow operations, and what is wrong with it."""

    info: ProfilingInfo
    findings: tuple[Finding, ...]
    doubts: tuple[str, ...] = ()
    """A sentence for each thing that nothing is known about."""


@dataclass(slots=True)
class _Look:
    """The state of one look at a run."""

    profiling: Profiling
    operations: tuple[Operation, ...]
    calls: Calls
    wrong: Findings
    queries: QueriesSeen
    left_out: LeftOut
    best: dict[Call, Put] = field(default_factory=dict)
    spoken: set[Call] = field(default_factory=set)
    """Calls with a span of their kind at their time."""
    transactions: list[Seen] = field(default_factory=list)


def look_at(
    records: Iterable[Record],
    items: Iterable[tuple[str, bytes]],
    profiles: Iterable[tuple[str, bytes]],
    *,
    operations: Iterable[Operation],
    profiling: Profiling,
    arrivals: Iterable[Arrival] = (),
    dropped: dict[str, int] | None = None,
) -> Slow:
    """Judge where the time of slow operations was put.

    ``items``: ``(item type, payload)`` of all transactions and spans that were accepted, ``profiles`` of all
    profiles and chunks, ``arrivals`` the transactions, spans and client reports, accepted or not. ``dropped``: profiles the SDK says it dropped, by reason.
    """
    operations = tuple(operations)
    wrong = Findings()
    left_out = LeftOut()
    calls = read_calls(left_out.reading(records), operations)
    look = _Look(profiling, operations, calls, wrong, QueriesSeen(profiling, wrong), left_out)
    notes: list[str] = []
    for transaction in told(items, notes):
        _see(look, transaction)
    left_out.settle(arrivals)
    burning = _burning(look)
    unprofiled, unread = look_at_profiles(profiles, look.transactions, burning)
    samples = [each for each in burning if each.profiled]
    _note_misplaced(look)
    look.queries.end()
    for each in samples:
        if not each.on_top:
            look.wrong.add(
                "profiling.top",
                each.call.operation.name,
                "not_on_top",
                each.instead,
                transaction=each.transaction,
            )
    unseen_count = 0
    for found in unseen(_bare(look), look.calls):
        unseen_count += 1
        look.wrong.add("profiling.uninstrumented", found.operation, found.reason, found.culprit, found.place)
    info = ProfilingInfo(
        transactions=len(look.transactions),
        unread=len(notes) + unread,
        operations=tuple(_told(look, operation, samples) for operation in operations),
        n_plus_one=look.queries.told(),
        undeclared=look.queries.undeclared,
        missed=look.queries.missed,
        profiles=profiles_told(profiling, look.transactions, unprofiled, dropped or {}),
        uninstrumented=unseen_count,
    )
    return Slow(info, wrong.all(), tuple(_doubts(look)))


def _see(look: _Look, transaction: TransactionTold) -> None:
    """Take in one transaction."""
    look.transactions.append(seen(transaction))
    look.left_out.see(transaction)
    calls = look.calls.by_trace.get(transaction.trace_id, ())
    layout = Layout(transaction) if calls else None
    for call in calls:
        assert layout is not None  # there are calls
        put = layout.put(call)
        if put.told:
            look.spoken.add(call)
        if call not in look.best or put.rank > look.best[call].rank:
            look.best[call] = put
    look.queries.see(transaction)


def _slow_calls(look: _Look, operation: Operation | None = None) -> Iterator[Call]:
    for call in look.calls:
        asked_for = operation is None or call.operation == operation
        if asked_for and call.seconds >= look.profiling.slow and not _left_out(look, call):
            yield call


def _left_out(look: _Look, call: Call) -> bool:
    """Its trace did not arrive, and should not have: the promised rate leaves it out."""
    if call in look.best or call.trace_id is None:
        return False
    return look.left_out.rightly(call.trace_id, call.process.sdk if call.process else None)


def _doubts(look: _Look) -> Iterator[str]:
    """What the run says nothing about: operations without a slow call to look for, and a run without anything."""
    for operation in look.operations:
        calls = [call for call in look.calls if call.operation == operation]
        slow = [call for call in calls if call.seconds >= look.profiling.slow]
        if calls and all(_left_out(look, call) for call in slow):
            why = (
                f"sampling left out the traces of all of its {len(slow)} slow calls: sample more, or send more requests"
                if slow
                else f"none of its {len(calls)} calls took {look.profiling.slow:g} s or more by itself: lower slow, or "
                "take the operation out"
            )
            yield f"operation {operation.name!r}: nothing is known about it, {why}"
    promises = look.profiling
    if (
        not (look.operations or promises.n_plus_one or promises.profiles)
        and look.queries.asked < _ENOUGH_QUERIES
    ):
        yield (
            f"only {look.queries.asked} of {len(look.transactions)} transactions hold a query of a database, and nothing "
            f"else is asked of them; {_ENOUGH_QUERIES} are needed to know about N+1 queries: send more requests, or "
            "add an [[operation]]"
        )


def _note_misplaced(look: _Look) -> None:
    for call in _slow_calls(look):
        name, put = call.operation.name, look.best.get(call)
        if put is None:
            look.wrong.add("profiling.attributed", name, *_no_transaction(look, call), trace_id=call.trace_id)
        elif put.reason != "attributed":
            look.wrong.add("profiling.attributed", name, put.reason, put.where, transaction=put.transaction)


def _no_transaction(look: _Look, call: Call) -> tuple[str, str]:
    if call.trace_id is None:
        return "no_request", "it ran for no request that the load sent"
    nothing = "no transaction of its trace arrived"
    sdk = call.process.sdk if call.process else None
    if sdk is None:
        return "no_transaction", f"{nothing}, and no SDK was set up in its process"
    rate = rate_of(sdk)
    if not rate and not sdk.options.get("traces_sampler"):
        return "no_transaction", f"{nothing}: traces_sample_rate={rate}"
    state, reason = look.left_out.why(call.trace_id)
    if state is Told.MISSAMPLED:
        return "no_transaction", f"{nothing}: sampling left it out although its sample_rand is below {rate:g}"
    return "no_transaction", nothing if reason in _NO_REASON else f"{nothing}: {reason}"


def _told(look: _Look, operation: Operation, samples: list[Samples]) -> OperationTold:
    slow = list(_slow_calls(look, operation))
    burnt = [each for each in samples if each.call.operation == operation]
    right = [call for call in slow if call in look.best and look.best[call].reason == "attributed"]
    return OperationTold(
        name=operation.name,
        kind=operation.kind,
        expected=expected(operation) + (f" on {operation.route}" if operation.route else ""),
        calls=sum(call.operation == operation for call in look.calls),
        slow=len(slow),
        attributed=len(right),
        burnt=len(burnt),
        on_top=sum(each.on_top for each in burnt),
    )


def _bare(look: _Look) -> list[Operation]:
    """Operations that ask others, and some of whose calls left no span although their transaction arrived."""
    without = {
        call.operation.name
        for call in look.best
        if call.operation.kind in ("http", "sql") and call not in look.spoken
    }
    return [operation for operation in look.operations if operation.name in without]


def _burning(look: _Look) -> list[Samples]:
    """The slow calls that computed for that long: processor time, which a busy machine does not stretch."""
    return [
        Samples(call, look.best[call].transaction)
        for call in _slow_calls(look)
        if call.operation.kind in COMPUTING and (call.cpu or 0.0) >= look.profiling.slow and call in look.best
    ]
