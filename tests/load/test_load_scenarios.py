"""The shipped scenarios of open loads: well when all is well, and each planted defect is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.harness.calibrate import calibrate
from pytest_sentry_harness.plan.arrivals import expected
from pytest_sentry_harness.plan.scenario import load_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("twin", ["", "default-queue", "rate-limited"])
def test_a_burst_comes_out_as_it_has_to(tmp_path: Path, twin: str) -> None:
    """Healthy: nothing is lost. Twins: every loss is reported for the planted cause."""
    result = calibrate(load_scenario(SCENARIOS / "burst.toml"), twin, runs=tmp_path)
    assert result.why == ""
    assert (result.lost > 0) == bool(twin)


@pytest.mark.parametrize("name", ["burst", "soak"])
def test_the_scenarios_have_twins_and_faults_enough(name: str) -> None:
    """An instrument that has not been calibrated is not used; the sample bounds the loss below 5 %."""
    scenario = load_scenario(SCENARIOS / f"{name}.toml")
    assert len(scenario.twins) >= 2
    assert scenario.load is not None
    assert expected(scenario.load.stages) > 400
