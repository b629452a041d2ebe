"""``[noise]`` and what a fault expects of classification: read strictly, and refused where it would say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.model.scenario import Expect, Noise, Scenario
from pytest_sentry_harness.plan.gates import criteria_of, with_defaults
from pytest_sentry_harness.plan.scenario import parse_scenario

HEAD = """[scenario]
name = "x"
[target]
command = "x"
[load]
[[load.request]]
send = "GET /"
"""
FAULT = """[[fault]]
name = "late"
at = "app:work"
do = "raise(TimeoutError)"
"""


def read(text: str, folder: Path = Path(), *, check_files: bool = True) -> Scenario:
    return parse_scenario(HEAD + text, folder / "x.toml", check_files=check_files)


def refused(text: str, folder: Path = Path()) -> ScenarioError:
    with pytest.raises(ScenarioError) as error:
        read(text, folder)
    return error.value


def test_paths_are_relative_to_the_scenario(tmp_path: Path) -> None:
    """All three, and each may be left out."""
    for name in ("prints.txt", "stacks.txt", "kinds.toml"):
        (tmp_path / name).touch()
    text = (
        '[noise]\nfingerprint_rules = "prints.txt"\nstack_rules = "stacks.txt"\ncategories = "kinds.toml"\n'
    )
    assert read(FAULT + text, tmp_path).noise == Noise(
        fingerprint_rules=tmp_path / "prints.txt",
        stack_rules=tmp_path / "stacks.txt",
        categories=tmp_path / "kinds.toml",
    )
    assert read(FAULT + "[noise]\n").noise == Noise()
    assert read(FAULT).noise is None


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Its neighbour is named; a finished run is judged without looking."""
    (tmp_path / "prints.txt").touch()
    text = FAULT + '[noise]\nfingerprint_rules = "print.txt"\n'
    error = refused(text, tmp_path)
    assert error.what == f"there is no file {tmp_path / 'print.txt'}"
    assert (error.where, error.hint) == (
        f"{tmp_path / 'x.toml'}:13: [noise] fingerprint_rules",
        "did you mean 'prints.txt'?",
    )
    assert read(text, tmp_path, check_files=False).noise is not None
    nowhere = refused(FAULT + '[noise]\nstack_rules = "rules/stacks.txt"\n', tmp_path)
    assert nowhere.hint == "paths are relative to the scenario file"


@pytest.mark.parametrize(
    ("text", "what", "where", "hint"),
    [
        (
            f'{FAULT}[noise]\nfingerprints = "a"\n',
            "unknown key 'fingerprints'",
            "x.toml:13: [noise] fingerprints",
            "did you mean 'fingerprint_rules'?",
        ),
        (
            f"{FAULT}[noise]\nstack_rules = 3\n",
            "stack_rules must be a string, not a number",
            "x.toml:13: [noise] stack_rules",
            None,
        ),
        ("noise = 3\n", "noise must be a table, not a number", None, None),
        (
            '[noise]\n[[operation]]\nname = "w"\nat = "app:work"\n',
            "[noise] needs [[fault]]: what belongs together is known of faults alone, by their names",
            "x.toml:8: [noise]",
            "add a [[fault]] for each root cause, two at least",
        ),
        (
            FAULT + 'expect = { category = "timeout" }\n',
            "expect.category = 'timeout' says nothing without [noise], which judges it",
            "x.toml:12: [[fault]] expect",
            "add [noise], or drop category",
        ),
        (
            FAULT + 'expect = { severity = "low" }\n',
            "expect.severity = 'low' says nothing without [noise], which judges it",
            "x.toml:12: [[fault]] expect",
            "add [noise], or drop severity",
        ),
        (
            FAULT + 'expect = { category = "timeouts" }\n[noise]\n',
            "category = 'timeouts' is not allowed",
            "x.toml:12: [[fault]] expect",
            "did you mean 'timeout'?",
        ),
        (
            FAULT + 'expect = { severity = "urgent" }\n[noise]\n',
            "severity = 'urgent' is not allowed",
            "x.toml:12: [[fault]] expect",
            "known names: critical, high, low, medium",
        ),
        (
            FAULT + 'expect = { categroy = "timeout" }\n[noise]\n',
            "unknown key 'categroy'",
            "x.toml:12: [[fault]] expect",
            "did you mean 'category'?",
        ),
    ],
)
def test_what_is_refused(text: str, what: str, where: str | None, hint: str | None) -> None:
    """With the line, the reason, and what to do."""
    if text.startswith("noise ="):
        with pytest.raises(ScenarioError) as caught:
            parse_scenario(text + HEAD + FAULT, Path("x.toml"))
        assert caught.value.what == what
        return
    error = refused(text)
    assert (error.what, error.where) == (what, where)
    assert hint is None or error.hint == hint


def test_what_a_fault_expects() -> None:
    """Category and severity stand beside the level, also for faults that requests provoke."""
    text = FAULT + 'expect = { level = "error", category = "timeout", severity = "high" }\n[noise]\n'
    assert read(text).faults[0].expect == Expect(level="error", category="timeout", severity="high")
    provoked = '[[fault]]\nname = "a"\non = ["GET /"]\nexpect = { category = "unknown" }\n[noise]\n'
    assert read(provoked).faults[0].expect == Expect(category="unknown")


def gates(text: str) -> list[str]:
    scenario = read(text)
    return [gate.metric for gate in with_defaults(scenario, criteria_of(scenario)) if "noise" in gate.metric]


def test_the_table_makes_noise_a_criterion() -> None:
    """With its default gates; those of classification only where something is expected."""
    assert criteria_of(read(FAULT)) == ("capture",)
    assert criteria_of(read(FAULT + "[noise]\n")) == ("capture", "noise")
    plain = ["noise.reduction", "noise.merged", "noise.split", "noise.foreign", "noise.causes"]
    assert gates(FAULT + "[noise]\n") == plain
    expecting = gates(FAULT + 'expect = { category = "timeout" }\n[noise]\n')
    assert expecting == [*plain[:4], "noise.category_wrong", plain[4]]
    assert "noise.severity_wrong" in gates(FAULT + 'expect = { severity = "high" }\n[noise]\n')


@pytest.mark.parametrize(
    ("text", "metric", "needs"),
    [
        ("", "noise.split", "[noise]"),
        ("[noise]\n", "noise.category_wrong", "a [[fault]] with expect.category"),
        ("[noise]\n", "noise.severity_wrong", "a [[fault]] with expect.severity"),
    ],
)
def test_a_gate_without_a_subject_is_refused(text: str, metric: str, needs: str) -> None:
    """It must not vanish."""
    error = refused(f'{FAULT}{text}[gates]\n"{metric}" = "= 0"\n')
    assert (
        error.what == f"{metric} = '= 0' cannot be judged: it needs {needs}, which the scenario does not have"
    )
    assert str(error.hint).startswith(f"add {needs}, or drop the gate; gates on capture.*")


def test_overhead_goes_without_it() -> None:
    """Grouping is not what such a run is about."""
    text = '[overhead]\nwithout = "agent"\n[[overhead.request]]\nname = "a"\nsend = "GET /"\n[noise]\n'
    with pytest.raises(ScenarioError) as error:
        parse_scenario(HEAD.partition("[load]")[0] + text, Path("x.toml"))
    assert error.value.what.startswith("[overhead] does not go with [noise]")
