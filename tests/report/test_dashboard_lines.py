"""Widgets held against the ledger, in the reports."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from pytest_sentry_harness.model.dashboards import DashboardsInfo, DashboardTold, Held, ShownTold, WidgetTold
from pytest_sentry_harness.report.dashboards import dashboards_lines, lines_of, print_dashboards
from pytest_sentry_harness.report.lines import printable

HELD = Held(
    group="level fatal",
    aggregate="count()",
    unit="count",
    shown=2.0,
    known=3.0,
    within="",
    source="3 faults fired: broken",
    agrees=False,
    reason="left_out",
    why="all of them arrived",
)
WRONG = WidgetTold(
    dashboard="Errors",
    index=3,
    title="Errors by \x1b[31mlevel",
    status="wrong",
    reason="left_out",
    because=("count() of level fatal shows 2, known is 3",),
    doubts=("it is odd", "very odd"),
    shown=(ShownTold(group="level error", aggregate="count()", value=9.0, unit="count"),) * 5,
    held=(HELD, replace(HELD, group="", shown=None, within="5%")),
    matched=11,
    considered=12,
    behind=0.2,
)
GOOD = replace(
    WRONG,
    title="p95",
    status="ok",
    reason="",
    because=(),
    doubts=(),
    held=(),
    shown=tuple(
        ShownTold(group="", aggregate=name, value=750.0, unit="milliseconds")
        for name in ("p50(x)", "equation|" + "p95(x) + " * 9 + "1", "p99(x)", "p100(x)")
    ),
)
BARE = replace(GOOD, title="Issues", shown=())
INFO = DashboardsInfo(
    now=1_700_000_060.0,
    limit=60.0,
    dashboards=(DashboardTold(title="Errors", source="e.json", widgets=3, start=0.0, end=60.0),),
    statuses={
        "invalid": 0,
        "empty": 0,
        "wrong": 1,
        "stale": 0,
        "no_data": 0,
        "unsupported": 0,
        "quiet": 0,
        "ok": 2,
    },
    widgets=(WRONG, GOOD, BARE),
    compared=1,
    behind=0.2,
    rows={"event": 12, "transaction": 40},
)
SENTENCE = (
    "dashboards: 3 widgets of 1 dashboards = 1 wrong + 2 ok; 1 held against the ledger; at most 200 ms behind; over 12 event "
    "rows, 40 transaction rows"
)


def printed(info: DashboardsInfo) -> str:
    console = Console(file=io.StringIO(), width=220, force_terminal=True)
    print_dashboards(info, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_terminal_has_what_is_shown_and_what_is_known() -> None:
    """Numbers that are held, others only where none is; and no text of the target steers the terminal."""
    text = printed(INFO)
    assert SENTENCE in text
    assert "Errors / Errors by \ufffd[31mlevel" in text
    for part in (
        "wrong: left out",
        "level fatal: count() 2",
        "count() nothing",
        "level fatal: 3 (3 faults fired: broken)",
        "3 ± 5% (3 faults fired: broken)",
        "doubt: it is odd",
        "p50(x) 750 ms",
        "…",
        "11 rows",
    ):
        assert part in text
    assert "very odd" not in text
    assert "p100(x)" not in text


def test_markdown_has_the_same() -> None:
    """A row for each widget, in the order of the document."""
    lines = dashboards_lines(INFO, lambda *cells: "| " + " | ".join(cells) + " |", lambda text: text)
    assert lines[1] == f"{SENTENCE}  "
    rows = [line for line in lines if line.startswith("| Errors")]
    assert len(rows) == 3
    assert rows[0].split(" | ")[1:4] == [
        "wrong: left out",
        "level fatal: count() 2; count() nothing",
        "level fatal: 3 (3 faults fired: broken); 3 ± 5% (3 faults fired: broken)",
    ]


def test_nothing_to_show() -> None:
    """Neither widgets nor data: a sentence and no table."""
    info = replace(
        INFO, widgets=(), statuses=dict.fromkeys(INFO.statuses, 0), behind=None, rows={}, dashboards=()
    )
    assert lines_of(info) == [
        "dashboards: 0 widgets of 0 dashboards = nothing; 1 held against the ledger; none shows anything; over nothing"
    ]
    assert len(dashboards_lines(info, lambda *cells: "", lambda text: text)) == 3
    assert "status" not in printed(info)


def test_many_widgets_are_cut() -> None:
    """The worst come first, and the rest is named."""
    info = replace(INFO, widgets=(WRONG,) * 70, statuses=INFO.statuses | {"wrong": 70, "ok": 0})
    assert lines_of(info)[1:] == ["the worst 60 of 70 widgets follow; 70 are in run.json"]
    assert lines_of(replace(info, notes=("it is odd",) * 20))[2:] == ["! it is odd"] * 10
    lines = dashboards_lines(info, lambda *cells: "| " + cells[0], lambda text: text)
    assert len([line for line in lines if line.startswith("| Errors")]) == 60


def test_rows_and_long_values() -> None:
    """Of rows as they are the first is shown; what is long is cut."""
    row = ShownTold(group="issue 7, level error", aggregate="", value=None, unit="number")
    long = ShownTold(group="tag " + "x" * 300, aggregate="count()", value=1.0, unit="count")
    text = printed(replace(INFO, widgets=(replace(BARE, shown=(row,)), replace(GOOD, shown=(long,)))))
    assert "11 rows" in text
    assert "the first: issue 7, level error" in text
    assert "x" * 50 in text
    assert "x" * 61 not in text
    assert "…: count() 1" in text


def test_half_of_a_surrogate_pair_is_no_text() -> None:
    """Neither for the terminal nor for run.json."""
    assert "\ud800" not in printed(replace(INFO, widgets=(replace(GOOD, title="x\ud800"),)))
    assert printable("x\udfff") == "x\ufffd"
