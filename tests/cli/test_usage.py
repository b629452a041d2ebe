"""The command line: what it accepts, what it refuses, and with which words and exit code."""

from __future__ import annotations

import builtins
import re
import sys
from pathlib import Path

import click
import pytest

from pytest_sentry_harness.cli.commands import MODULES
from pytest_sentry_harness.cli.gate import find_scenarios, worst_code
from pytest_sentry_harness.cli.lazy import load
from pytest_sentry_harness.cli.main import main
from pytest_sentry_harness.errors import UsageError

GOOD = """
[scenario]
name = "x"
[target]
command = "{python} -c pass"
wait = true
[[fault]]
name = "f"
at = "app:save"
do = "raise(TimeoutError)"
select = "call"
"""


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sentry-harness", *arguments])
    return main()


# (arguments, exit code, what a person reads on stderr; {tmp} is a folder holding bad.toml and good.toml)
BAD: list[tuple[list[str], int, str]] = [
    ([], 2, "Usage: sentry-harness"),
    (["gat"], 2, "No such command 'gat'"),
    (["gate"], 2, "Missing argument 'SCENARIO...'"),
    (["gate", "{tmp}/gone.toml"], 2, "there is no such file or folder"),
    (["gate", "{tmp}/empty"], 2, "there is no scenario in this folder"),
    (
        ["gate", "{tmp}/bad.toml"],
        2,
        "bad.toml:2: [scenario]: name is missing hint: is 'nme' meant to be 'name'?",
    ),
    (["gate", "{tmp}"], 2, "name is missing"),
    (["gate", "{tmp}/good.toml", "--seed", "x"], 2, "'x' is not a valid integer"),
    (["gate", "{tmp}/good.toml", "--seed", "-1"], 2, "-1 is not in the range x>=0"),
    (["gate", "{tmp}/good.toml", "--sed", "1"], 2, "No such option '--sed'"),
    (["gate", "{tmp}/good.toml", "--junit", "{tmp}/gone/j.xml"], 2, "its folder does not exist"),
    (["gate", "{tmp}/good.toml", "--markdown", "{tmp}/gone/m.md"], 2, "its folder does not exist"),
    (["gate", "{tmp}/good.toml", "--junit", "{tmp}"], 2, "is a directory"),
    (["gate", "{tmp}/unknown-placeholder.toml", "--runs", "{tmp}/runs"], 2, "unknown placeholder {prot}"),
    (["gate", "{tmp}/no-program.toml", "--runs", "{tmp}/runs"], 12, "no-such-program"),
    (["gate", "{tmp}/good.toml", "--runs", "{tmp}/good.toml/runs"], 12, "good.toml/runs"),
    (["judge"], 2, "Missing argument 'RUN'"),
    (
        ["judge", "{tmp}"],
        2,
        "this is not the folder of a finished run: scenario.toml, facts.json, ledger, store missing",
    ),
    (["gate", "/dev/null"], 2, "/dev/null: this is neither a regular file nor a folder"),
    (["judge", "{tmp}/gone"], 2, "this is not the folder of a finished run"),
    (["serve", "--port", "70000"], 2, "70000 is not in the range 0<=x<=65535"),
    (["serve", "--store", "{tmp}/good.toml"], 2, "is a file"),
    (["serve", "--host", "0.0.0.0", "--store", "{tmp}/s"], 12, "0.0.0.0"),
]


@pytest.mark.parametrize(
    "arguments,code,message", BAD, ids=[" ".join(row[0])[:50] or "nothing" for row in BAD]
)
def test_bad_command_lines(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    """Each says what is wrong on stderr and ends with the documented code."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text(GOOD.replace('name = "x"', 'nme = "x"'))
    (tmp_path / "unknown-placeholder.toml").write_text(GOOD.replace("-c pass", "{prot}"))
    (tmp_path / "no-program.toml").write_text(GOOD.replace("{python} -c pass", "no-such-program"))
    assert run(monkeypatch, *(argument.replace("{tmp}", str(tmp_path)) for argument in arguments)) == code
    error = " ".join(capsys.readouterr().err.split())
    assert " ".join(message.split()) in error


def test_help_teaches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit codes, examples and defaults are in the help."""
    assert run(monkeypatch, "--help") == 0
    assert (
        "Exit codes: 0 pass, 10 fail, 11 inconclusive, 12 the harness broke, 2 usage."
        in capsys.readouterr().out
    )
    assert run(monkeypatch, "gate", "--help") == 0
    out = capsys.readouterr().out
    assert "sentry-harness gate scenarios/capture.toml\n" in out
    assert "The worst verdict is the exit code" in " ".join(out.split())
    assert run(monkeypatch, "--version") == 0


def test_without_the_gate_extra_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The base install has the console script, but not what it needs."""
    real = builtins.__import__

    def without_click(name: str, *args: object, **kwargs: object) -> object:
        if name == "click":
            raise ImportError("No module named 'click'", name="click")
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_click)
    assert run(monkeypatch, "gate", "x.toml") == 2
    assert "click is not installed" in (error := capsys.readouterr().err)
    assert "pip install 'pytest-sentry-harness[gate]'" in error


def test_a_defect_of_ours_does_not_look_like_a_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever breaks ends with 12, with the traceback we need to mend it."""

    def broken(*_: object, **__: object) -> int:
        raise ZeroDivisionError("our mistake")

    monkeypatch.setattr("pytest_sentry_harness.cli.gate.judge_run_folder", broken)
    assert run(monkeypatch, "judge", "x") == 12
    error = capsys.readouterr().err
    assert "ZeroDivisionError: our mistake" in error
    assert "the harness itself broke" in error


def test_folders_hold_scenarios_and_not_those_of_folders_within(tmp_path: Path) -> None:
    """Twins live in a folder of their own, because they must fail."""
    (tmp_path / "twins").mkdir()
    for name in ("b.toml", "a.toml", "twins/c.toml"):
        (tmp_path / name).write_text("")
    assert [path.name for path in find_scenarios([tmp_path, tmp_path / "twins" / "c.toml"])] == [
        "a.toml",
        "b.toml",
        "c.toml",
    ]
    with pytest.raises(UsageError):
        find_scenarios([tmp_path / "gone"])


@pytest.mark.parametrize(
    "codes,code",
    [([], 11), ([0], 0), ([0, 10], 10), ([11, 0], 11), ([11, 10], 10), ([10, 12], 12), ([12, 2], 2)],
)
def test_the_worst_code_wins(codes: list[int], code: int) -> None:
    """Nothing run is inconclusive; what could not be run at all comes first."""
    assert worst_code(codes) == code


def test_the_reference_lists_every_command_and_option() -> None:
    """docs/reference/command-line.md has exactly the options there are, command by command."""
    page = (Path(__file__).parent.parent.parent / "docs" / "reference" / "command-line.md").read_text()
    sections = re.split(r"^## `sentry-harness (\w+).*$", page, flags=re.MULTILINE)
    documented = {
        name: set(re.findall(r"^\| `(--[a-z-]+)`", text, flags=re.MULTILINE))
        for name, text in zip(sections[1::2], sections[2::2], strict=True)
    }
    commands = {name: load(name) for name in MODULES}
    real = {
        name: {
            option
            for each in (command.commands.values() if isinstance(command, click.Group) else [command])
            for parameter in each.params
            for option in parameter.opts
            if option.startswith("--")
        }
        for name, command in commands.items()
    }
    assert documented == real
