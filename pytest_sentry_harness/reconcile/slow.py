"""Slow operations: the ledger's truth against the transactions and profiles that arrived. Pure.

One pass over the transactions, one over the profiles. What is kept grows with the calls of marked operations, not
with the spans that arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..model.account import Finding
from ..model.ledger import Record, SdkInit
from ..model.profiling import OperationTold, ProfilesTold, ProfilingInfo
from ..model.scenario import COMPUTING, Operation, Profiling
from ..protocol.spans import TransactionTold, told
from .attribution import Layout, Put, Seen, expected, seen
from .calls import Call, Calls, read_calls
from .on_top import Samples, look_at_profiles
from .queries_seen import QueriesSeen
from .uninstrumented import unseen
from .wrongs import Findings

ITEMS = ("transaction", "span")
PROFILES = ("profile", "profile_chunk")
_BURNING = ("sync", "thread", "blocked")

_LONG = 0.25
"""Seconds in which two samples are taken even on a busy machine: the SDK takes a hundred a second."""


@dataclass(frozen=True, slots=True)
class Slow:
    """What became of slow operations, and what is wrong with it."""

    info: ProfilingInfo
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Look:
    """The state of one look at a run."""

    profiling: Profiling
    operations: tuple[Operation, ...]
    calls: Calls
    wrong: Findings
    queries: QueriesSeen
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
    dropped: dict[str, int] | None = None,
) -> Slow:
    """Judge where the time of slow operations was put.

    ``items``: ``(item type, payload)`` of all transactions and spans that were accepted, ``profiles`` of all
    profiles and chunks. ``dropped``: profiles the SDK says it dropped, by reason.
    """
    operations = tuple(operations)
    wrong = Findings()
    look = _Look(profiling, operations, read_calls(records, operations), wrong, QueriesSeen(profiling, wrong))
    notes: list[str] = []
    for transaction in told(items, notes):
        _see(look, transaction)
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
        profiles=_profiles_told(look, unprofiled, dropped or {}),
        uninstrumented=unseen_count,
    )
    return Slow(info, wrong.all())


def _see(look: _Look, transaction: TransactionTold) -> None:
    """Take in one transaction."""
    look.transactions.append(seen(transaction))
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
    """Its trace did not arrive, and tracing by a rate below 1 may be why: the dice are the criterion timing's business."""
    if call in look.best or call.trace_id is None:
        return False
    return 0 < (_rate(call.process.sdk if call.process else None) or 0) < 1


def _rate(sdk: SdkInit | None) -> float | None:
    rate = sdk.options.get("traces_sample_rate") if sdk is not None else None
    return float(rate) if isinstance(rate, int | float) else None


def _note_misplaced(look: _Look) -> None:
    for call in _slow_calls(look):
        name, put = call.operation.name, look.best.get(call)
        if put is None:
            look.wrong.add("profiling.attributed", name, *_no_transaction(call), trace_id=call.trace_id)
        elif put.reason != "attributed":
            look.wrong.add("profiling.attributed", name, put.reason, put.where, transaction=put.transaction)


def _no_transaction(call: Call) -> tuple[str, str]:
    if call.trace_id is None:
        return "no_request", "it ran for no request that the load sent"
    sdk = call.process.sdk if call.process else None
    if sdk is None:
        return "no_transaction", "no transaction of its trace arrived, and no SDK was set up in its process"
    rate = _rate(sdk)
    if not rate and not sdk.options.get("traces_sampler"):
        return "no_transaction", f"no transaction of its trace arrived: traces_sample_rate={rate}"
    return "no_transaction", "no transaction of its trace arrived"


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


def _profiles_told(look: _Look, unprofiled: list[Seen], dropped: dict[str, int]) -> ProfilesTold:
    """How many transactions have a profile, of those that lasted long enough for the two samples it needs.

    A thread takes the samples, and may be late: so many of the shortest as the SDK says it could not profile
    for that reason are no sign of anything, unless they are long by any measure.
    """
    excused = sorted(
        (each for each in unprofiled if each.end - each.start < _LONG), key=lambda each: each.end - each.start
    )[: dropped.get("insufficient_data", 0)]
    without, left_out = set(map(id, unprofiled)), set(map(id, excused))
    counted = [
        each
        for each in look.transactions
        if each.end - each.start >= look.profiling.slow and id(each) not in left_out
    ]
    return ProfilesTold(
        promised=look.profiling.profiles,
        transactions=len(counted),
        profiled=sum(id(each) not in without for each in counted),
        short=len(look.transactions) - len(counted),
        lost=dropped,
    )


def _burning(look: _Look) -> list[Samples]:
    """The slow calls that computed for that long: processor time, which a busy machine does not stretch."""
    return [
        Samples(call, look.best[call].transaction)
        for call in _slow_calls(look)
        if call.operation.kind in COMPUTING and (call.cpu or 0.0) >= look.profiling.slow and call in look.best
    ]
