"""What every part of the test suite may use. ``pytester`` can be asked for in the top-level conftest only."""

from __future__ import annotations

import os
import signal

import pytest

pytest_plugins = ["pytester"]


def pytest_configure() -> None:
    """Let the programs under test be ended by Ctrl-C also where the shell that began the tests ignores it.

    ``pytest … &`` in a script does: what it starts inherits that, and no program would end.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs run without coverage: it is a guest in the interpreter, too, and makes them half as fast."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)
