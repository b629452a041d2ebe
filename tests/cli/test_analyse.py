"""``analyse``: a run or a store is shown without a scenario, and what is asked wrongly is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pytest_sentry_harness.cli.main import main
from tests.harness.test_objectives import ran, scenario
from tests.store.build import write

SLO = """
[[objective]]
name = "half of it"
what = "latency"
target = "50%"
threshold = "1s"
"""


def run(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["sentry-harness", "analyse", *map(str, words)])
    return main()


def test_a_run_and_its_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run has objectives and a load generator; its store alone has what arrived, and objectives that are given."""
    folder = ran(scenario(tmp_path), tmp_path / "runs")
    assert run(monkeypatch, folder.path) == 0
    shown = capsys.readouterr().out
    assert "load generator" in shown
    assert "5 of 30 requests failed" in shown
    assert "unknown" in shown.splitlines()[-2]
    slo = tmp_path / "slo.toml"
    slo.write_text(SLO, encoding="utf-8")
    assert run(monkeypatch, "--store", folder.store, "--objectives", slo, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    (objective,) = told["objectives"]["objectives"]
    assert (objective["name"], objective["known"], objective["seen"]["requests"]) == ("half of it", None, 25)
    assert told["analysis"]["rates"]["errors"] == 1
    assert run(monkeypatch, "--store", folder.store) == 0
    assert "half of it" not in capsys.readouterr().out


def test_a_store_in_which_nothing_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing to count is not a success."""
    write(tmp_path / "store", [])
    assert run(monkeypatch, "--store", tmp_path / "store") == 11
    assert "nothing arrived that could be counted" in capsys.readouterr().out


def test_what_is_asked_wrongly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of run and store; a folder that is a run; a store that is one."""
    assert run(monkeypatch) == 2
    assert "name the folder of a run, or a --store: one of the two" in capsys.readouterr().err
    assert run(monkeypatch, tmp_path) == 2
    (tmp_path / "arrivals.sqlite").write_bytes(b"nothing of the kind" * 100)
    assert run(monkeypatch, "--store", tmp_path) == 12
    assert "the store cannot be read" in capsys.readouterr().err
