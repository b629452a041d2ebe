"""Calibration: what counts as having found the planted defect, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.harness.calibrate import assess, calibrate
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_folder
from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.calibration import Calibration, RealFailure
from pytest_sentry_harness.model.run import UNFINISHED
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.plan.stories import load_stories
from pytest_sentry_harness.plan.twins import twin_of
from pytest_sentry_harness.report.calibration import stories_table, twins_table

JOB = '''
import os
import sentry_sdk

def work(number):
    return number

def forgetful(event, hint):
    """Forgets to return the event."""

if __name__ == "__main__":
    sentry_sdk.init(before_send=forgetful if os.environ.get("DEFECT") else None, auto_enabling_integrations=False)
    for number in range(25):
        try:
            work(number)
        except ValueError:
            sentry_sdk.capture_exception()
'''
SCENARIO = """
[scenario]
name = "job"

[target]
command = "{python} job.py"
wait = true
env = { SENTRY_DSN = "{dsn}" }

[[fault]]
name = "bad-row"
at = "__main__:work"
do = "raise(ValueError('row'))"
select = "call"

[gates]
"capture.fired" = ">= 20"

[[twin]]
name = "forgets-return"
stories = ["B5"]
env = { DEFECT = "1" }
finds = { reason = "before_send", culprit = "forgetful", file = "job.py" }

[[twin]]
name = "thought-to-be-a-queue"
env = { DEFECT = "1" }
finds = { reason = "queue_overflow" }

[[twin]]
name = "no-defect"
env = { NOTHING = "1" }
finds = { reason = "before_send" }

[[twin]]
name = "no-gate"
env = { DEFECT = "1" }
finds = { metric = "capture.late" }

[[twin]]
name = "passes-what-nobody-judges"
env = { DEFECT = "1" }
finds = { metric = "capture.rate", passes = ["capture.late"] }
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    folder = tmp_path_factory.mktemp("job")
    (folder / "job.py").write_text(JOB)
    (folder / "job.toml").write_text(SCENARIO)
    return load_scenario(folder / "job.toml")


@pytest.fixture(scope="module")
def results(
    scenario: Scenario, tmp_path_factory: pytest.TempPathFactory, unmeasured_module: None
) -> dict[str, Calibration]:
    runs = tmp_path_factory.mktemp("runs")
    return {name: calibrate(scenario, name, runs=runs) for name in ("", *(t.name for t in scenario.twins))}


@pytest.mark.slow
def test_the_healthy_scenario_and_its_twin(results: dict[str, Calibration]) -> None:
    """One passes without a loss, the other loses everything for the planted cause."""
    healthy, twin = results[""], results["forgets-return"]
    assert (healthy.why, healthy.verdict, healthy.fired, healthy.lost) == ("", Verdict.PASS, 25, 0)
    assert (twin.why, twin.verdict, twin.lost, twin.attributed) == ("", Verdict.FAIL, 25, 25)
    ((cause, count),) = twin.causes
    assert count == 25
    assert cause.startswith("before_send, before_send=__main__.forgetful, ")
    assert cause.endswith("job.py:8")


@pytest.mark.slow
@pytest.mark.parametrize(
    "twin,why",
    [
        ("thought-to-be-a-queue", "25 losses reported for another cause: before_send, before_send=__main__"),
        ("no-defect", "capture.rate must fail, and is pass"),
        ("no-gate", "no gate judges capture.late, which the twin must fail: add it to [gates]"),
        ("passes-what-nobody-judges", "no gate judges capture.late, which must pass all the same"),
    ],
)
def test_a_twin_that_is_not_found_as_planted(results: dict[str, Calibration], twin: str, why: str) -> None:
    """A wrong cause, no loss at all, or a gate nobody set: the calibration is not good, and says why."""
    assert not results[twin].good
    assert why in results[twin].why


@pytest.mark.slow
def test_a_healthy_scenario_that_loses_is_not_healthy(scenario: Scenario, tmp_path: Path) -> None:
    """The twin's run, taken for the healthy one."""
    document = run_scenario(twin_of(scenario, "forgets-return"), runs=tmp_path)
    found = assess(scenario, "", document)
    assert found.why.startswith("25 losses in the healthy scenario: before_send, ")
    assert "--twin forgets-return --seed 0" in document.reproduce


@pytest.mark.slow
def test_a_run_whose_harness_was_killed_is_never_more_than_inconclusive(
    scenario: Scenario, tmp_path: Path
) -> None:
    """Its folder can be judged, as a twin's folder can, and neither passes nor fails."""
    document = run_scenario(twin_of(scenario, "forgets-return"), runs=tmp_path)
    folder = RunFolder.open(tmp_path / document.run.id)
    facts = folder.read_facts()
    assert (facts.twin, facts.stop_reason) == ("forgets-return", "completed")
    assert judge_folder(folder).verdict is Verdict.FAIL
    text = folder.facts.read_text().replace('"completed"', f'"{UNFINISHED}"')
    folder.facts.write_text(text)
    judged = judge_folder(folder)
    assert judged.verdict is Verdict.INCONCLUSIVE
    whys = [gate.why for criterion in judged.criteria for gate in criterion.gates]
    assert any(why.startswith("the run never ended in order: 0 %") for why in whys)


def test_the_tables(tmp_path: Path) -> None:
    """Every run has its row; every real failure says what shows it, or why nothing does."""
    base: dict[str, object] = {"scenario": "job", "file": "job.toml", "run_id": "r", "seconds": 1.0}
    healthy = Calibration(
        **base, twin="", stories=(), verdict=Verdict.PASS, fired=25, lost=0, attributed=0, causes=(), why=""
    )  # type: ignore[arg-type]
    found = Calibration(
        **base,
        twin="drops",
        stories=("B5",),
        verdict=Verdict.FAIL,
        fired=25,
        lost=25,
        attributed=25,
        causes=(("before_send, a|b <x>", 25),),
        why="",
    )  # type: ignore[arg-type]
    missed = Calibration(
        **base,
        twin="late",
        stories=("A2",),
        verdict=Verdict.PASS,
        fired=25,
        lost=0,
        attributed=0,
        causes=(),
        why="it did not fail",
    )  # type: ignore[arg-type]
    table = twins_table([healthy, found])
    assert "| job | (healthy) | pass | 25 | 0 | - |  |" in table
    assert "| job | drops | fail | 25 | 25 | 25 of 25 | before_send, a\\|b &lt;x> |" in table
    failures = [
        RealFailure(id="B5", symptom="gone", cause="no return", thread="x#1"),
        RealFailure(id="A2", symptom="late", cause="exit", thread="x#2"),
        RealFailure(id="A9", symptom="frozen", cause="runtime", thread="x#3", unreproduced="needs a cloud"),
    ]
    text = stories_table(failures, [healthy, found, missed])
    assert "| B5 | gone | no return | x#1 | `job.toml` drops | fail | before_send, a\\|b &lt;x> |" in text
    assert "| A2 | late | exit | x#2 | not reproduced in this run |" in text
    assert "| A9 | frozen | runtime | x#3 | needs a cloud |" in text
    assert "no scenario shows it" not in stories_table(failures[:1], [found])


def test_the_list_of_real_failures_is_read_strictly(tmp_path: Path) -> None:
    """Missing keys, ids given twice and files that are none are refused with their line."""
    path = tmp_path / "stories.toml"
    one = '[[story]]\nid = "A1"\nsymptom = "s"\ncause = "c"\nthread = "t"\n'
    path.write_text(one)
    assert load_stories(path) == (RealFailure(id="A1", symptom="s", cause="c", thread="t"),)
    path.write_text(one + one)
    with pytest.raises(ScenarioError, match="two stories have the id 'A1'"):
        load_stories(path)
    path.write_text(one.replace("cause", "course"))
    with pytest.raises(
        ScenarioError, match=r"stories.toml:1: \[\[story\]\]: cause is missing\n  hint: is 'course'"
    ):
        load_stories(path)
    path.write_text("[[story")
    with pytest.raises(ScenarioError, match="the list of stories cannot be read"):
        load_stories(path)
