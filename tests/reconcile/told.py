"""Ledgers, transactions and profiles made by hand, for tests of slow operations. Times are seconds after ``ZERO``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pytest_sentry_harness.model.ledger import Hello, Place, Record, SdkDiscarded, SdkInit, Sent, Timed, Uses
from pytest_sentry_harness.model.scenario import NPlusOne, Operation, Profiling
from pytest_sentry_harness.reconcile.slow import Slow, look_at

ZERO = 1_800_000_000.0
TRACE = "a" * 32
ROOT = "0" * 16


def span(
    number: int,
    start: float,
    end: float,
    op: str = "",
    description: str = "",
    parent: int | None = None,
    **data: Any,
) -> dict[str, Any]:
    """One span of a transaction, below the transaction itself unless it has a ``parent``."""
    return {
        "trace_id": TRACE,
        "span_id": f"{number:016x}",
        "parent_span_id": ROOT if parent is None else f"{parent:016x}",
        "op": op,
        "description": description,
        "start_timestamp": ZERO + start,
        "timestamp": ZERO + end,
        "data": data,
    }


@dataclass
class Told:
    """What a run left behind."""

    operations: list[Operation] = field(default_factory=list)
    profiling: Profiling = field(default_factory=Profiling)
    records: list[Record] = field(default_factory=list)
    items: list[tuple[str, bytes]] = field(default_factory=list)
    profiles: list[tuple[str, bytes]] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)

    def process(self, *integrations: str, **options: Any) -> None:
        """A process of the target, with its SDK."""
        self.records.append(
            Hello(
                at=ZERO,
                mono=0,
                run_id="r",
                role="target",
                pid=7,
                parent_pid=1,
                argv=(),
                python="3.11",
                harness="1",
            )
        )
        self.records.append(
            SdkInit(
                at=ZERO,
                mono=0,
                version="2.75.0",
                active=True,
                dsn="http://***@127.0.0.1/1",
                options={"traces_sample_rate": 1.0, **options},
                integrations=integrations,
                place=Place(file="/srv/shop/sentry.py", line=3, function="<module>"),
            )
        )

    def operation(self, name: str = "work", **fields: Any) -> Operation:
        """A marked operation."""
        operation = Operation(**{"name": name, "at": f"shop:{name}", **fields})
        self.operations.append(operation)
        return operation

    def timed(
        self,
        start: float,
        end: float,
        name: str = "work",
        trace: str | None = TRACE,
        cpu: float | None = None,
        thread: str = "MainThread",
        task: str | None = None,
    ) -> None:
        """One call of it."""
        self.records.append(
            Timed(
                at=ZERO + end,
                mono=end,
                operation=name,
                trace_id=trace,
                seconds=end - start,
                cpu=cpu,
                thread=thread,
                task=task,
            )
        )

    def sent(self, rand: float, trace: str = TRACE) -> None:
        """The load asked for a trace."""
        self.records.append(Sent(at=ZERO, mono=0, trace_id=trace, request="GET /orders", sample_rand=rand))

    def discarded(self, reason: str, quantity: int = 1) -> None:
        """Transactions that the SDK counted as lost."""
        self.records.append(
            SdkDiscarded(
                at=ZERO, mono=0, event_id=None, reason=reason, category="transaction", quantity=quantity
            )
        )

    def uses(self, library: str, name: str = "work") -> None:
        """The operation reaches for a library."""
        place = Place(file="/srv/shop/shop.py", line=12, function="fetch")
        self.records.append(Uses(at=ZERO, mono=0, operation=name, library=library, place=place))

    def transaction(
        self,
        start: float,
        end: float,
        *spans: dict[str, Any],
        name: str = "/orders",
        event: str = "e" * 32,
        trace: str = TRACE,
        root: str = ROOT,
        profiler: str | None = None,
    ) -> None:
        """A transaction that arrived."""
        contexts: dict[str, Any] = {"trace": {"trace_id": trace, "span_id": root, "op": "http.server"}}
        if profiler is not None:
            contexts["profile"] = {"profiler_id": profiler}
        payload = {
            "type": "transaction",
            "event_id": event,
            "transaction": name,
            "start_timestamp": ZERO + start,
            "timestamp": ZERO + end,
            "contexts": contexts,
            "spans": list(spans),
        }
        self.items.append(("transaction", json.dumps(payload).encode()))

    def look(self) -> Slow:
        """Judge it."""
        return look_at(
            self.records,
            self.items,
            self.profiles,
            operations=self.operations,
            profiling=self.profiling,
            dropped=self.dropped,
        )

    def wrong(self, metric: str) -> list[tuple[str, str, str, int]]:
        """Operation, reason, words and count of the findings that ``metric`` counts."""
        return [
            (finding.fault, finding.reason, finding.culprit, finding.count)
            for finding in self.look().findings
            if finding.metric == metric
        ]

    def sampled(
        self,
        moments: list[float],
        *stacks: list[tuple[str, str, bool]],
        event: str = "e" * 32,
        thread: str = "1",
        started: float = 0.0,
        name: str = "MainThread",
    ) -> None:
        """A profile of one transaction: at each of ``moments`` each of ``stacks``, innermost frame first."""
        frames = [
            {"module": module, "function": function, "in_app": in_app, "lineno": 5}
            for stack in stacks
            for module, function, in_app in stack
        ]
        indices, index = [], 0
        for stack in stacks:
            indices.append(list(range(index, index + len(stack))))
            index += len(stack)
        payload = {
            "version": "1",
            "event_id": "f" * 32,
            "timestamp": ZERO + started,
            "transactions": [{"id": event, "name": "/orders", "trace_id": TRACE, "active_thread_id": thread}],
            "profile": {
                "frames": frames,
                "stacks": indices,
                "samples": [
                    {
                        "elapsed_since_start_ns": str(round((at - started) * 1e9)),
                        "thread_id": thread,
                        "stack_id": number,
                    }
                    for at in moments
                    for number in range(len(stacks))
                ],
                "thread_metadata": {thread: {"name": name}},
            },
        }
        self.profiles.append(("profile", json.dumps(payload).encode()))

    def chunk(self, moments: list[float], stack: list[tuple[str, str, bool]], profiler: str = "p") -> None:
        """A chunk of a continuous profile."""
        payload = {
            "version": "2",
            "profiler_id": profiler,
            "chunk_id": "c",
            "profile": {
                "frames": [{"module": m, "function": f, "in_app": a} for m, f, a in stack],
                "stacks": [list(range(len(stack)))],
                "samples": [{"timestamp": ZERO + at, "thread_id": "1", "stack_id": 0} for at in moments],
                "thread_metadata": {},
            },
        }
        self.profiles.append(("profile_chunk", json.dumps(payload).encode()))

    def planted(self, **fields: Any) -> None:
        """Declare N+1 queries."""
        given = {"name": "items", "route": "/orders", "description": "SELECT*items*", "count": 5, **fields}
        self.profiling = Profiling(n_plus_one=(NPlusOne(**given),))

    def queries(
        self,
        count: int,
        *,
        each: float = 0.02,
        query: str = "SELECT name FROM items WHERE id = %s",
        source: bool = True,
        **data: Any,
    ) -> None:
        """A transaction with a query that is asked again and again."""
        first = [span(1, 0, 0.01, "db", "SELECT id FROM orders")] if source else []
        again = [
            span(
                2 + number,
                0.01 + number * each,
                0.01 + (number + 1) * each,
                "db",
                query.replace("%d", str(number)),
                **data,
            )
            for number in range(count)
        ]
        self.transaction(0, 0.02 + count * each, *first, *again)
