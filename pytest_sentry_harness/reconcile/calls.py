"""The marked operations that ran, by trace, with the time that each had for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..model.ledger import Record, SdkInit, Timed, Uses
from ..model.scenario import Operation
from .intervals import Interval, length, without
from .summary import Process, Summary


@dataclass(slots=True, eq=False)
class Call:
    """One call of a marked operation."""

    operation: Operation
    trace_id: str | None
    span: Interval
    """When it ran, epoch seconds."""
    cpu: float | None
    thread: str
    process: Process | None
    task: str | None = None
    own: tuple[Interval, ...] = ()
    """When it ran, and no other marked operation within it, in its own thread and task."""
    beside: tuple[Operation, ...] = ()
    """What ran in the meantime in other threads and tasks: nobody knows whether it waited for that, or not."""

    @property
    def seconds(self) -> float:
        """Seconds it had for itself."""
        return length(self.own)


@dataclass(slots=True)
class Calls:
    """What the ledger says of marked operations."""

    by_trace: dict[str, list[Call]] = field(default_factory=dict)
    outside: list[Call] = field(default_factory=list)
    """Those that ran for no request."""
    uses: list[tuple[Process | None, Uses]] = field(default_factory=list)
    inits: list[SdkInit] = field(default_factory=list)
    """The last set-up of each process that had one."""

    def __iter__(self) -> Iterator[Call]:
        for calls in self.by_trace.values():
            yield from calls
        yield from self.outside


def read_calls(records: Iterable[Record], operations: Iterable[Operation]) -> Calls:
    """Collect the calls of ``operations``; memory grows with their number only."""
    known = {operation.name: operation for operation in operations}
    found, summary = Calls(), Summary()
    for record in records:
        summary.see(record)
        process = summary.processes[-1] if summary.processes else None
        if isinstance(record, Uses):
            found.uses.append((process, record))
        elif isinstance(record, Timed) and record.operation in known:
            call = Call(
                operation=known[record.operation],
                trace_id=record.trace_id,
                span=(record.at - record.seconds, record.at),
                cpu=record.cpu,
                thread=record.thread,
                process=process,
                task=record.task,
            )
            if record.trace_id is None:
                found.outside.append(call)
            else:
                found.by_trace.setdefault(record.trace_id, []).append(call)
    found.inits = [process.sdk for process in summary.targets() if process.sdk is not None]
    for calls in found.by_trace.values():
        _share_out(calls)
    _share_out(found.outside, alone=True)
    return found


def _share_out(calls: list[Call], *, alone: bool = False) -> None:
    """Give each call the time in which none of the others ran wholly within it, as far as it called them itself."""
    calls.sort(key=lambda call: (call.span[0], -call.span[1]))
    for number, call in enumerate(calls):
        inner: list[Interval] = []
        beside: list[Operation] = []
        for later in calls[number + 1 :] if not alone else ():
            if later.span[0] >= call.span[1]:
                break
            if later.span[1] <= call.span[1] and later.span != call.span:
                if _place(later) == _place(call):
                    inner.append(later.span)
                else:
                    beside.append(later.operation)
        call.own = without(call.span, inner)
        call.beside = tuple(dict.fromkeys(beside))


def _place(call: Call) -> tuple[int, str, str | None]:
    """Where nothing else runs at the same time."""
    return id(call.process), call.thread, call.task
