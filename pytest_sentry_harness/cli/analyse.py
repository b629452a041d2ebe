"""``analyse``: what arrived in a run or a store, shown."""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..errors import HarnessError, UsageError
from ..harness.folder import RunFolder
from ..harness.objectives import Observed, observe, observe_run
from ..model.analysis import AnalysisInfo
from ..model.scenario import Objective
from ..model.verdict import EXIT_CODES, EXIT_USAGE, Verdict
from ..monitor.classification import DEFAULT
from ..monitor.grouping import GroupingConfig
from ..plan.objective_table import load_objectives
from ..report.analysis import print_analysis
from ..report.lines import printable
from ..report.objectives import print_objectives
from .gate import report_console


def analyse(run: Path | None, *, store: Path | None, objectives: Path | None, as_json: bool) -> int:
    """Show what is in the folder of a ``run``, or in a ``store``, and give the exit code."""
    try:
        found = _observed(run, store, objectives)
    except HarnessError as error:
        Console(stderr=True, soft_wrap=True).print(Text(f"sentry-harness: {error}"))
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_CODES[Verdict.ERROR]
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _show(found, report_console())
    assert found.analysis is not None  # it was asked for
    return EXIT_CODES[Verdict.INCONCLUSIVE if found.analysis.rates is None else Verdict.PASS]


def _observed(run: Path | None, store: Path | None, objectives: Path | None) -> Observed:
    if (run is None) == (store is None):
        raise UsageError(
            "name the folder of a run, or a --store: one of the two",
            hint="runs lie under .sentry-harness/runs; serve keeps its store in .sentry-harness/store",
        )
    given = None if objectives is None else load_objectives(objectives)
    if run is not None:
        return _of_run(run, given)
    assert store is not None
    return observe(store, given or (), (GroupingConfig.parse(), DEFAULT), str(objectives or store))


def _of_run(run: Path, given: tuple[Objective, ...] | None) -> Observed:
    folder = RunFolder.open(run)
    scenario = folder.read_scenario()
    return observe_run(folder, scenario, scenario.objectives if given is None else given)


def _show(found: Observed, console: Console) -> None:
    if found.objectives is not None:
        print_objectives(found.objectives, console)
    if found.analysis is not None:
        print_analysis(found.analysis, console)
        _show_classes(found.analysis, console)


def _show_classes(info: AnalysisInfo, console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("events", "category", "severity", "decided by", "e.g."):
        table.add_column(name, justify="right" if name == "events" else "left", overflow="fold")
    for each in info.classes:
        cells = (str(each.events), each.category, each.severity, each.because, each.example)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    if table.row_count:
        console.print(table)
