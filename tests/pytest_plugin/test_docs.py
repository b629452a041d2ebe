"""The pages about the plugin: what they show runs, and what they list is what there is."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import pytest

from pytest_sentry_harness.pytest_plugin.faults import InjectedFault
from pytest_sentry_harness.pytest_plugin.harness import SentryHarness

from .project import run

DOCS = Path(__file__).parent.parent.parent / "docs"
REFERENCE = (DOCS / "reference" / "pytest-plugin.md").read_text(encoding="utf-8")
STEP = re.compile(
    r"<!-- (file: (?P<file>\S+)|run: (?P<run>\S+)|output) -->\n```\w+\n(?P<text>.*?)```", re.DOTALL
)
FOR_THE_PLUGIN = {"start", "stop", "left_application", "explained", "undone"}


@pytest.mark.slow
@pytest.mark.parametrize("page", ["tutorial/first-test.md", "how-to/unit-tests.md"])
def test_what_the_page_shows_is_what_happens(pytester: pytest.Pytester, page: str) -> None:
    """Files are written as shown, pytest is run where the page runs it, and its output has the lines shown."""
    text = (DOCS / page).read_text(encoding="utf-8")
    output: list[str] = []
    steps = list(STEP.finditer(text))
    assert steps
    for step in steps:
        if step["file"]:
            (pytester.path / step["file"]).write_text(step["text"], encoding="utf-8")
        elif step["run"]:
            options = ("-o", "asyncio_default_fixture_loop_scope=function", "-p", "no:cacheprovider")
            result = run(pytester, *options, plugins=("asyncio",))
            expected = {
                kind: int(count) for kind, count in (part.split("=") for part in step["run"].split(","))
            }
            result.assert_outcomes(**expected)
            output = [line.removeprefix("E").strip() for line in result.outlines]
        else:
            for line in step["text"].splitlines():
                assert any(fnmatch.fnmatch(found, f"*{line.strip()}") for found in output), line


@pytest.mark.parametrize("kind", [SentryHarness, InjectedFault])
def test_every_name_is_documented(kind: type) -> None:
    """The tables name every method and property, and no other."""
    names = {name for name in vars(kind) if not name.startswith("_")}
    names -= FOR_THE_PLUGIN if kind is SentryHarness else set()
    assert [name for name in sorted(names) if not re.search(rf"`{name}(\(.*\))?`", REFERENCE)] == []


def test_every_option_and_property_is_documented() -> None:
    """Options, properties and the marker stand in the reference as they are in the code."""
    package = Path(__file__).parent.parent.parent / "pytest_sentry_harness" / "pytest_plugin"
    code = "".join(path.read_text(encoding="utf-8") for path in package.glob("*.py"))
    options = set(re.findall(r'"(--sentry-harness-[a-z-]+)"', code))
    assert options == set(re.findall(r"`(--sentry-harness-[a-z-]+)=N`", REFERENCE))
    documented = set(re.findall(r"\| `sentry_harness\.([a-z]+)`", REFERENCE))
    assert documented == {"injected", "fired", "captured", "lost", "loss", "verdict", "run", "seed"}
