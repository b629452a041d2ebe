"""Scenario files as tests."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pytest_sentry_harness.pytest_plugin.recognise import is_scenario
from pytest_sentry_harness.pytest_plugin.reporting import Totals

from .project import run

JOB = """
import sys
import sentry_sdk
import steps

sentry_sdk.init(before_send=steps.forget if "forget" in sys.argv else None, auto_enabling_integrations=False)
for number in range(20):
    try:
        steps.step(number)
    except ValueError:
        sentry_sdk.capture_exception()
"""
STEPS = """
def step(number):
    return number

def forget(event, hint):
    return None
"""
SCENARIO = """
[scenario]
name = "{name}"
seed = 3
settle = "20s"

[target]
command = "{{python}} job.py {argument}"
env = {{ SENTRY_DSN = "{{dsn}}" }}
wait = true

[[fault]]
name = "step-fails"
at = "steps:step"
do = "raise(ValueError('no'))"
select = "call"

[gates]
"capture.rate" = ">= 100%"
"capture.fired" = ">= {fired}"
"""


def write_scenario(folder: Path, name: str, *, argument: str = "", fired: int = 20) -> None:
    (folder / "job.py").write_text(JOB, encoding="utf-8")
    (folder / "steps.py").write_text(STEPS, encoding="utf-8")
    text = SCENARIO.format(name=name, argument=argument, fired=fired)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_scenarios_run_as_tests(pytester: pytest.Pytester) -> None:
    """Pass, fail, inconclusive and a run that does not come about are told apart, on the screen and in JUnit."""
    write_scenario(pytester.path, "good")
    write_scenario(pytester.path, "forgetful", argument="forget")
    write_scenario(pytester.path, "scarce", fired=500)
    write_scenario(pytester.path, "nowhere")
    nowhere = pytester.path / "nowhere.toml"
    nowhere.write_text(
        nowhere.read_text(encoding="utf-8").replace("{python} job.py", "./no-such-program"), encoding="utf-8"
    )
    result = run(pytester, "--junitxml=report.xml", "--sentry-harness-seed=11")
    result.assert_outcomes(passed=1, failed=1, errors=2)
    text = result.stdout.str()
    assert "FAIL: forgetful: 100 % error capture" in text
    assert re.search(
        "20 x step-fails: explained, before_send, before_send=steps.forget.*, at steps.py:5", text
    )
    assert "what to do: make the hook return the event" in text
    assert "reproduce: sentry-harness gate forgetful.toml --seed 11" in text
    assert "INCONCLUSIVE: scarce: 100 % error capture" in text
    assert "not enough evidence: 20 does not meet >= 500" in text
    assert "no-such-program" in text
    assert "Traceback" not in text
    result.stdout.fnmatch_lines(["run folder: .sentry-harness/runs/*", "scenario criteria: *1 fail*"])
    cases = {case.get("classname"): case for case in ET.parse(pytester.path / "report.xml").iter("testcase")}
    kinds = {name: [child.tag for child in case if child.tag != "properties"] for name, case in cases.items()}
    assert kinds == {
        "good.toml": [],
        "forgetful.toml": ["failure"],
        "scarce.toml": ["error"],
        "nowhere.toml": ["error"],
    }
    good = {entry.get("name"): entry.get("value") for entry in cases["good.toml"].iter("property")}
    assert good["sentry_harness.verdict"] == "pass"
    assert good["sentry_harness.seed"] == "11"
    assert good["sentry_harness.capture.rate"] == "100 % (>= 100%): pass"
    assert (good["sentry_harness.fired"], good["sentry_harness.captured"]) == ("20", "20")
    assert (pytester.path / ".sentry-harness" / "runs" / good["sentry_harness.run"] / "run.json").exists()


@pytest.mark.slow
def test_an_allowed_inconclusive_passes(pytester: pytest.Pytester) -> None:
    """A scenario may say that too little evidence is no failure."""
    write_scenario(pytester.path, "scarce", fired=500)
    path = pytester.path / "scarce.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("seed = 3", "seed = 3\nallow_inconclusive = true"),
        encoding="utf-8",
    )
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["scenario criteria: 1 inconclusive"])


def test_scenarios_are_collected_without_being_run(pytester: pytest.Pytester) -> None:
    """One item a criterion; -k chooses among them; other TOML files are left alone."""
    write_scenario(pytester.path, "good")
    write_scenario(pytester.path, "other")
    (pytester.path / "settings.toml").write_text('[scenario]\nname = "of a game"\n', encoding="utf-8")
    (pytester.path / "broken.toml").write_text("not TOML at all [", encoding="utf-8")
    result = run(pytester, "--collect-only", "-q", "-k", "good")
    result.stdout.fnmatch_lines(["good.toml::capture", "1/2 tests collected (1 deselected)*"])
    assert not (pytester.path / ".sentry-harness").exists()


@pytest.mark.slow
def test_a_malformed_scenario_is_an_error_with_its_line(pytester: pytest.Pytester) -> None:
    """The collection error names file, line, key and remedy, without a traceback."""
    write_scenario(pytester.path, "good")
    path = pytester.path / "good.toml"
    text = path.read_text(encoding="utf-8").replace('select = "call"', 'selct = "call"')
    path.write_text(text, encoding="utf-8")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "selct" in each)
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*good.toml:{line}*selct*", "*hint: *'select'*"])
    assert "Traceback" not in result.stdout.str()


def test_missing_extras_are_named(pytester: pytest.Pytester) -> None:
    """Without what runs a scenario, the error says what to install."""
    write_scenario(pytester.path, "good")
    pytester.makeconftest(
        """
        import sys
        sys.modules["scipy"] = sys.modules["scipy.stats"] = None
        """
    )
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["running a scenario needs scipy*, which is not installed: pip install 'pytest-sentry-harness?gate?'"]
    )


@pytest.mark.slow
def test_an_interrupted_run_ends_the_session(pytester: pytest.Pytester) -> None:
    """Ctrl-C during a run is Ctrl-C for pytest."""
    write_scenario(pytester.path, "good")
    pytester.makeconftest(
        """
        import pytest_sentry_harness.harness.run as run
        from types import SimpleNamespace as Some
        run.run_scenario = lambda scenario: Some(run=Some(stop_reason="interrupted"))
        """
    )
    result = run(pytester)
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_a_file_that_cannot_be_read_is_not_a_scenario(tmp_path: Path) -> None:
    """A name that leads nowhere is none of our business."""
    assert not is_scenario(tmp_path / "gone.toml")


def test_totals_take_losses_of_failing_tests_only() -> None:
    """Properties of other plugins are ignored; a summary lists what failing tests lost."""
    totals = Totals()
    totals.add("a", [("other", "x")], failed=True)
    totals.add("b", [("sentry_harness.lost", "2"), ("sentry_harness.loss", "2 x f: lost")], failed=True)
    totals.add("c", [("sentry_harness.lost", "1"), ("sentry_harness.loss", "1 x g: lost")], failed=False)
    totals.add("d", [("sentry_harness.verdict", "pass"), ("sentry_harness.fired", "7")], failed=False)
    assert (totals.tests, totals.verdicts, totals.losses) == (2, ["pass"], [("b", "2 x f: lost")])
    assert totals.counts == {"injected": 0, "fired": 7, "captured": 0, "lost": 3}
