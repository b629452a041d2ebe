"""What every part of the test suite may use. ``pytester`` can be asked for in the top-level conftest only."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import examples

pytest_plugins = ["pytester"]


def pytest_configure(config: pytest.Config) -> None:
    """Let the programs under test be ended by Ctrl-C also where the shell that began the tests ignores it.

    ``pytest … &`` in a script does: what it starts inherits that, and no program would end. And properties are tried with
    fewer examples where only the fast tests are asked for.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    examples.begin(fast=config.option.markexpr == "not slow")


@pytest.fixture(autouse=True)
def greenlets_are_told_apart(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage asks at every call which greenlet it is in only where Locust runs: it takes half as long again."""
    if request.node.get_closest_marker("locust") and "COVERAGE_PROCESS_CONFIG" in os.environ:
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG")
        monkeypatch.setenv("COVERAGE_PROCESS_START", str(Path(__file__).with_name("greenlets.coveragerc")))


def _leave_coverage_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def unmeasured(greenlets_are_told_apart: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs run without coverage: it is a guest in the interpreter, too, and makes them a third as fast."""
    _leave_coverage_out(monkeypatch)


@pytest.fixture(scope="module")
def unmeasured_module() -> Iterator[None]:
    """The same for what a module's tests share."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        _leave_coverage_out(monkeypatch)
        yield
