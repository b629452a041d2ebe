"""Four dashboards over many rows: rows per second through a query, and how it grows with rows and conditions.

    python benchmarks/dashboards.py [--rows 50000]

Times are processor time. The yardstick is the least that any evaluation could do in the same run: going once over the same
rows and reading one field of each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from pytest_sentry_harness.model.monitored import Event
from pytest_sentry_harness.monitor.dashboards import (
    TEMPLATES,
    Rows,
    check_dashboard,
    dashboard_from,
    template,
)
from pytest_sentry_harness.monitor.fields import fields_of_event, fields_of_transaction, session_rows
from pytest_sentry_harness.monitor.search import parse_search

START = 1_700_000_000.0
LEVELS = ("error", "error", "warning", "fatal")


def rows_of(count: int) -> Rows:
    """As many events, transactions and session buckets, over an hour."""
    step = 3600 / count
    events, transactions, sessions = [], [], []
    for number in range(count):
        at = START + number * step
        payload: dict[str, Any] = {
            "timestamp": at,
            "level": LEVELS[number % 4],
            "release": f"shop@1.{number % 5}",
            "environment": "production",
            "transaction": f"/route/{number % 20}",
            "user": {"id": str(number % 997)},
            "tags": {"server": f"web-{number % 8}"},
            "exception": {
                "values": [{"type": f"E{number % 30}", "value": "boom", "mechanism": {"handled": False}}]
            },
        }
        events.append(
            fields_of_event(Event(cursor=number, received_at=at, project="1", event_id="", data=payload))
        )
        transactions.append(
            fields_of_transaction(
                {
                    "start_timestamp": at - 0.05 - number % 100 / 100,
                    "timestamp": at,
                    "transaction": f"/route/{number % 20}",
                    "environment": "production",
                    "user": {"id": str(number % 997)},
                    "contexts": {"trace": {"status": "ok" if number % 20 else "internal_error"}},
                },
                received_at=at,
            )
        )
        sessions.append(
            (
                {
                    "attrs": {"release": f"shop@1.{number % 5}"},
                    "aggregates": [{"started": at, "exited": 9, "crashed": 1}],
                },
                at,
            )
        )
    return {"event": events, "transaction": transactions, "session": list(session_rows(sessions))}


def took(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print a line for each measurement."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=50_000)
    count: int = parser.parse_args().rows
    now = START + 3600
    for size in (count // 4, count):
        rows = rows_of(size)
        once = took(lambda rows=rows: [row("environment") for row in rows["event"]])
        print(f"{size} rows: reading one field of each for the first time {size / once:,.0f} rows/s")
        for name in TEMPLATES:
            board = template(name, environment=["production"])
            seconds = took(lambda board=board, rows=rows: check_dashboard(board, rows, now=now))
            each = seconds / len(board.widgets)
            print(
                f"  {name:16} {len(board.widgets)} widgets {seconds:6.2f} s, {size / each:9,.0f} rows/s per widget"
            )
    for conditions in (
        "",
        "level:error",
        "level:[error, fatal] server:web-* !error.type:E7 (release:a OR user:id:5*)",
    ):
        search = parse_search(conditions, kind="event")
        seconds = took(lambda search=search: [search.matches(row) for row in rows["event"]])
        print(f"  matches {conditions!r}: {count / seconds:,.0f} rows/s")
    query = {"fields": ["count()"], "conditions": "level:eror"}
    empty = dashboard_from({"title": "", "widgets": []} | {"title": "empty", "widgets": [
        {"title": "typo", "displayType": "big_number", "queries": [query]}]})  # fmt: skip
    seconds = took(lambda: check_dashboard(empty, rows, now=now))
    print(f"  why a widget is empty: {seconds:.2f} s")
    parsing = took(
        lambda: [parse_search("level:[error, fatal] server:web-* !x:1 (a:b OR c:d)") for _ in range(1000)]
    )
    print(f"  parsing a search: {parsing * 1000:.0f} us")


if __name__ == "__main__":
    main()
