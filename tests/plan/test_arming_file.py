"""The file by which a process is told what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.errors import InjectionError
from pytest_sentry_harness.model.arming import ArmedFault, Arming
from pytest_sentry_harness.plan.arming_file import read_arming, write_arming

ARMING = Arming(
    run_id="run-1",
    key="secret",
    seed=7,
    faults=(
        ArmedFault(name="a", at="m:f", do="raise", on=("GET /*",)),
        ArmedFault(name="b", at="m:g", do="off"),
    ),
    journal_dir="/run/journals",
    lease="/run/lease",
    hosts=("127.0.0.1", "staging"),
)


def test_it_comes_back_as_it_went(tmp_path: Path) -> None:
    """Readable by its owner only, also when a file was there before: it holds the run's key."""
    path = tmp_path / "arming.json"
    path.write_text("older")
    path.chmod(0o644)
    write_arming(ARMING, path)
    assert read_arming(path) == ARMING
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"faults": 3}', '{"faults": [], "hosts": [], "new": 1}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    """With the path, and what it should be."""
    path = tmp_path / "arming.json"
    path.write_text(text)
    with pytest.raises(InjectionError, match="the arming file cannot be used") as refused:
        read_arming(path)
    assert refused.value.where == str(path)
    assert "must name a file written by sentry-harness of the same version" in (refused.value.hint or "")


def test_no_file_is_refused(tmp_path: Path) -> None:
    """Gone with its run folder, say."""
    with pytest.raises(InjectionError, match="No such file"):
        read_arming(tmp_path / "arming.json")
