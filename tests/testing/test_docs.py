"""The page about property-based tests: what it shows runs, and comes out as shown."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("hypothesis")
pytest.importorskip("flask")

from pytest_sentry_harness.testing import strategies
from pytest_sentry_harness.testing.rig import running_rig

PAGE = (Path(__file__).parent.parent.parent / "docs" / "how-to" / "property-based.md").read_text(
    encoding="utf-8"
)
FILES = re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", PAGE, re.DOTALL)
(OUTPUT,) = re.findall(r"<!-- output -->\n```text\n(.*?)```", PAGE, re.DOTALL)


def words(line: str) -> list[str]:
    return sorted(re.split(r"[\[\], ]+", line.strip()))


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_page_shows_is_what_happens(tmp_path: Path) -> None:
    """The test of the page finds the pair; the state machine, told of it, finds nothing else; the file plays it again."""
    for name, text in FILES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    options = ["-p", "no:cacheprovider", "-q", "--hypothesis-seed=1"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_shop.py", "test_chaos.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    found = [line.removeprefix("E").strip() for line in result.stdout.splitlines()]
    assert "1 failed, 1 passed" in result.stdout, result.stdout
    for line in OUTPUT.splitlines():
        pattern = f"*{line.strip()}".replace("[", "[[]")
        shown = any(fnmatch.fnmatchcase(each, pattern) for each in found)
        # Which fault of the pair comes first is decided by what Hypothesis finds first.
        assert shown or words(line) in map(words, found), (line, result.stdout)
    gate = subprocess.run(
        [
            *(sys.executable, "-m", "pytest_sentry_harness.cli", "gate"),
            ".sentry-harness/plans/test_every_error_reaches_us.toml",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert gate.returncode == 10, gate.stdout + gate.stderr
    assert "swallowed" in gate.stdout
    assert "shop.py:33" in gate.stdout


def test_every_strategy_and_setting_is_named() -> None:
    """What the modules offer stands on the page."""
    public = [
        name
        for name, value in vars(strategies).items()
        if getattr(value, "__module__", "") == strategies.__name__
    ]
    public = [name for name in public if not name.startswith("_") and name != "odd_text"]
    assert public
    assert [name for name in public if f"{name}(" not in PAGE] == []
    settings = running_rig.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]
    assert [name for name in settings if name not in PAGE] == []
