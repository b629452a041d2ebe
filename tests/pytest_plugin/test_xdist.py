"""pytest-xdist: every way to distribute tests, and workers that crash."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from pytest_sentry_harness.plan.schedule import Schedule

from .project import APP, run

pytest.importorskip("xdist")

APPLICATION = (
    APP + '\nsentry_sdk.init("https://abc@o12.ingest.sentry.io/42", auto_enabling_integrations=False)\n'
)
SEED = 31
CALLS = 30
EXPECTED = [
    firing.fault_id
    for schedule in [Schedule.of("often", "50%raise(TimeoutError)", SEED)]
    for firing in (schedule.next() for _ in range(CALLS))
    if firing is not None
]
TESTS = f"""
import json, os
import pytest
import app

def note(name, sentry_harness):
    line = [name, os.environ.get("PYTEST_XDIST_WORKER"), os.environ["SENTRY_DSN"]]
    with open("notes.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\\n")

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(3))
@pytest.mark.fault("app:charge", "50%raise(TimeoutError)", name="often")
def test_firings(number, sentry_harness, request):
    assert sentry_harness.events == []
    for _ in range({CALLS}):
        app.checkout()
    note(request.node.name, sentry_harness)
    assert [each.fault_id for each in sentry_harness.outcomes()] == {EXPECTED}
    assert len(sentry_harness.assert_captured("often")) == {len(EXPECTED)}

@pytest.mark.xdist_group("two")
class TestClass:
    @pytest.mark.fault("app:charge", "raise(TimeoutError)")
    def test_lost(self, sentry_harness, request):
        app.hush()
        note(request.node.name, sentry_harness)
        sentry_harness.assert_captured()

def test_quiet(sentry_harness, request):
    note(request.node.name, sentry_harness)
    sentry_harness.assert_nothing()
"""


def notes(path: Path) -> list[list[str]]:
    lines = (path / "notes.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["load", "loadscope", "loadfile", "loadgroup", "worksteal", "each", "no"])
def test_distribution_changes_nothing(pytester: pytest.Pytester, mode: str) -> None:
    """The same firings on whichever worker and in whatever order, an inbox for each test, and one summary."""
    pytester.makepyfile(app=APPLICATION, test_one=TESTS, test_two=TESTS)
    pytester.makeconftest("def pytest_collection_modifyitems(items):\n    items.reverse()\n")
    options = (
        "--dist",
        mode,
        *(("-n", "2") if mode != "no" else ()),
        "--tx=2*popen" if mode == "each" else "-q",
    )
    result = run(
        pytester,
        *options,
        f"--sentry-harness-seed={SEED}",
        "-W",
        "ignore::pytest.PytestUnknownMarkWarning",
        plugins=("xdist",),
    )
    times = 2 if mode == "each" else 1
    result.assert_outcomes(passed=8 * times, failed=2 * times)
    fired = times * (6 * len(EXPECTED) + 2)
    result.stdout.fnmatch_lines(
        [
            f"E *reproduce: pytest test_*.py::TestClass::test_lost --sentry-harness-seed={SEED}",
            "*= sentry-harness =*",
            f"{10 * times} tests; faults: {8 * times} injected, {fired} fired, {fired - 2 * times} captured,"
            f" {2 * times} lost; seed {SEED}",
        ]
    )
    found = notes(pytester.path)
    assert set(Counter(name for name, _, _ in found).values()) == {2 * times}
    assert len({dsn for _, _, dsn in found}) == len(found) == 10 * times


@pytest.mark.slow
def test_a_crashed_worker_takes_only_its_test_with_it(pytester: pytest.Pytester) -> None:
    """The worker that replaces it goes on: each other test is reported once, with events of its own."""
    pytester.makepyfile(
        app=APPLICATION,
        test_crash=TESTS
        + """
@pytest.mark.fault("app:charge", "raise(TimeoutError('of the crashed test'))")
def test_crash(sentry_harness):
    for _ in range(5):
        app.checkout()
    assert len(sentry_harness.events) == 5
    os._exit(3)

@pytest.mark.parametrize("number", range(6))
def test_after(number, sentry_harness, request):
    note(request.node.name, sentry_harness)
    assert sentry_harness.events == []
    sentry_harness.inject("app:charge", "raise(TimeoutError)")
    app.checkout()
    sentry_harness.assert_captured(times=1)
""",
    )
    result = run(
        pytester,
        *("-n", "2", "--dist", "load", "--junitxml=report.xml", f"--sentry-harness-seed={SEED}"),
        *("-W", "ignore::pytest.PytestUnknownMarkWarning"),
        plugins=("xdist",),
    )
    result.assert_outcomes(passed=10, failed=2)
    text = result.stdout.str()
    assert text.count("crashed while running 'test_crash.py::test_crash'") >= 1
    fired = 3 * len(EXPECTED) + 1 + 6
    result.stdout.fnmatch_lines(
        [
            f"11 tests; faults: 10 injected, {fired} fired, {fired - 1} captured, 1 lost; seed {SEED}",
            "test_crash.py::TestClass::test_lost: 1 x charge: lost: swallowed*",
        ]
    )
    assert sorted(name for name, _, _ in notes(pytester.path)) == sorted(
        [
            *(f"test_firings[{n}]" for n in range(3)),
            "test_lost",
            "test_quiet",
            *(f"test_after[{n}]" for n in range(6)),
        ]
    )
    left = {entry.name for entry in pytester.path.iterdir()}
    assert left & {".sentry-harness", "__snapshots__"} == set()
