"""``dashboards``: templates that can be imported, and files with widgets that cannot."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pytest_sentry_harness.cli.main import main
from pytest_sentry_harness.monitor.dashboards import TEMPLATES, parse_dashboard


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["sentry-harness", "dashboards", *map(str, arguments)])
    return main()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_printed_as_sentry_takes_it(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing else is, so that it can be written to a file."""
    assert (
        run(monkeypatch, "template", name, "--environment", "live", "--period", "7d", "--slow-ms", "20") == 0
    )
    dashboard = parse_dashboard(capsys.readouterr().out)
    assert (dashboard.environment, dashboard.period) == (("live",), "7d")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("template", "eror"), "no dashboard template 'eror'\n  hint: did you mean 'errors'?"),
        (("template", "errors", "--period", "soon"), "'soon' is not a period"),
        (("check", "nowhere.json"), "nowhere.json: the dashboard cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be(
    arguments: tuple[str, ...], text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A usage error that says why."""
    assert run(monkeypatch, *arguments) == 2
    assert text in capsys.readouterr().err


def test_widgets_that_are_not_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them, with key and what is allowed; what is unlikely to be meant is a doubt; text of files steers no terminal."""
    query = {"fields": ["count()"], "conditions": "relase:1"}
    content = [
        {"title": "Good\x1b[2J", "displayType": "big_number", "queries": [query]},
        {"title": "Bad", "displayType": "big_number", "queries": [{"fields": ["p59(x)"]}]},
    ]
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps({"title": "D", "widgets": content[:1]}))
    bad.write_text(json.dumps({"title": "E", "widgets": content}))
    assert run(monkeypatch, "check", good) == 0
    assert f"{good}: 1 of 1 widgets of 'D' are valid" in capsys.readouterr().out
    assert run(monkeypatch, "check", good, bad) == 10
    said = capsys.readouterr().out
    assert (
        f"INVALID 'Bad': {bad}: widgets[1].queries[0].fields[0], character 1: unknown function 'p59'" in said
    )
    assert f"{bad}: 1 of 2 widgets of 'E' are valid" in said
    assert "\x1b[2J" not in said
    assert "doubt" in said
    rare = {"title": "Rare", "displayType": "big_number", "queries": [{"fields": ["corr(a,b)"]}]}
    bad.write_text(json.dumps({"title": "E", "widgets": [rare], "revision": 3}))
    assert run(monkeypatch, "check", bad) == 0
    said = capsys.readouterr().out
    assert "unsupported 'Rare'" in said
    assert "doubt dashboard 'E' has a key 'revision'" in said
    bad.write_text("[]")
    assert run(monkeypatch, "check", good, bad) == 2
