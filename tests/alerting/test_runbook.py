"""The runbook of alerting has a section for each reason, and the scenario's gates have a subject."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.model.alerted import Extra, Late, Missed
from pytest_sentry_harness.model.metrics import METRICS, PROMISES
from pytest_sentry_harness.model.reasons import REASONS
from pytest_sentry_harness.plan.gates import criteria_of
from pytest_sentry_harness.plan.scenario import parse_scenario

TEXT = (Path(__file__).parents[2] / "docs" / "runbooks" / "alerting.md").read_text()
SCENARIO = """
[scenario]
name = "shop"
[target]
command = "true"
[load]
[[load.request]]
send = "GET /"
{alerting}
[[fault]]
name = "save"
at = "shop:save"
do = "raise(OSError)"
{expect}
[gates]
{gate}
"""
ALERTING = {"alerting": '[alerting]\nrules = ["alerts.json"]', "expect": "expect = { alerts = [] }"}


def test_the_runbook_has_a_section_for_every_reason() -> None:
    """Each says what it means, how to confirm it, what to change."""
    reasons = [each.value for kind in (Missed, Late, Extra) for each in kind]
    sections = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
    assert [each.split("\n")[0] for each in sections] == [*reasons, "nothing was expected"]
    for each in sections:
        assert re.findall(r"^\*\*(\w+)\*\*", each, re.MULTILINE) == ["Means", "Confirm", "Change"]
    assert set(reasons) <= REASONS
    index = TEXT.partition("## ")[0]
    assert set(re.findall(r"\(#(\w+)\)", index)) == set(reasons)
    named = set(re.findall(r"`(alerting\.\w+)", index))
    assert named >= {
        name.rpartition(".p")[0] or name for name in METRICS if name.startswith("alerting.missed")
    }


def parsed(gate: str = "", alerting: str = "", expect: str = "") -> tuple[str, ...]:
    text = SCENARIO.format(gate=gate, alerting=alerting, expect=expect)
    return criteria_of(parse_scenario(text, Path("shop.toml"), check_files=False))


def test_alerting_is_judged_where_it_is_asked_for() -> None:
    """By its table; a gate on it without one has nothing to judge."""
    assert PROMISES["alerting"] == "< 30 s alert detection"
    assert parsed(**ALERTING) == ("capture", "alerting")
    assert "alerting" not in parsed()
    for gate, missing in (
        ('"alerting.missed" = "= 0"', r"it needs \[alerting\]"),
        ('"noise.notifications" = "< 10%"', r"it needs \[noise\]"),
    ):
        with pytest.raises(ScenarioError, match=missing):
            parsed(gate)
    with pytest.raises(ScenarioError, match=r"it needs \[alerting\]"):
        parsed('"noise.notifications" = "< 10%"', alerting="[noise]")
