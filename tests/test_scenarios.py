"""The shipped scenarios of causes, process models, noise and alerting, with their twins.

A few are run here; ``python3 dev.py calibrate`` runs them all, and wrote the tables in the docs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.harness.calibrate import calibrate
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.plan.stories import load_stories

ROOT = Path(__file__).parent.parent
FILES = sorted(
    path for folder in ("causes", "processes") for path in (ROOT / "scenarios" / folder).glob("*.toml")
) + [
    ROOT / "scenarios" / name
    for name in ("noise.toml", "alerting.toml", "dashboards.toml", "objectives.toml")
]
SCENARIOS = {path: load_scenario(path) for path in FILES}
SAMPLE = {
    "causes/link-answers.toml": "413",
    "causes/sdk-hooks.toml": "before-send-forgets-return",
    "processes/jobs-multiprocessing-fork.toml": "exits-without-flush",
    "processes/web-flask.toml": "error-handler",
}
RUNS = [(ROOT / "scenarios" / name, twin) for name, planted in SAMPLE.items() for twin in ("", planted)]
STORIES = load_stories(ROOT / "docs" / "reference" / "stories.toml")
TABLE = ROOT / "docs" / "reference" / "stories.md"


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("path,twin", RUNS, ids=[f"{path.stem}-{twin or 'healthy'}" for path, twin in RUNS])
def test_scenarios_and_twins_come_out_as_they_have_to(tmp_path: Path, path: Path, twin: str) -> None:
    """Healthy: passes without a loss. Twin: fails, and each loss is reported for the planted cause."""
    result = calibrate(SCENARIOS[path], twin, runs=tmp_path)
    assert result.why == ""
    assert twin == "" or result.attributed == result.lost


def test_every_scenario_has_a_twin() -> None:
    """An instrument that has not been calibrated is not used."""
    assert [str(path) for path, scenario in SCENARIOS.items() if not scenario.twins] == []


def shown() -> dict[str, list[str]]:
    """Which twins show which real failure."""
    found: dict[str, list[str]] = {}
    for scenario in SCENARIOS.values():
        for twin in scenario.twins:
            for story in twin.stories:
                found.setdefault(story, []).append(twin.name)
    return found


def test_twins_name_real_failures_that_are_listed() -> None:
    """Ids of stories are those of the list."""
    assert set(shown()) <= {story.id for story in STORIES}


def test_every_real_failure_is_shown_or_says_why_not() -> None:
    """Either a twin shows it or the list has the reason, never both, and at least 45 are shown."""
    reproduced = set(shown())
    both = [story.id for story in STORIES if story.unreproduced and story.id in reproduced]
    neither = [story.id for story in STORIES if not story.unreproduced and story.id not in reproduced]
    assert (both, neither) == ([], [])
    assert len(reproduced) >= 45


def test_the_table_in_the_docs_is_that_of_the_scenarios() -> None:
    """A row for each story and twin that shows it, in order; the table is made by a run."""
    rows = [line.split(" | ") for line in TABLE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    listed = [(cells[0].strip("| "), cells[4].split()[-1]) for cells in rows if "`" in cells[4]]
    assert sorted(listed) == sorted((story, name) for story, names in shown().items() for name in names)
