"""Reconcile a million faults with a million arrivals: seconds, and peak memory.

    python benchmarks/reconcile.py [--faults 1000000]

Times are processor time: what else the machine does at the moment counts less. The ratio is against the least any judge
could do in the same run: going once over the same ledger and store without joining them.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator

from pytest_sentry_harness.model.arrival import Arrival
from pytest_sentry_harness.model.ledger import Fired, Hello, Record, SdkInit, SdkSaw
from pytest_sentry_harness.reconcile.reconcile import reconcile

LOST_EVERY = 1000


def records(count: int) -> Iterator[Record]:
    """A ledger of ``count`` faults, each fired and seen by the SDK."""
    yield Hello(
        at=0, mono=0, run_id="r", role="target", pid=1, parent_pid=0, argv=(), python="3", harness="0"
    )
    yield SdkInit(at=0, mono=0, version="2.75.0", active=True, dsn="d")
    for number in range(count):
        fault_id, event_id = f"db-timeout-{number:06d}", f"{number:032x}"
        yield Fired(
            at=float(number),
            mono=float(number),
            fault_id=fault_id,
            fault="db-timeout",
            point="app:save",
            effect="raise",
            term="raise(TimeoutError)",
            trace_id=event_id,
            exception_type="TimeoutError",
        )
        yield SdkSaw(at=float(number), mono=float(number), fault_ids=(fault_id,), event_id=event_id)


def arrivals(count: int) -> Iterator[Arrival]:
    """An event for every fault but one in ``LOST_EVERY``, and one that belongs to nobody instead."""
    for number in range(count):
        lost = number % LOST_EVERY == 0
        yield Arrival(
            cursor=number + 1,
            request=number + 1,
            position=0,
            project="1",
            received_at=float(number + 1),
            received_mono=float(number + 1),
            status=200,
            outcome="accepted",
            item_type="event",
            event_id=f"{number + (1 << 100 if lost else 0):032x}",
            trace_id=f"{number + (1 << 100 if lost else 0):032x}",
            exceptions=(("TimeoutError", ""),),
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", type=int, default=1_000_000)
    count = parser.parse_args().faults
    begun = time.process_time()
    for _ in records(count):
        pass
    for _ in arrivals(count):
        pass
    reading = time.process_time() - begun
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begun = time.process_time()
    account = reconcile(records(count), arrivals(count), {}, late_after=1e12).account
    whole = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    expected = -(-count // LOST_EVERY)
    lost = account.expected - account.captured
    assert (lost, account.unexpected) == (expected, expected), (lost, account.unexpected)
    print(f"{count} faults, {count} arrivals, {lost} lost: found all of them")
    print(f"making the records alone: {reading:.1f} s")
    print(f"reconciled in {whole:.1f} s, {whole - reading:.1f} s of it joining; ratio {whole / reading:.1f}")
    print(f"peak memory {peak:.0f} MB, {peak - before:.0f} MB of it by reconciling")


if __name__ == "__main__":
    main()
