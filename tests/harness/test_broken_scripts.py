"""Scripts that fail before anything happened, and runs that are told to stop."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pytest_sentry_harness.harness.calibrate import calibrate
from pytest_sentry_harness.harness.run import begin, run_scenario
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario

from .programs import job, write_job

pytestmark = pytest.mark.slow


def test_a_script_that_crashes_at_once_is_shown_as_such(tmp_path: Path) -> None:
    """Its exit code and its last words come first, made harmless for a terminal."""
    path = write_job(tmp_path)
    (tmp_path / "job.py").write_text("print('\\x1b[31mred')\nimport nothing_of_that_name\n")
    document = run_scenario(load_scenario(path), runs=tmp_path / "runs")
    assert document.verdict is Verdict.INCONCLUSIVE
    first = document.criteria[0].notes[0]
    assert first.startswith("the target ended with exit code 1 after ")
    assert "before any fault fired; its last lines: " in first
    assert "ModuleNotFoundError: No module named 'nothing_of_that_name'" in first
    assert "\x1b" not in first
    assert "\n" not in first
    (rate,) = (gate for gate in document.criteria[0].gates if gate.metric == "capture.rate")
    assert "or the script made no call of a fault's `at`" in rate.why


def test_a_script_that_fails_after_its_faults_is_believed(tmp_path: Path) -> None:
    """Many end with a code other than 0 because of the fault; that says nothing against the evidence."""
    document = job(tmp_path, end="sys.exit(3)")
    assert document.verdict is Verdict.PASS
    assert document.criteria[0].notes == ()


def test_calibrate_says_that_the_twin_crashed(tmp_path: Path) -> None:
    """The line of a twin whose command is wrong names its exit code."""
    path = write_job(tmp_path)
    twin = '\n[[twin]]\nname = "crashes"\ncommand = "{python} nothere.py"\nfinds = { reason = "swallowed" }\n'
    path.write_text(path.read_text() + twin)
    result = calibrate(load_scenario(path), "crashes", runs=tmp_path / "runs")
    assert not result.good
    assert "capture.rate must fail, and is inconclusive" in result.why
    assert "ended with exit code 2" in result.why
    assert "nothere.py" in result.why


def test_a_run_in_a_thread_is_stopped_in_order(tmp_path: Path) -> None:
    """Once told, the waiting for the script ends, and the run is judged as one that was interrupted."""
    stop = threading.Event()
    scenario = load_scenario(write_job(tmp_path, end="import threading; threading.Event().wait(60)"))
    with begin(scenario, runs=tmp_path / "runs", stop=stop) as run:
        driver = threading.Thread(target=run.drive)
        driver.start()
        stop.set()
        driver.join(30)
        assert not driver.is_alive()
        document = run.finish()
    assert document.run.stop_reason == "interrupted"
    assert document.verdict is not Verdict.PASS


def test_a_run_that_settles_is_stopped(tmp_path: Path) -> None:
    """The wait for the SDK's last words is cut short as well."""
    stop = threading.Event()
    scenario = load_scenario(write_job(tmp_path, end="import threading; threading.Event().wait(60)"))
    with begin(scenario, runs=tmp_path / "runs", stop=stop) as run:
        stop.set()
        document = run.finish()
    assert "interrupted while it settled" in " ".join(document.criteria[0].notes)


def test_a_run_that_has_not_begun_never_does(tmp_path: Path) -> None:
    """No folder is made."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        run_scenario(load_scenario(write_job(tmp_path)), runs=tmp_path / "runs", stop=stop)
    assert not (tmp_path / "runs").exists()
