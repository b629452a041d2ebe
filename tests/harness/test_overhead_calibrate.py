"""What counts as having found a planted cost: by recorded launches, without a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.harness.calibrate import assess
from pytest_sentry_harness.harness.facts import unfinished
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_folder
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.plan.scenario import load_scenario, parse_scenario
from pytest_sentry_harness.report.document import RunDocument
from pytest_sentry_harness.store.writer import Writer
from tests.criteria.overhead_samples import evidence, launches

SCENARIO = Path(__file__).parent.parent.parent / "scenarios" / "overhead.toml"


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario(SCENARIO)


def judged(folder: Path, scenario: Scenario, cost: float, **changes: Any) -> RunDocument:
    """A run whose launches were these: the arm with Sentry takes ``cost`` ms for a request, the other 10."""
    run = RunFolder.create(scenario, folder)
    Writer(run.store).close()
    facts = unfinished(scenario, run, 0.0)
    run.write_facts(type(facts)(**{**_fields(facts), "stop_reason": "completed", "doubts": ()}))
    run.write_overhead(evidence(launches(6, {"order": cost}, **changes)))
    return judge_folder(run)


def _fields(facts: Any) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in facts.__dataclass_fields__}


def test_a_healthy_scenario_passes(tmp_path: Path, scenario: Scenario) -> None:
    """One percent, and nothing lost."""
    result = assess(scenario, "", judged(tmp_path, scenario, 10.1))
    assert (result.why, str(result.verdict)) == ("", "pass")


def test_a_planted_cost_is_found(tmp_path: Path, scenario: Scenario) -> None:
    """A tenth fails, a hundredth does not, and then calibration says so."""
    assert assess(scenario, "burns-a-tenth", judged(tmp_path, scenario, 11.0)).why == ""
    missed = assess(scenario, "burns-a-tenth", judged(tmp_path, scenario, 10.1))
    assert missed.why.startswith("overhead.cpu must fail, and is pass")


def test_what_must_not_be_seen_elsewhere(tmp_path: Path, scenario: Scenario) -> None:
    """A wait that shows in the CPU, too, is not what was planted."""
    wrong = assess(scenario, "waits", judged(tmp_path, scenario, 12.0))
    assert wrong.why.startswith("overhead.cpu must pass all the same, and is fail")


def test_a_set_up_that_cannot_be_judged(tmp_path: Path, scenario: Scenario) -> None:
    """The verdict must be error, and the note say why."""
    nothing = judged(tmp_path, scenario, 10.0, sent={"items": {}, "active": 0})
    assert assess(scenario, "sentry-in-no-arm", nothing).why == ""
    both = assess(scenario, "sentry-in-both-arms", nothing)
    assert both.why.startswith("no note says 'Sentry is in both arms'")
    fine = assess(scenario, "sentry-in-no-arm", judged(tmp_path, scenario, 10.0))
    assert fine.why.startswith("no note says 'no Sentry in either arm'")


def test_dropped_data_is_found(tmp_path: Path, scenario: Scenario) -> None:
    """Cheap, and rightly not passed: what is not sent costs less."""
    document = judged(tmp_path, scenario, 10.0, sent={"discarded": {"queue_overflow/transaction": 9}})
    assert assess(scenario, "drops-what-it-should-send", document).why == ""
    assert (str(document.verdict), document.exit_code) == ("fail", 10)


def test_unknown_metrics_that_must_pass_are_refused() -> None:
    """With the nearest known name."""
    text = SCENARIO.read_text(encoding="utf-8").replace('["overhead.cpu"]', '["overhead.cpus"]')
    with pytest.raises(ScenarioError, match=r"unknown metric 'overhead\.cpus'") as caught:
        parse_scenario(text, SCENARIO)
    assert "overhead.cpu" in str(caught.value.hint)
