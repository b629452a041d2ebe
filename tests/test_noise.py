"""The noise scenario: the healthy shop passes, and each twin fails by the right metric with the planted number."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.harness.calibrate import assess
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_run
from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.monitor.grouping import CONFIG_ID
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.plan.twins import twin_of
from pytest_sentry_harness.report.document import RunDocument

SCENARIO = load_scenario(Path(__file__).parent.parent / "scenarios" / "noise.toml")
PLAYED = ("id-in-the-message", "one-helper-for-all", "every-attempt-reported")
"""One of each kind; all others are played by ``dev.py calibrate``, which takes its time."""


def ran(runs: Path, twin: str = "") -> RunDocument:
    """The document of a run that came out as it has to."""
    document = run_scenario(twin_of(SCENARIO, twin) if twin else SCENARIO, runs=runs)
    assert assess(SCENARIO, twin, document).why == ""
    return document


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_six_failures_become_six_issues(tmp_path: Path) -> None:
    """Ninety events, two thirds of them of raised errors; judged again from the folder the document is the same."""
    document = ran(tmp_path)
    info = document.noise
    assert info is not None
    assert info.config == f"{CONFIG_ID} (subset)"
    assert (info.events, info.by_trace, info.unlabelled, info.issues) == (90, 30, 0, 6)
    assert (info.precision, info.recall, info.duplicates) == (1.0, 1.0, 0)
    assert {(cause.events, cause.requests, cause.issues) for cause in info.causes} == {(15, 15, 1)}
    folder = RunFolder.open(tmp_path / document.run.id)
    assert judge_run(folder, folder.read_scenario(), folder.read_facts()) == document


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("twin", PLAYED)
def test_each_twin_fails_by_its_metric_in_the_planted_size(tmp_path: Path, twin: str) -> None:
    """With the offending frames or texts in the finding, and no other gate of grouping red where it says so."""
    info = ran(tmp_path, twin).noise
    assert info is not None
    assert info.unlabelled == 0
    wrong = [row for row in info.table if row.merged or row.split]
    if twin in ("one-helper-for-all", "id-in-the-message"):
        assert wrong[0].because


def test_every_kind_of_noise_has_a_twin() -> None:
    """Each metric that has a gate of its own is failed by one, and the planted size is told."""
    planted = {twin.finds.metric for twin in SCENARIO.twins}
    assert planted == {
        f"noise.{name}"
        for name in ("merged", "split", "foreign", "duplicates", "category_wrong", "severity_wrong")
    }
    assert [twin.name for twin in SCENARIO.twins if twin.finds.value is None] == []
