"""The costs in the reports: every kind and arm, with bounds, beside what arrived."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from pytest_sentry_harness.criteria import overhead
from pytest_sentry_harness.report.overhead import notes, overhead_lines, print_overhead, rows
from tests.criteria.overhead_samples import evidence, launches

INFO = overhead.info(
    evidence(
        launches(
            4,
            {"list": 10.2, "order": 11.0},
            sent={"raised": 5, "errors": 4, "discarded": {"queue_overflow/error": 1}},
            slow={"list": 10.4, "order": 10.5},
        )
    )
)


def test_a_row_for_each_kind_and_arm() -> None:
    """The first row of a kind is what it costs without Sentry; the others say by how much more."""
    found = rows(INFO)
    assert [row[:2] for row in found] == [
        ("list", "without"),
        ("", "with"),
        ("", "slow"),
        ("order", "without"),
        ("", "with"),
        ("", "slow"),
    ]
    assert found[0][2:4] == ("10 ms", "10 ms")
    assert found[1][2].startswith("+2.")
    assert found[1][2].endswith("] %")


def test_the_account_stands_beside_the_cost() -> None:
    """What arrived, what was lost, and that losing is cheap."""
    said = notes(INFO)
    assert (
        said[0]
        == "4 launches, 1600 requests measured in each arm, process clock (nanoseconds), not pinned; enough"
    )
    assert "arm without: nothing arrived" in said
    assert (
        "arm with: 8 session arrived; 16 of 20 errors among them; the SDK says it dropped 4 queue_overflow/error; "
        "4 lost: what is not sent costs less"
    ) in said
    assert any(line.startswith("arm with: 40 [40, 40] MiB more memory (uss)") for line in said)


def test_what_the_server_refused_is_said() -> None:
    """With what it answered; the SDK may have dropped some of it on account of that, so that the sum is the least."""
    sent = {"items": {}, "refused": {"500/transaction": 3, "invalid/error": 1}}
    said = notes(overhead.info(evidence(launches(1, {"list": 10.0}, sent=sent))))
    assert (
        "arm with: nothing arrived; the server refused 3 transaction (500), 1 error (invalid); at least 4 lost: what is "
        "not sent costs less"
    ) in said


def test_the_terminal_shows_it() -> None:
    """A table and the notes; what the target could steer the terminal with is taken out."""
    text = StringIO()
    print_overhead(INFO, Console(file=text, width=140))
    assert "throughput lost" in text.getvalue()
    assert "arm with: 8 session arrived" in text.getvalue()


def test_markdown_shows_it() -> None:
    """A table with as many cells in each row as in its head."""
    lines = overhead_lines(INFO, lambda *cells: "| " + " | ".join(cells) + " |", lambda text: text)
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 6
    assert {line.count("|") for line in table} == {7}
    assert any(line.startswith("- arm slow: ") for line in lines)
