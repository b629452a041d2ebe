"""What an armed fault point costs a call that meets no fault.

Run ``python benchmarks/fault_point.py``. Each way is timed in turn, many rounds interleaved, so that all of
them meet the same disturbances; the figure is the median over rounds, in nanoseconds per call. The
comparison is with the bare function in the same run, and with ``unittest.mock.patch``, the usual means.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

from pytest_sentry_harness.injection.injector import Injector
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.model.arming import ArmedFault

ROUNDS = 15
CALLS = 20_000
TARGET_NS = 300.0


def price(quantity: int, *, currency: str = "EUR") -> int:
    """A function as small as they come."""
    return quantity


async def fetch(quantity: int) -> int:
    """The same, asynchronous."""
    return quantity


def per_call(function: Callable[..., Any], calls: int) -> float:
    """Nanoseconds per call."""
    begin = time.perf_counter_ns()
    for _ in range(calls):
        function(1, currency="USD")
    return (time.perf_counter_ns() - begin) / calls


def per_await(function: Callable[..., Any], calls: int) -> float:
    """Nanoseconds per awaited call."""

    async def loop() -> float:
        begin = time.perf_counter_ns()
        for _ in range(calls):
            await function(1)
        return (time.perf_counter_ns() - begin) / calls

    return asyncio.run(loop())


def armed(name: str, select: str = "request") -> Injector:
    """An injector with one fault at ``name`` of this module."""
    injector = Injector(MemoryRecorder())
    fault = ArmedFault(name=name, at=f"{__name__}:{name}", do="0%raise", select=select)
    injector.arm(fault)
    injector.module_loaded(sys.modules[__name__], __name__)
    assert injector.states()[name].state == "armed", injector.states()
    return injector


def one_round() -> dict[str, float]:
    """Every way once."""
    figures = {"bare": per_call(price, CALLS), "async bare": per_await(fetch, CALLS)}
    for name, time_it in (("price", per_call), ("fetch", per_await)):
        prefix = "" if name == "price" else "async "
        function = globals()[name]
        injector = armed(name)
        figures[f"{prefix}armed, not firing"] = time_it(function, CALLS)
        injector.disarm()
        figures[f"{prefix}after disarming"] = time_it(function, CALLS)
    injector = armed("price", "call")
    figures["armed, decided at each call"] = per_call(price, CALLS // 10)
    injector.disarm()
    with mock.patch(f"{__name__}.price", wraps=price):
        figures["unittest.mock.patch"] = per_call(globals()["price"], CALLS // 20)
    with mock.patch(f"{__name__}.fetch", wraps=fetch):
        figures["async unittest.mock.patch"] = per_await(globals()["fetch"], CALLS // 20)
    return figures


def main() -> int:
    """Measure, print, and fail when the target is missed."""
    one_round()  # warm-up
    rounds = [one_round() for _ in range(ROUNDS)]
    median = {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}
    print(f"Python {sys.version.split()[0]}, {ROUNDS} rounds, median ns per call")
    for prefix in ("", "async "):
        bare = median[f"{prefix}bare"]
        for name in [name for name in median if name.startswith("async ") == bool(prefix)]:
            added = median[name] - bare
            print(f"  {name:32} {median[name]:9.1f}  added {added:+9.1f}  ratio {median[name] / bare:6.2f}")
    worst = max(median[f"{prefix}armed, not firing"] - median[f"{prefix}bare"] for prefix in ("", "async "))
    print(f"added by an armed point that does not fire: {worst:.1f} ns (target < {TARGET_NS:g} ns)")
    return 0 if worst < TARGET_NS else 1


if __name__ == "__main__":
    sys.exit(main())
