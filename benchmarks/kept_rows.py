"""What a million rows cost that dashboards are evaluated over: memory and time to read, and time for each widget.

    python benchmarks/kept_rows.py [--rows 1000000]

The payloads are transactions as an SDK sends them, read as JSON one after the other as from a store. Times are processor time. The
yardstick is reading them and keeping nothing.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator

from pytest_sentry_harness.monitor.dashboards import TEMPLATES, asked_of, check_dashboard, template
from pytest_sentry_harness.monitor.fields import KeptRows, Row, fields_of_transaction
from pytest_sentry_harness.protocol.tolerant import json_object

START = 1_700_000_000.0


def payloads(count: int) -> Iterator[tuple[float, bytes]]:
    """Transactions of an hour, each with five spans; times and users differ, the rest is as in any service."""
    for number in range(count):
        at = START + 3600 * number / count
        trace = f"{number:032x}"
        spans = [
            {
                "op": "db",
                "description": "SELECT 1",
                "span_id": f"{each:016x}",
                "start_timestamp": at - 0.1,
                "timestamp": at,
            }
            for each in range(5)
        ]
        data = {
            "event_id": trace,
            "start_timestamp": at - 0.05 - (number * 7919 % 100_003) / 1e6,
            "timestamp": at,
            "transaction": f"/route/{number % 20}",
            "environment": "production",
            "release": "shop@1.4.0",
            "user": {"id": str(number % 9973)},
            "contexts": {"trace": {"trace_id": trace, "status": "ok" if number % 20 else "internal_error"}},
            "request": {"method": "GET", "url": "http://shop/route", "headers": {"accept": "*/*"}},
            "spans": spans,
        }
        yield at, json.dumps(data).encode()


def rows(count: int) -> Iterator[Row]:
    """The rows of them."""
    for at, payload in payloads(count):
        yield fields_of_transaction(json_object(payload, "the transaction"), received_at=at, project="1")


def took(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def megabytes() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Read, keep, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    count = parser.parse_args().rows
    boards = [template(name, environment=["production"]) for name in TEMPLATES]
    names = asked_of(boards)["transaction"]
    making = took(lambda: sum(len(payload) for _, payload in payloads(count)))
    reading = took(lambda: sum(1 for _ in rows(count))) - making
    before = megabytes()
    kept: list[KeptRows] = []
    keeping = took(lambda: kept.append(KeptRows("transaction", lambda: rows(count), names))) - making
    print(f"{count} transactions, fields {', '.join(names)}")
    print(f"read and not kept {reading:.1f} s; read and kept {keeping:.1f} s, {megabytes() - before:.0f} MiB")
    of_transactions = [board for board in boards if board.title not in ("Errors", "Release health")]
    widgets = sum(len(board.widgets) for board in of_transactions)
    looking = took(
        lambda: [
            check_dashboard(board, {"transaction": kept[0]}, now=START + 3700) for board in of_transactions
        ]
    )
    print(
        f"{widgets} widgets {looking:.1f} s, {looking / widgets:.2f} s each; {megabytes() - before:.0f} MiB at most"
    )


if __name__ == "__main__":
    main()
