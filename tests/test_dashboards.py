"""The dashboards scenario: all widgets of the healthy shop are right, and each twin fails by the right metric and number."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_sentry_harness.harness.calibrate import assess
from pytest_sentry_harness.harness.folder import RunFolder, dashboard_files
from pytest_sentry_harness.harness.judge import judge_run
from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.dashboards import WidgetTold
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.plan.twins import twin_of
from pytest_sentry_harness.report.document import RunDocument

SCENARIO = load_scenario(Path(__file__).parent.parent / "scenarios" / "dashboards.toml")
BROKEN = [twin.name for twin in SCENARIO.twins if twin.dashboards]
"""Those with another dashboard: the run is the same."""
FED = ("a-third-of-the-errors-dropped",)
"""In which the shop itself has the defect; all others are played by ``dev.py calibrate``, which takes its time."""


def ran(runs: Path, twin: str = "") -> RunDocument:
    """The document of a run that came out as it has to."""
    document = run_scenario(twin_of(SCENARIO, twin) if twin else SCENARIO, runs=runs)
    assert assess(SCENARIO, twin, document).why == ""
    return document


def widgets(document: RunDocument) -> dict[str, WidgetTold]:
    info = document.dashboards
    assert info is not None
    assert sum(info.statuses.values()) == len(info.widgets)
    return {f"{each.dashboard} / {each.title}": each for each in info.widgets}


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_every_widget_shows_what_happened(tmp_path: Path) -> None:
    """Four templates and a file; then the same run under each broken dashboard, and from a copied folder, the same document."""
    document = ran(tmp_path)
    found = widgets(document)
    assert {each.status for each in found.values()} == {"ok"}
    assert (len(found), sum(len(each.held) for each in found.values())) == (33, 29)
    folder = RunFolder.open(tmp_path / document.run.id)
    copied = RunFolder.open(shutil.copytree(folder.path, tmp_path / "elsewhere" / folder.run_id))
    assert judge_run(copied, copied.read_scenario(), copied.read_facts()) == document
    for name in BROKEN:
        twin = twin_of(SCENARIO, name)
        for copy, source in dashboard_files(twin.dashboards).items():
            shutil.copyfile(source, folder.rules / copy)
        broken = judge_run(folder, twin, replace(folder.read_facts(), twin=name))
        assert assess(SCENARIO, name, broken).why == ""
        wrong = [each for each in widgets(broken).values() if each.status != "ok"]
        assert {each.dashboard for each in wrong} == {each.dashboard for each in wrong} - {"Shop", "Errors"}


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("twin", FED)
def test_each_twin_fails_by_its_metric_in_the_planted_size(tmp_path: Path, twin: str) -> None:
    """Each widget that is not right says why, with both numbers where one is known."""
    for title, widget in widgets(ran(tmp_path, twin)).items():
        assert (widget.status == "ok") == (widget.reason == ""), title
        assert [each for each in widget.held if not each.agrees] == [] or "known is" in " ".join(
            widget.because
        )


def test_every_kind_of_finding_has_a_twin() -> None:
    """Each metric that a widget can fail is failed by one, and the planted size is told."""
    planted = {twin.finds.metric for twin in SCENARIO.twins}
    assert planted == {f"dashboards.{name}" for name in ("invalid", "empty", "wrong", "stale")}
    assert [twin.name for twin in SCENARIO.twins if twin.finds.value is None] == []
