"""``sentry-harness calibrate``: what it prints, writes and returns."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..harness.programs import write_job
from ..harness.test_calibrate import JOB, SCENARIO


def calibrate(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_sentry_harness.cli", "calibrate", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.fixture
def job(tmp_path: Path) -> Path:
    (tmp_path / "job.py").write_text(JOB)
    path = tmp_path / "job.toml"
    path.write_text(SCENARIO)
    return path


@pytest.mark.slow
def test_a_calibration_with_its_tables(job: Path) -> None:
    """A line for each run as it ends, tables in the order of the file, exit code 10 when one is not as it has to be."""
    folder = job.parent
    (folder / "stories.toml").write_text('[[story]]\nid = "B5"\nsymptom = "s"\ncause = "c"\nthread = "t"\n')
    ended = calibrate(
        *("job.toml", "--jobs", 2, "--runs", "runs", "--markdown", "twins.md"),
        *("--stories", "stories.toml", "stories.md"),
        cwd=folder,
    )
    assert (ended.returncode, ended.stderr) == (10, "")
    lines = ended.stdout.splitlines()
    assert lines[-1] == "2 of 6 runs came out as they have to"
    (good,) = [line for line in lines if line.startswith("ok  job/forgets-return: fail, 25 fired, 25 lost, ")]
    assert "25 for the planted cause: 25 x before_send, before_send=__main__.forgetful, " in good
    assert sum(line.startswith("BAD job/") for line in lines) == 4
    page = (folder / "twins.md").read_text().splitlines()
    assert "5 twins: 75 of 100 losses reported for the planted cause. 1 healthy runs: 0 losses." in page
    table = [row for row in page if row.startswith("| job")]
    twins = ["(healthy)", "forgets-return", "thought-to-be-a-queue", "no-defect", "no-gate"]
    assert [row.split(" | ")[1] for row in table] == [*twins, "passes-what-nobody-judges"]
    assert (
        "| B5 | s | c | t | `job.toml` forgets-return | fail | before_send"
        in (folder / "stories.md").read_text()
    )


@pytest.mark.slow
def test_one_twin_alone(job: Path) -> None:
    """``--only`` leaves the others and the healthy scenario out."""
    ended = calibrate("job.toml", "--only", "forgets-return", cwd=job.parent)
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[-1] == "1 of 1 runs came out as they have to"


@pytest.mark.slow
def test_what_cannot_be_run(job: Path) -> None:
    """Usage errors come before anything starts."""
    ended = calibrate("job.toml", "--only", "nothing", cwd=job.parent)
    assert ended.returncode == 2
    assert "there is nothing to run" in ended.stderr
    assert calibrate("gone.toml", cwd=job.parent).returncode == 2
    assert not (job.parent / ".sentry-harness").exists()


@pytest.mark.slow
def test_a_harness_that_cannot_start_the_target(job: Path) -> None:
    """That is no verdict: exit code 12, with the reason."""
    job.write_text(SCENARIO[: SCENARIO.index("[[twin]]")].replace("{python}", "no-such-program"))
    ended = calibrate("job.toml", cwd=job.parent)
    assert ended.returncode == 12
    assert "job: command 'no-such-program job.py': the target cannot be started" in ended.stderr


@pytest.mark.slow
def test_an_interrupted_calibration(tmp_path: Path) -> None:
    """What has begun ends in order, the rest never begins; the count is told, and the exit code is 130."""
    path = write_job(tmp_path, end="import threading; threading.Event().wait(300)")
    path.write_text(path.read_text().replace('stop_timeout = "60s"', 'stop_timeout = "250s"'))
    command = [sys.executable, "-m", "pytest_sentry_harness.cli", "calibrate", "job.toml", "--runs", "runs"]
    process = subprocess.Popen(
        [*command, "--healthy-runs", "3", "--jobs", "2", "--markdown", "twins.md"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("runs/*/ledger/*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (130, "")
    assert out == "interrupted: 0 of 3 runs ended, 0 of them came out as they have to\n"
    assert len(list(tmp_path.glob("runs/*/run.json"))) == 2
    assert not (tmp_path / "twins.md").exists()
