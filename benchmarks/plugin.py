"""What the pytest plugin costs: its import, each test that does not use it, and each test that does.

    python benchmarks/plugin.py [--tests 2000] [--rounds 7]

Ratios compare arms that take turns within one run, so that a noisy machine disturbs both alike.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

IMPORT = """
import time, pytest
started = time.perf_counter()
import pytest_sentry_harness.pytest_plugin.plugin
print(time.perf_counter() - started)
"""
PLAIN = """
import pytest
@pytest.mark.parametrize("number", range({count}))
def test_it(number):
    pass
"""
FIXTURE = """
import pytest, sentry_sdk
sentry_sdk.init(auto_enabling_integrations=False)
@pytest.mark.parametrize("number", range({count}))
def test_it(number{fixture}):
    pass
"""
CAPTURE = """
import pytest, sentry_sdk
sentry_sdk.init(auto_enabling_integrations=False)

def charge():
    pass

@pytest.mark.parametrize("number", range({count}))
def test_it(number, sentry_harness):
    fault = sentry_harness.inject(__name__ + ":charge", "raise(TimeoutError)")
    try:
        charge()
    except TimeoutError:
        sentry_sdk.capture_exception()
    sentry_harness.assert_captured(fault)
"""
ENVIRONMENT = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def seconds(folder: Path, text: str, *options: str) -> float:
    """How long pytest says it took to run ``text``."""
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_it.py"]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    found = re.search(r"passed in ([\d.]+)s", done.stdout)
    if found is None:
        raise SystemExit(f"pytest did not say how long it took:\n{done.stdout}")
    return float(found[1])


def import_seconds(rounds: int) -> float:
    """Median time to import the plugin where pytest is imported already."""
    command = [sys.executable, "-c", IMPORT]
    return statistics.median(
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(rounds)
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    on, off = ("-p", "sentry_harness"), ("-p", "no:sentry_harness")
    used = max(arguments.tests // 10, 1)
    arms: dict[str, tuple[str, tuple[str, ...]]] = {
        "unused": (PLAIN.format(count=arguments.tests), on),
        "turned off": (PLAIN.format(count=arguments.tests), off),
        "fixture": (FIXTURE.format(count=used, fixture=", sentry_harness"), on),
        "no fixture": (FIXTURE.format(count=used, fixture=""), on),
        "a fault captured": (CAPTURE.format(count=used), on),
    }
    measured: dict[str, list[float]] = {name: [] for name in arms}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            for name, (text, options) in arms.items():
                measured[name].append(seconds(Path(folder), text, *options))
    median = {name: statistics.median(values) for name, values in measured.items()}
    ratios = sorted(
        unused / turned_off
        for unused, turned_off in zip(measured["unused"], measured["turned off"], strict=True)
    )
    print(f"import of the plugin: {import_seconds(arguments.rounds) * 1000:.2f} ms")
    print(
        f"{arguments.tests} tests that do not use it: {statistics.median(ratios):.3f} times the time without it "
        f"(from {ratios[0]:.3f} to {ratios[-1]:.3f} in {arguments.rounds} rounds)"
    )
    for name in ("fixture", "a fault captured"):
        each = (median[name] - median["no fixture"]) / used
        print(f"{name}: {each * 1000:.2f} ms a test")


if __name__ == "__main__":
    main()
