"""The tables of a calibration."""

from __future__ import annotations

from pytest_sentry_harness.model.calibration import Calibration
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.report.calibration import twins_table


def run(file: str, twin: str = "", *, lost: int = 0, cause: str = "") -> Calibration:
    return Calibration(
        scenario=file,
        file=f"{file}.toml",
        twin=twin,
        stories=(),
        verdict=Verdict.FAIL if lost else Verdict.PASS,
        fired=10,
        lost=lost,
        attributed=lost if twin else 0,
        causes=((cause, lost),) if cause else (),
        why="",
        run_id="r",
        seconds=1.0,
    )


def test_healthy_runs_share_a_row_and_twins_have_their_own() -> None:
    """However often the healthy scenario ran, its losses stay in sight; ports, new in every run, do not."""
    answered = "refused, HTTP 404 by http://127.0.0.1:40875"
    results = [run("a"), run("a", lost=2), run("a"), run("a", "gone", lost=10, cause=answered), run("b")]
    page = twins_table(results)
    assert "1 twins: 10 of 10 losses reported for the planted cause. 4 healthy runs: 2 losses." in page
    assert [line for line in page.splitlines() if line.startswith(("| a", "| b"))] == [
        "| a | (healthy, 3 runs) | pass, fail | 30 | 2 | - |  |",
        "| a | gone | fail | 10 | 10 | 10 of 10 | refused, HTTP 404 by http://127.0.0.1:{port} |",
        "| b | (healthy) | pass | 10 | 0 | - |  |",
    ]
