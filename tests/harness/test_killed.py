"""The harness itself is killed in mid-run: nothing is left behind, and what is judged later never passes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from .programs import write_job
from .test_cut_short import WAITS, wait_for

pytestmark = pytest.mark.slow


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest_sentry_harness.cli", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.usefixtures("unmeasured")
def test_a_killed_gate_leaves_nothing_behind_and_no_pass(tmp_path: Path) -> None:
    """SIGKILL the gate, then judge its folder: inconclusive; target and server are gone; a new run works."""
    runs = tmp_path / "runs"
    scenario = write_job(tmp_path, times=80, end=WAITS)
    gate = subprocess.Popen(
        command("gate", str(scenario), "--runs", str(runs)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(tmp_path / "ready")
    family = psutil.Process(gate.pid).children(recursive=True)
    assert len(family) >= 2  # the target and the server
    gate.send_signal(signal.SIGKILL)
    gate.wait(30)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []

    (folder,) = runs.iterdir()
    judged = run("judge", str(folder))
    assert judged.returncode == 11, judged.stdout + judged.stderr
    assert "the harness ended before the run did" in judged.stdout
    assert "80 faults injected, 80 fired" in judged.stdout

    again = write_job(tmp_path, times=80)
    assert run("gate", str(again), "--runs", str(runs)).returncode == 0
