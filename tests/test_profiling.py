"""Slow operations, from the application to the verdict, with a real SDK."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.harness.calibrate import assess
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_run
from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.plan.twins import twin_of
from pytest_sentry_harness.report.document import RunDocument

SCENARIO = load_scenario(Path(__file__).parent.parent / "scenarios" / "profiling.toml")


def ran(runs: Path, twin: str = "") -> RunDocument:
    """The document of a run that came out as it has to."""
    document = run_scenario(twin_of(SCENARIO, twin) if twin else SCENARIO, runs=runs)
    assert assess(SCENARIO, twin, document).why == ""
    return document


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_what_is_slow_is_found_where_it_is(tmp_path: Path) -> None:
    """All of it, with the query, the line, the burnt function, and what it took of the machine."""
    document = ran(tmp_path)
    info = document.profiling
    assert info is not None
    assert [(each.name, each.slow, each.attributed) for each in info.operations] == [
        ("render-report", 12, 12),
        ("export", 10, 10),
        ("search", 10, 10),
        ("quote", 10, 10),
    ]
    (queries,) = info.n_plus_one
    assert (queries.name, queries.route, queries.count, queries.transactions) == (
        "items-one-by-one",
        "/orders",
        10,
        10,
    )
    assert "FROM items WHERE order_id" in queries.query
    assert queries.place is not None
    assert queries.place.function == "<listcomp>" or queries.place.function == "orders_with_items"
    assert info.operations[0].on_top == info.operations[0].burnt > 0
    series = document.series
    assert series is not None
    assert series.cpu > 0.5
    assert series.rss.max > 30_000_000
    folder = RunFolder.open(tmp_path / document.run.id)
    assert judge_run(folder, folder.read_scenario(), folder.read_facts()) == document


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_a_library_whose_integration_is_off_is_named(tmp_path: Path) -> None:
    """With the line that uses it, and the option that is why."""
    document = ran(tmp_path, "httpx-integration-disabled")
    (finding,) = (each for each in document.findings if each.metric == "profiling.uninstrumented")
    assert finding.place is not None
    line = Path(finding.place.file).read_text().splitlines()[finding.place.line - 1]
    assert "upstream.get(" in line
    assert finding.culprit.startswith(
        f"httpx is used at {finding.place.file}:{finding.place.line} in quote and "
    )


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_queries_whose_line_the_sdk_leaves_out_are_missed(tmp_path: Path) -> None:
    """Which it does by default, for queries of less than 100 ms."""
    document = ran(tmp_path, "query-source-threshold")
    info = document.profiling
    assert info is not None
    assert info.missed == 10
    assert [(each.name, each.count, each.place) for each in info.n_plus_one] == [
        ("items-one-by-one", 10, None)
    ]
