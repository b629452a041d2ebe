"""The pages about the plugin: what they show runs, and what they list is what there is."""

from __future__ import annotations

import fnmatch
import inspect
import re
from pathlib import Path

import pytest

from pytest_sentry_harness.pytest_plugin import hookspecs
from pytest_sentry_harness.pytest_plugin.faults import InjectedFault
from pytest_sentry_harness.pytest_plugin.harness import SentryHarness

from .project import run

DOCS = Path(__file__).parent.parent.parent / "docs"
REFERENCE = (DOCS / "reference" / "pytest-plugin.md").read_text(encoding="utf-8")
STEP = re.compile(
    r"<!-- (file: (?P<file>\S+)|run: (?P<run>\S+)|output) -->\n```\w+\n(?P<text>.*?)```", re.DOTALL
)
EXTEND = (DOCS / "how-to" / "extend.md").read_text(encoding="utf-8")
EXAMPLE = Path(__file__).parent / "example_package"


@pytest.mark.usefixtures("unmeasured")
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
    assert [name for name in sorted(names) if not re.search(rf"`{name}(\(.*\))?`", REFERENCE)] == []


def test_every_option_and_property_is_documented() -> None:
    """Options, properties and the marker stand in the reference as they are in the code."""
    package = Path(__file__).parent.parent.parent / "pytest_sentry_harness" / "pytest_plugin"
    code = "".join(path.read_text(encoding="utf-8") for path in package.glob("*.py"))
    options = set(re.findall(r'"(--sentry-harness-[a-z-]+)"', code))
    assert options == set(re.findall(r"^\| `(--sentry-harness-[a-z-]+)(?:=N)?`", REFERENCE, re.MULTILINE))
    documented = set(re.findall(r"\| `sentry_harness\.([a-z]+)`", REFERENCE))
    assert documented == {
        *("injected", "fired", "captured", "lost", "loss", "snapshot", "verdict", "run", "seed")
    }


def test_every_argument_and_hook_is_documented() -> None:
    """Signatures in the tables are those of the code; every hook stands there with its arguments."""
    for name in (
        "wait",
        "wait_for",
        "assert_captured",
        "assert_nothing",
        "assert_event",
        "snapshot",
        "flush",
        "inject",
    ):
        arguments = list(inspect.signature(getattr(SentryHarness, name)).parameters)[1:]
        shown = re.search(rf"`{name}\((.*?)\)` \|", REFERENCE)
        assert shown is not None, name
        assert re.findall(r"(?:^|, )(\w+)", re.sub(r"=[^,]+", "", shown[1])) == arguments
    hooks = {
        name: value for name, value in vars(hookspecs).items() if name.startswith("pytest_sentry_harness_")
    }
    assert hooks
    for name, hook in hooks.items():
        assert f"`{name}({', '.join(inspect.signature(hook).parameters)})`" in REFERENCE


def test_the_example_package_is_the_one_shown() -> None:
    """Every file of it stands on the page as it is tested."""
    shown = dict(re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```", EXTEND, re.DOTALL))
    assert set(shown) == {
        "shop_faults/kinds.py",
        "shop_faults/criteria.py",
        "shop_faults/plugin.py",
        "pyproject.toml",
    }
    for name, text in shown.items():
        assert (EXAMPLE / name).read_text(encoding="utf-8") == text
