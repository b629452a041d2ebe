"""Slow operations in the reports."""

from __future__ import annotations

import io

from rich.console import Console

from pytest_sentry_harness.model.ledger import Place
from pytest_sentry_harness.model.profiling import OperationTold, ProfilesTold, ProfilingInfo, QueriesTold
from pytest_sentry_harness.report.profiling import print_profiling, profiling_lines

QUERIES = QueriesTold(
    name="items",
    route="/orders",
    query="SELECT name FROM items WHERE order_id = %s",
    count=10,
    seconds=0.08,
    transactions=16,
    place=Place(file="shop/orders.py", line=31, function="items"),
)
INFO = ProfilingInfo(
    transactions=60,
    unread=0,
    operations=(
        OperationTold(
            name="render", kind="sync", expected="span function 'render' on /report", calls=40, slow=30, attributed=29,
            burnt=20, on_top=19,
        ),
        OperationTold(name="idle", kind="http", expected="the transaction itself", calls=3, slow=0, attributed=0),
    ),
    n_plus_one=(QUERIES,),
    undeclared=0,
    missed=0,
    profiles=ProfilesTold(promised=0.5, transactions=40, profiled=20, short=20, lost={"insufficient_data": 3}),
    uninstrumented=0,
)  # fmt: skip
N_PLUS_ONE = (
    "N+1 queries (items) on /orders: 10 times SELECT name FROM items WHERE order_id = %s, 80 ms together, in 16 "
    "transactions, asked at shop/orders.py:31"
)
PROFILES = (
    "profiles: 20 of 40 transactions that could have one, 50 % promised, 20 too short, "
    "3 dropped by the SDK (insufficient_data)"
)


def printed(info: ProfilingInfo) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    print_profiling(info, console)
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def lines(info: ProfilingInfo) -> list[str]:
    return profiling_lines(info, lambda *cells: " | ".join(cells), lambda text: text)


def test_both_reports_say_the_same() -> None:
    """A row for each operation, a line for each N+1 query, and one for profiles."""
    for found in (printed(INFO), [line.removeprefix("- ").replace(" | ", " ") for line in lines(INFO)]):
        assert "render span function 'render' on /report 30 of 40 29 of 30 19 of 20" in found
        assert "idle the transaction itself 0 of 3 - -" in found
        assert found[found.index("slow operations: 60 transactions") + 1 :][:2] == [N_PLUS_ONE, PROFILES]


def test_little_is_said_of_little() -> None:
    """No table without operations, and no promise without one."""
    profiles = ProfilesTold(promised=0.0, transactions=0, profiled=0, short=0, lost={})
    few = ProfilingInfo(
        transactions=1, unread=2, operations=(), n_plus_one=(), undeclared=0, missed=0, profiles=profiles, uninstrumented=0
    )  # fmt: skip
    expected = [
        "slow operations: 1 transactions, 2 items could not be read",
        "profiles: 0 of 0 transactions that could have one",
    ]
    assert printed(few) == expected
    assert [line for line in lines(few) if line] == [f"- {line}" for line in expected]


def test_what_is_long_is_cut() -> None:
    """Queries by their length, and by their number."""
    undeclared = QueriesTold(
        name="", route="/", query="SELECT " + "x" * 500, count=5, seconds=1.5, transactions=1, place=None
    )
    many = [
        line
        for line in printed(
            ProfilingInfo(
                transactions=1,
                unread=0,
                operations=(),
                n_plus_one=(undeclared,) * 21,
                undeclared=21,
                missed=0,
                profiles=INFO.profiles,
                uninstrumented=0,
            )  # fmt: skip
        )
        if "N+1" in line
    ]
    assert len(many) == 21
    assert many[0].startswith("N+1 queries (not declared) on /: 5 times SELECT xxx")
    assert many[0].endswith("xxx…, 1.5 s together, in 1 transactions, no line told")
    assert many[-1] == "1 more N+1 queries in run.json"
