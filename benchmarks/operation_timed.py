"""What it costs a call to be measured as an operation.

Run ``python benchmarks/operation_timed.py``. Each way is timed in turn, many rounds interleaved, so that all of
them meet the same disturbances; the figure is the median over rounds, in microseconds of processor time per call. Records go to a
journal on disk as in a run, and for comparison to nowhere: the difference is the ledger line.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, TypeVar

from pytest_sentry_harness.injection.injector import Injector
from pytest_sentry_harness.injection.recorder import Recorder
from pytest_sentry_harness.ledger.journal import Journal
from pytest_sentry_harness.model.arming import ArmedOperation
from pytest_sentry_harness.model.ledger import Record

ROUNDS = 15
CALLS = 2_000
TARGET_US = 15.0

R = TypeVar("R", bound=Record)


class Nowhere:
    """Takes records, and forgets them."""

    def write(self, kind: type[R], /, **fields: Any) -> R:
        """Give back a record without keeping it."""
        return kind(at=0.0, mono=0.0, **fields)

    def append(self, record: Record) -> None:
        """Forget a record."""


def price(quantity: int) -> int:
    """A function as small as they come."""
    return quantity


async def fetch(quantity: int) -> int:
    """The same, asynchronous."""
    return quantity


def per_call(function: Callable[..., Any]) -> float:
    """Microseconds of processor time per call."""
    begin = time.thread_time_ns()
    for _ in range(CALLS):
        function(1)
    return (time.thread_time_ns() - begin) / CALLS / 1000


def per_await(function: Callable[..., Any]) -> float:
    """Microseconds of processor time per awaited call."""

    async def loop() -> float:
        begin = time.thread_time_ns()
        for _ in range(CALLS):
            await function(1)
        return (time.thread_time_ns() - begin) / CALLS / 1000

    return asyncio.run(loop())


def armed(name: str, recorder: Recorder) -> Injector:
    """An injector that measures ``name`` of this module."""
    injector = Injector(recorder)
    injector.arm_operation(ArmedOperation(name=name, at=f"{__name__}:{name}"))
    injector.module_loaded(sys.modules[__name__], __name__)
    assert injector.operation_states()[name].state == "armed", injector.operation_states()
    return injector


def one_round(journal: Journal) -> dict[str, float]:
    """Every way once."""
    figures = {}
    for name, time_it in (("price", per_call), ("fetch", per_await)):
        prefix = "" if name == "price" else "async "
        function = globals()[name]
        figures[f"{prefix}bare"] = time_it(function)
        for way, recorder in (("measured", journal), ("measured, not written", Nowhere())):
            injector = armed(name, recorder)
            figures[f"{prefix}{way}"] = time_it(function)
            injector.disarm()
        figures[f"{prefix}after disarming"] = time_it(function)
    return figures


def main() -> int:
    """Measure, print, and fail when the target is missed."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, run_id="benchmark", role="target")
        one_round(journal)  # warm-up
        rounds = [one_round(journal) for _ in range(ROUNDS)]
        journal.close("exit")
    median = {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}
    print(f"Python {sys.version.split()[0]}, {ROUNDS} rounds, median microseconds per call")
    for prefix in ("", "async "):
        bare = median[f"{prefix}bare"]
        for name in [name for name in median if name.startswith("async ") == bool(prefix)]:
            added = median[name] - bare
            print(f"  {name:30} {median[name]:8.3f}  added {added:+8.3f}  ratio {median[name] / bare:8.1f}")
    worst = max(median[f"{prefix}measured"] - median[f"{prefix}bare"] for prefix in ("", "async "))
    print(f"added by measuring a call: {worst:.1f} us (target < {TARGET_US:g} us)")
    return 0 if worst < TARGET_US else 1


if __name__ == "__main__":
    sys.exit(main())
