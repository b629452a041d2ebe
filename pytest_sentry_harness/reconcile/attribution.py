"""Where a transaction puts the time of a slow operation.

A span's own time is what its children do not cover. The time of a call is put where most of it is own time of;
a span within a tenth of that counts as well, for calls that run side by side share their time with each other's spans.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..model.scenario import Operation
from ..protocol.spans import SpanTold, TransactionTold
from .calls import Call
from .intervals import Interval, shared, without

_NEARLY = 0.9
_MOST_TEXT = 100
_DEFAULT_OP = {"http": "http.client*", "sql": "db*"}
"""The ``op`` of spans of an operation of that kind that names none."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is kept of a transaction once it has been read."""

    name: str
    trace_id: str
    event_id: str | None
    profiler_id: str | None
    start: float
    end: float


def seen(transaction: TransactionTold) -> Seen:
    """What is kept of ``transaction``."""
    return Seen(
        name=transaction.name,
        trace_id=transaction.trace_id,
        event_id=transaction.event_id,
        profiler_id=transaction.profiler_id,
        start=transaction.start,
        end=transaction.end,
    )


@dataclass(frozen=True, slots=True)
class Put:
    """Where one transaction puts the time of one call."""

    reason: str
    """``attributed``, or what is wrong."""
    where: str
    overlap: float
    """Seconds of the call that are there."""
    on_route: bool
    told: bool
    """There is a span of the operation at that time, whatever it covers."""
    transaction: Seen

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Greater is nearer to the truth."""
        return self.reason == "attributed", self.on_route, self.overlap


class Layout:
    """A transaction, laid out as own times."""

    def __init__(self, transaction: TransactionTold) -> None:
        self.transaction = transaction
        self._children: dict[str, list[SpanTold]] = {}
        ids = {span.span_id for span in transaction.spans}
        for span in transaction.spans:
            parent = span.parent_span_id if span.parent_span_id in ids else transaction.span_id
            self._children.setdefault(parent or "", []).append(span)
        self._spans: tuple[SpanTold | None, ...] = (None, *transaction.spans)
        self._own = [self._own_time(span) for span in self._spans]

    def put(self, call: Call) -> Put:
        """Where the time of ``call`` is."""
        operation, transaction = call.operation, self.transaction
        covers: list[tuple[float, SpanTold | None]] = []
        for span, own in zip(self._spans, self._own, strict=True):
            if call.beside and _tells(operation, span):
                # It may have waited for what ran elsewhere: a span of that, below its own, takes nothing away from it.
                own = self._own_time(span, call.beside)
            covers.append((shared(own, call.own), span))
        most = max(seconds for seconds, _ in covers)
        near = [(seconds, span) for seconds, span in covers if seconds and seconds >= most * _NEARLY]
        right = [(seconds, span) for seconds, span in near if _tells(operation, span)]
        on_route = fnmatchcase(transaction.name, operation.route or "*")
        told = any(
            spoken_of(operation, span) and span.start < call.span[1] and call.span[0] < span.end
            for span in transaction.spans
        )
        if not near:
            where, reason = (
                f"transaction {_short(transaction.name)} was not running then",
                "outside_transaction",
            )
        elif right and not on_route:
            reason = "wrong_route"
            where = f"it is on route {_short(transaction.name)}, not {_short(operation.route)}"
        elif right:
            reason, where = "attributed", ""
        else:
            reason, where = self._wrong(operation, max(near, key=lambda each: each[0])[1])
        return Put(reason, where, most, on_route, told, seen(transaction))

    def _own_time(self, span: SpanTold | None, beside: Iterable[Operation] = ()) -> tuple[Interval, ...]:
        """When ``span`` (None: the transaction itself) ran, and nothing below it but what tells of ``beside``."""
        whole = self.transaction if span is None else span
        told = self._below(whole.span_id, tuple(beside))
        taken: list[Interval] = []
        for child in self._children.get(whole.span_id, ()):
            taken += without((child.start, child.end), told)
        return without((whole.start, whole.end), taken)

    def _below(self, span_id: str, beside: Sequence[Operation]) -> list[Interval]:
        """When spans anywhere below ``span_id`` ran that tell of ``beside``."""
        found: list[Interval] = []
        waiting, seen_ids = [span_id] if beside else [], {span_id}
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if any(_tells(operation, child) for operation in beside):
                    found.append((child.start, child.end))
                elif child.span_id not in seen_ids:  # ids of a broken payload may go round in a circle
                    seen_ids.add(child.span_id)
                    waiting.append(child.span_id)
        return found

    def _wrong(self, operation: Operation, span: SpanTold | None) -> tuple[str, str]:
        """Why ``span`` (None: the transaction itself) is not where it belongs, and what that is."""
        name = _short(self.transaction.name)
        if span is not None and not _framework(span):
            return (
                "wrong_span",
                f"it is in span {span.op} {_short(span.description)} of {name}, not in {expected(operation)}",
            )
        there = any(_tells(operation, each) for each in self.transaction.spans)
        where = f"it is in the transaction {name} itself"
        if there:
            return "wrong_span", f"{where}: {expected(operation)} is there, and does not cover it"
        return "no_span", f"{where}: {expected(operation)} is not there"


def expected(operation: Operation) -> str:
    """The span that should tell of ``operation``, for people."""
    if not operation.op and not operation.description:
        return "the transaction itself"
    return " ".join(
        ["span", *filter(None, (operation.op, operation.description and _short(operation.description)))]
    )


def spoken_of(operation: Operation, span: SpanTold) -> bool:
    """Whether ``span`` is of the kind that tells of ``operation``, also of one that names no span."""
    op = operation.op or _DEFAULT_OP.get(operation.kind, "*")
    return fnmatchcase(span.op, op) and fnmatchcase(span.description, operation.description or "*")


def _tells(operation: Operation, span: SpanTold | None) -> bool:
    """Whether ``span`` (None: the transaction itself) is the one that the scenario names for ``operation``."""
    if not operation.op and not operation.description:
        return span is None or _framework(span)
    return (
        span is not None
        and fnmatchcase(span.op, operation.op or "*")
        and fnmatchcase(span.description, operation.description or "*")
    )


def _framework(span: SpanTold) -> bool:
    """A span that only says which middleware the request went through: what is in it is the request itself."""
    return span.op.startswith("middleware.")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…")
