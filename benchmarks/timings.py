"""Hold a million measured durations against a million transactions: seconds, and peak memory.

    python benchmarks/timings.py [--calls 1000000] [--stream]

Times are processor time. Every trace has one measured call, and a transaction with two spans; one in a thousand has no
such span. ``--stream``: segments of streamed spans, read from their payloads, which can only be put together when all
have come. The memory is what stands when the result is there, with the result in it.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from collections.abc import Iterator

import msgspec

from pytest_sentry_harness.model.ledger import Hello, Record, SdkInit, Sent, Timed
from pytest_sentry_harness.model.scenario import Operation
from pytest_sentry_harness.protocol.spans import SpanTold, TransactionTold, told
from pytest_sentry_harness.reconcile.timings import join_timings

LOST_EVERY = 1000
WALL = 1_700_000_000.0
OPERATION = Operation(name="query", at="app:query", kind="sql", op="db*", description="SELECT *")


def hello(mono: float, role: str) -> Hello:
    """The beginning of a journal."""
    return msgspec.convert(
        {"at": WALL + mono, "mono": mono, "run_id": "r", "role": role, "pid": 1, "parent_pid": 0}
        | {"argv": (), "python": "3", "harness": "0"},
        Hello,
    )


def records(count: int) -> Iterator[Record]:
    """Each request as it was sent, and then each call, a millisecond apart."""
    yield hello(0.0, "load")
    for number in range(count):
        at = number / 1000
        yield Sent(at=WALL + at, mono=at, trace_id=f"{number:032x}", request="GET /", sample_rand=0.5)
    yield hello(0.0, "target")
    yield SdkInit(at=0, mono=0, version="2", active=True, dsn="d", options={"traces_sample_rate": 1.0})
    for number in range(count):
        end = number / 1000 + 0.5
        yield Timed(at=end, mono=end, operation="query", trace_id=f"{number:032x}", seconds=0.25)


def transactions(count: int) -> Iterator[TransactionTold]:
    """A transaction for every call."""
    for number in range(count):
        trace_id, start = f"{number:032x}", WALL + number / 1000 + 0.25
        op = "cache.get" if number % LOST_EVERY == 0 else "db"
        spans = tuple(
            SpanTold(
                trace_id=trace_id,
                span_id=f"{number:016x}",
                op=each,
                description="SELECT 1",
                start=start,
                end=start + 0.25,
            )
            for each in ("template.render", op)
        )
        yield TransactionTold(
            mode="static",
            event_id=trace_id,
            trace_id=trace_id,
            span_id=f"{number:016x}",
            name="/",
            start=start - 0.25,
            end=start + 0.5,
            spans=spans,
        )


def streamed(count: int) -> Iterator[tuple[str, bytes]]:
    """The same as items of streamed spans, one for each segment."""
    for each in transactions(count):
        segment = {"trace_id": each.trace_id, "span_id": each.span_id, "is_segment": True, "name": each.name}
        spans = [
            {
                "trace_id": span.trace_id,
                "span_id": f"{index:08x}{each.span_id[8:]}",
                "name": span.description,
                "start_timestamp": span.start,
                "end_timestamp": span.end,
                "attributes": {
                    "sentry.op": {"value": span.op, "type": "string"},
                    "sentry.segment.id": {"value": each.span_id, "type": "string"},
                    "sentry.segment.name": {"value": each.name, "type": "string"},
                    "db.system": {"value": "sqlite", "type": "string"},
                    "thread.id": {"value": "1", "type": "string"},
                },
            }
            for index, span in enumerate(each.spans, 1)
        ]
        times = {"start_timestamp": each.start, "end_timestamp": each.end}
        yield "span", msgspec.json.encode({"items": [*spans, segment | times]})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--stream", action="store_true")
    arguments = parser.parse_args()
    count = arguments.calls
    begun = time.process_time()
    for _ in records(count):
        pass
    for _ in streamed(count) if arguments.stream else transactions(count):
        pass
    reading = time.process_time() - begun
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begun = time.process_time()
    arrived = told(streamed(count), attributes=False) if arguments.stream else transactions(count)
    found = join_timings([OPERATION], records(count), arrived)
    whole = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    missing = -(-count // LOST_EVERY)
    states = Counter(str(each.state) for each in found.durations)
    assert states == {"matched": count - missing, "no_span": missing}, states
    print(f"{count} calls, {count} transactions, {missing} without a span: found all of them")
    print(f"making the records alone: {reading:.1f} s")
    print(f"joined in {whole:.1f} s, {whole - reading:.1f} s of it joining; ratio {whole / reading:.1f}")
    print(f"peak memory {peak:.0f} MB, {peak - before:.0f} MB of it by joining")


if __name__ == "__main__":
    main()
