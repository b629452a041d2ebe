"""pytest plugin of pytest-sentry-harness: fixture ``sentry_harness``, marker ``fault``, scenario files as tests.

Every pytest run of every project it is installed in loads this module, so it imports pytest and nothing else;
the rest is imported by what is used. Turn it off with ``-p no:sentry_harness``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .harness import SentryHarness

_SEED = "sentry_harness_seed"


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Hooks for fault kinds and criteria of a project's own."""
    from . import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("sentry-harness", "faults and scenarios of pytest-sentry-harness")
    group.addoption(
        "--sentry-harness-seed",
        dest=_SEED,
        type=int,
        metavar="N",
        help="Seed that decides about faults with a probability (default: 0), and seed of scenarios in place of "
        "their own.",
    )
    group.addoption(
        "--sentry-harness-update-snapshots",
        dest="sentry_harness_update_snapshots",
        action="store_true",
        help="Write the snapshots of events that are missing or differ, instead of failing.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line(
        "markers",
        'fault("package.module:function", "raise(TimeoutError)", name=None): make the function do what the fault term '
        "says while the test runs (pytest-sentry-harness); may be given several times.",
    )


def pytest_report_header(config: pytest.Config) -> str | None:
    """Name the seed when one was asked for."""
    seed = config.getoption(_SEED)
    return None if seed is None else f"sentry-harness: seed {seed}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect scenarios; all other files, and other TOML files, are none of our business."""
    if file_path.suffix != ".toml":
        return None
    from .recognise import is_scenario

    if not is_scenario(file_path):
        return None
    from .scenarios import ScenarioFile

    return ScenarioFile.from_parent(parent, path=file_path)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Readable ids for faults given as parameters of the fixture."""
    if argname != "sentry_harness":
        return None
    from .asked import parameter_id

    return parameter_id(val)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """With pytest-xdist: let workers share the run of a scenario."""
    from .shared import tell_worker

    tell_worker(node)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give marked tests the fixture. Last, so that markers added by others are seen."""
    marked = [item for item in items if item.get_closest_marker("fault") is not None]
    if marked:
        from .runtime import add_fixture, use

        use(config)
        for item in marked:
            add_fixture(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the totals, if there is anything to show."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    if any(getattr(report, "user_properties", None) for report in reports):
        from .reporting import write_summary

        write_summary(terminalreporter, terminalreporter.config.getoption(_SEED) or 0)


@pytest.fixture
def sentry_harness(request: pytest.FixtureRequest) -> Iterator[SentryHarness]:
    """Inject faults into the application, and assert on what its Sentry SDK would have sent. Nothing leaves the process.

    ``inject(at, do)``, ``events``, ``transactions``, ``items``, ``wait(…)``, ``assert_captured(…)``,
    ``assert_nothing()``, ``explain()``.
    """
    from .runtime import harness_for

    yield from harness_for(request)
