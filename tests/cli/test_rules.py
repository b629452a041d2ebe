"""``rules test``: exit codes, what is shown, JUnit, coverage, and that a thousand tests are quick."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pytest_sentry_harness.cli.main import main

RULES = [
    {
        "name": "new",
        "actionMatch": "any",
        "frequency": 5,
        "conditions": [{"id": "sentry.rules.conditions.first_seen_event.FirstSeenEventCondition"}],
        "filters": [{"id": "sentry.rules.filters.level.LevelFilter", "match": "gte", "level": "40"}],
        "actions": [{"id": "sentry.mail.actions.NotifyEmailAction"}],
    }
]
GOOD = """
rules = "alerts.json"
[[test]]
name = "a new issue"
[[test.events]]
issue = "timeout"
count = "1"
[[test.expect]]
at = "0s"
rule = "new"
issue = "timeout"
"""
MORE = """
[[test]]
name = "too quiet \\u0001"
[[test.events]]
issue = "timeout"
level = "info"
count = "1"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "alerts.json").write_text(json.dumps(RULES))
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text(GOOD.replace('at = "0s"', 'at = "1m"') + MORE)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["sentry-harness", "rules", "test", *map(str, arguments)])
    return main()


def test_tests_that_pass(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0, one line of coverage, one of the result."""
    assert run(monkeypatch, folder / "good.toml") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    first, last = captured.out.splitlines()
    assert first == "alerts.json: 1 of 1 rules fired, 2 of 4 outcomes of conditions seen"
    assert last.startswith("1 of 1 tests passed in ")


def test_tests_that_fail(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 10; place, name and what differs; the same in JUnit, without what XML cannot hold."""
    junit = folder / "junit.xml"
    assert run(monkeypatch, folder / "bad.toml", folder / "good.toml", "--junit", junit) == 10
    out = capsys.readouterr().out
    assert f"FAIL {folder / 'bad.toml'}: test[0]: a new issue" in out
    assert "  not expected: 'new' for issue 'timeout' at 0s, because a new issue is created" in out
    assert "  missing at 1m: 'new' for issue 'timeout'; nearest: 'new' for issue 'timeout' at 0s" in out
    assert "2 of 3 tests passed" in out
    root = ET.parse(junit).getroot()
    assert [(suite.get("tests"), suite.get("failures")) for suite in root] == [("2", "1"), ("1", "0")]
    assert [case.get("name") for case in root.iter("testcase")] == [
        "a new issue",
        "too quiet \ufffd",
        "a new issue",
    ]
    (failure,) = root.iter("failure")
    assert (failure.get("message") or "").startswith("not expected: 'new'")
    assert "missing at 1m" in (failure.text or "")


def test_one_test_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--only chooses by a part of the name; when nothing is left that is a mistake."""
    assert run(monkeypatch, folder / "bad.toml", "--only", "quiet") == 0
    assert "1 of 1 tests passed" in capsys.readouterr().out
    assert run(monkeypatch, folder / "bad.toml", "--only", "loud") == 2
    assert "no test has a name that contains 'loud'" in capsys.readouterr().err


def test_coverage(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Too little coverage fails and says what is missing; --coverage says it in any case."""
    assert run(monkeypatch, folder / "good.toml", "--coverage-min", 50) == 0
    assert "never" not in capsys.readouterr().out
    assert run(monkeypatch, folder / "good.toml", "--coverage") == 0
    gap = f"{folder / 'alerts.json'}: [0].conditions[0]: a new issue is created: never false"
    assert gap in capsys.readouterr().out
    assert run(monkeypatch, folder / "good.toml", "--coverage-min", 51) == 10
    out = capsys.readouterr().out
    assert gap in out
    assert "outcomes of conditions seen: 50.0 % is below --coverage-min 51" in out


def test_many_gaps_are_cut(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A long list says how much more there is."""
    many = [{**RULES[0], "name": f"r{number}"} for number in range(30)]
    (folder / "alerts.json").write_text(json.dumps(RULES + many))
    assert run(monkeypatch, folder / "bad.toml", "--only", "quiet", "--coverage") == 0
    assert "  and " in capsys.readouterr().out


def test_warnings(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules that never fire are warned of, once; with --strict that is exit code 10."""
    never = {
        **RULES[0],
        "name": "never",
        "filters": [{**RULES[0]["filters"][0], "match": "eq", "level": "0"}],
    }  # type: ignore[index]
    (folder / "alerts.json").write_text(json.dumps([*RULES, never]))
    assert run(monkeypatch, folder / "good.toml", folder / "good.toml") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"warning: {folder / 'alerts.json'}: [1].filters[0]: 'never' never fires: never true: "
        "the event's level equals sample: no event has the level sample"
    )
    assert run(monkeypatch, folder / "good.toml", "--strict") == 10


def test_workflows_and_detectors_in_files_of_their_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A workflow hears of errors through a detector of the other file; without that file it never fires."""
    every = {"logicType": "any-short", "conditions": [{"type": "first_seen_event", "comparison": True}]}
    unit = {"logicType": "all", "conditions": [], "actions": [{"type": "email"}]}
    workflow = {"name": "new", "triggers": every, "actionFilters": [unit], "detectorIds": ["7"]}
    (folder / "workflows.json").write_text(json.dumps([workflow]))
    (folder / "detectors.json").write_text(
        json.dumps([{"id": "7", "name": "Error Monitor", "type": "error"}])
    )
    (folder / "good.toml").write_text(GOOD.replace('"alerts.json"', '["workflows.json", "detectors.json"]'))
    assert run(monkeypatch, folder / "good.toml", "--strict") == 0
    assert "workflows.json + detectors.json: 1 of 1 rules fired" in capsys.readouterr().out
    (folder / "good.toml").write_text(GOOD.replace('"alerts.json"', '"workflows.json"'))
    assert run(monkeypatch, folder / "good.toml") == 10
    assert "never fires: no detector that was read has the id '7'" in capsys.readouterr().err


def test_notes_are_no_warnings(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rule that one person has snoozed fires for all others."""
    (folder / "alerts.json").write_text(json.dumps([RULES[0] | {"snooze": True, "snoozeForEveryone": False}]))
    assert run(monkeypatch, folder / "good.toml", "--strict") == 0
    assert "note: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "name,content,message",
    [
        ("gone.toml", None, "gone.toml: the tests cannot be read: No such file or directory"),
        ("x.toml", "[[test]]", "x.toml: test[0]: name is missing"),
        ("x.toml", b"\xff", "x.toml: the tests cannot be read: 'utf-8' codec"),
        ("x.toml", GOOD.replace("alerts.json", "no.json"), "no.json: the rules that"),
        ("alerts.json", "[{]", "alerts.json:1:3: not valid JSON"),
        ("x.toml", GOOD.replace('rule = "new"', 'rule = "nwe"'), "no rule of alerts.json is called 'nwe'"),
    ],
)
def test_files_that_are_not_valid(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: str | bytes | None,
    message: str,
) -> None:
    """Exit code 2 before any test runs, naming file and place."""
    if content is not None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    file = folder / name if name.endswith(".toml") else folder / "good.toml"
    assert run(monkeypatch, folder / "good.toml", file) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_a_report_that_cannot_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said before the tests run."""
    assert run(monkeypatch, folder / "good.toml", "--junit", folder / "gone" / "j.xml") == 2
    assert "its folder does not exist" in capsys.readouterr().err


def test_help_teaches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit codes and examples are in the help."""
    assert run(monkeypatch, "--help") == 0
    out = capsys.readouterr().out
    assert (
        "Exit codes: 0 all tests pass, 10 one fails or coverage is too low, 2 a file is not valid."
        in " ".join(out.split())
    )
    assert "sentry-harness rules test alerts.test.toml\n" in out
