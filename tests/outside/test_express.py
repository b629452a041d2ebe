"""Express with @sentry/node, a real service in another language: nothing is known but requests and arrivals."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_sentry_harness.harness.calibrate import assess
from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.plan.twins import twin_of
from pytest_sentry_harness.report.document import RunDocument

from .node import installed

OUTSIDE = Path(__file__).parents[2] / "scenarios" / "outside"
TWINS = [twin.name for twin in load_scenario(OUTSIDE / "express.toml").twins]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured")]


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    """The scenario, in a copy of its folder that has its packages."""
    modules = installed(OUTSIDE / "node")
    copy = tmp_path / "outside"
    shutil.copytree(OUTSIDE, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node" / "node_modules").symlink_to(modules)
    return copy / "express.toml"


def run(path: Path, twin: str = "") -> RunDocument:
    scenario = load_scenario(path)
    return run_scenario(twin_of(scenario, twin) if twin else scenario, runs=path.parent / "runs")


def test_every_error_of_a_healthy_service_is_captured(scenario_file: Path) -> None:
    """All 40 are joined by trace id, none is unexplained, and nobody asks where the agent is."""
    document = run(scenario_file)
    account = document.account
    assert document.verdict is Verdict.PASS, document
    assert (account.injected, account.fired, account.captured, account.unexpected) == (40, 40, 40, 0)
    assert account.closes
    assert document.losses == ()
    assert document.criteria[0].notes == ()
    assert document.notes == (
        "40 faults were provoked by their requests, outside the agent, and are joined by trace id alone; "
        "answered: 40 with 500",
    )


@pytest.mark.parametrize("twin", TWINS)
def test_every_planted_defect_is_found(scenario_file: Path, twin: str) -> None:
    """Each loss is reported for the planted reason, or for the set of causes that the evidence leaves."""
    document = run(scenario_file, twin)
    assert assess(load_scenario(scenario_file), twin, document).why == ""
    assert (document.account.fired, document.account.closes) == (40, True)
    for loss in document.losses:
        assert (loss.state == "unexplained_loss") == bool(loss.could_be)
