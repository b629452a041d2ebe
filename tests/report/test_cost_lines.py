"""The breakdown of the cost as tables."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from pytest_sentry_harness.criteria.cost import cost_table
from pytest_sentry_harness.model.overhead import OverheadOption
from pytest_sentry_harness.report.cost import cost_markdown, print_cost
from tests.criteria.overhead_samples import evidence, launches

OPTIONS = (OverheadOption(name="locals", advice="leave them out | or not"), OverheadOption(name="same"))
TABLE = cost_table(
    "s",
    evidence(launches(5, {"order": 11.0}, locals={"order": 13.0}, same={"order": 11.0})),
    OPTIONS,
    61.0,
)


def test_markdown_has_a_table_for_each_kind() -> None:
    """Values with their intervals; what cannot be told from zero is marked; cells cannot break the table."""
    text = cost_markdown(TABLE)
    assert text.startswith("**order: 10 000 µs of CPU without Sentry**\n\n| toggled | ")
    (locals_row,) = [line for line in text.splitlines() if line.startswith("| locals")]
    assert "| +2 000 [+1 9" in locals_row
    assert "| +20.0 [+19." in locals_row
    assert "| same | \\~ +0 [" in text
    assert "- **locals**: leave them out \\| or not" in text
    assert "5 launches of all arms side by side, 1000 requests measured in each arm, 61 s" in text


def test_the_terminal_shows_the_same() -> None:
    """One table for each kind, what to do, and how it was measured."""
    out = StringIO()
    print_cost(TABLE, Console(file=out, width=100))
    assert "order: 10 000 µs of CPU without Sentry" in out.getvalue()
    assert "locals: leave them out | or not" in out.getvalue()
    assert "against Sentry as configured" in out.getvalue()


def test_many_doubts_are_cut_short() -> None:
    """A table is not buried under them."""
    found = launches(1, {"order": 11.0}, locals={"order": 13.0}, same={"order": 11.0})
    from dataclasses import replace

    doubtful = (replace(found[0], doubts=tuple(f"doubt {number}" for number in range(9))),)
    text = cost_markdown(cost_table("s", evidence(doubtful), OPTIONS, 61.0))
    assert "- doubt 5\n" in text
    assert "- and 4 more of the kind\n" in text
