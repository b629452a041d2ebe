"""The objectives scenario: the healthy shop meets them, and each twin is found by the right metric, time, size and statistic."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.harness.calibrate import assess
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_run
from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.analysis import PatternTold, RatesInfo, SpikeTold
from pytest_sentry_harness.model.objectives import ObjectiveTold
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.plan.twins import twin_of
from pytest_sentry_harness.report.document import RunDocument

SCENARIO = load_scenario(Path(__file__).parent.parent / "scenarios" / "objectives.toml")


def ran(runs: Path, twin: str = "") -> RunDocument:
    """The document of a run that came out as it has to."""
    document = run_scenario(twin_of(SCENARIO, twin) if twin else SCENARIO, runs=runs)
    assert assess(SCENARIO, twin, document).why == ""
    return document


def orders(document: RunDocument) -> ObjectiveTold:
    assert document.objectives is not None
    return document.objectives.objectives[0]


def rates(document: RunDocument) -> RatesInfo:
    assert document.analysis is not None
    assert document.analysis.rates is not None
    return document.analysis.rates


def spike_of_requests(document: RunDocument) -> SpikeTold:
    (spike,) = [each for each in rates(document).spikes if each.of == "requests"]
    return spike


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_the_shop_meets_its_objectives(tmp_path: Path) -> None:
    """By both accounts, request by request; judged again from the folder the document is the same."""
    document = ran(tmp_path)
    told = orders(document)
    assert told.known is not None
    assert (told.known.requests, told.known.bad, told.seen.bad, told.known.budget) == (120, 0, 0, 1)
    assert told.joined is not None
    assert told.joined.alike == 120
    assert rates(document).spikes == ()
    folder = RunFolder.open(tmp_path / document.run.id)
    assert judge_run(folder, folder.read_scenario(), folder.read_facts()) == document


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_an_outage_is_found_at_its_time_in_its_size(tmp_path: Path) -> None:
    """The spike begins and ends with the first and the last order that failed; somebody is told soon after it began."""
    document = ran(tmp_path, "outage")
    told, series = orders(document), rates(document)
    spike = spike_of_requests(document)
    failing = [row for row in series.series if row.requests_failed]
    assert abs(spike.begin - failing[0].at) <= 2 * series.interval
    assert abs(spike.end - (failing[-1].at + series.interval)) <= 2 * series.interval
    assert 36 <= spike.count <= 40
    assert spike.chance < 1e-4
    assert "PaymentRefusedError" in spike.issues[0][0]
    assert told.known is not None
    assert document.objectives is not None
    for side in (told.known, told.seen):
        fast = side.burns[0]
        assert (fast.name, fast.severity, len(fast.fired)) == ("fast burn", "critical", 1)
        # Ten orders are needed to tell, of the long window's sixth of the run.
        assert (
            spike.begin - 2 * series.interval
            < fast.fired[0][0]
            < spike.begin + document.objectives.seconds / 3
        )
    assert told.bad_with_error == 40


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_a_fault_of_one_region_is_pointed_at(tmp_path: Path) -> None:
    """Of the objective's bad requests and of the issue, with odds, bounds and what is expected to be false."""
    document = ran(tmp_path, "one-region")
    assert document.analysis is not None
    (issue,) = document.analysis.patterns.table
    for found in (orders(document).patterns[0], issue.found[0]):
        assert isinstance(found, PatternTold)
        assert (found.key, found.value, found.hits, found.of) == ("tags[region]", "eu", 20, 20)
        assert (found.others_hits, found.others) == (20, 100)
        assert found.low > 5
        assert found.q < 1e-6


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("twin", ["slow", "orders-not-sampled"])
def test_each_twin_fails_by_its_metric_in_the_planted_size(tmp_path: Path, twin: str) -> None:
    """With what was planted in the finding, and no other gate red where it says so. The others: ``dev.py calibrate``."""
    document = ran(tmp_path, twin)
    if twin == "orders-not-sampled":
        # Sentry's transactions know nothing of it; the load generator and the errors do.
        assert spike_of_requests(document).count >= 36
        assert not [each for each in rates(document).spikes if each.of == "transactions"]


def test_every_objective_can_fail() -> None:
    """Each metric with a gate of its own is failed by a twin, and the planted size is told."""
    planted = {twin.finds.metric for twin in SCENARIO.twins}
    assert planted == {f"objectives.{name}" for name in ("broken", "contradicted", "unseen", "off")}
    assert [twin.name for twin in SCENARIO.twins if twin.finds.value is None] == []
