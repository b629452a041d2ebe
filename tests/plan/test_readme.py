"""What the README shows of scenarios can be copied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_sentry_harness.plan.gates import criteria_of
from pytest_sentry_harness.plan.scenario import parse_scenario

ROOT = Path(__file__).parents[2]
WHOLE, *PARTS = re.findall(
    r"^```toml\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
SERVICE = WHOLE[: WHOLE.index("[load]")]
LOAD = WHOLE[WHOLE.index("[load]") : WHOLE.index("[[fault]]")]
FAULT = WHOLE[WHOLE.index("[[fault]]") : WHOLE.index("[gates]")]


def test_the_whole_scenario_is_one() -> None:
    """It judges the capture of errors."""
    assert criteria_of(parse_scenario(WHOLE, ROOT / "monitoring.toml", check_files=False)) == ("capture",)


@pytest.mark.parametrize(
    ("part", "rest", "criteria"),
    [
        (PARTS[0], LOAD, ("timing",)),
        (PARTS[1], "", ("overhead",)),
        (PARTS[2], FAULT, ("capture", "load")),
    ],
)
def test_the_parts_fit_into_it(part: str, rest: str, criteria: tuple[str, ...]) -> None:
    """Each makes its promise be judged."""
    scenario = parse_scenario(SERVICE + rest + part, ROOT / "monitoring.toml", check_files=False)
    assert criteria_of(scenario) == criteria
