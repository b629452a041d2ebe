"""Runs that are cut short: stopped in order, judged by what was learnt, and never a pass."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pytest_sentry_harness.harness.run import begin
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario

from .programs import write_job

pytestmark = pytest.mark.slow

WAITS = "sentry_sdk.flush(60); open('ready', 'w').close(); import threading; threading.Event().wait(60)"


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_cancelled_gate_reports_what_it_knows(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 11, a report, and no process left behind."""
    scenario = write_job(tmp_path, times=80, end=WAITS)
    command = [
        sys.executable,
        "-m",
        "pytest_sentry_harness.cli",
        "gate",
        str(scenario),
        "--runs",
        str(tmp_path / "runs"),
    ]
    gate = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(tmp_path / "ready")
    family = psutil.Process(gate.pid).children(recursive=True)
    gate.send_signal(number)
    out, _ = gate.communicate(timeout=60)
    assert gate.returncode == 11, out
    assert "the run was interrupted" in out
    assert "80 faults injected, 80 fired" in out
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


def test_a_dead_server_makes_the_verdict_an_error(tmp_path: Path) -> None:
    """The run is judged all the same, from what the server had acknowledged."""
    scenario = load_scenario(write_job(tmp_path, times=20, end=WAITS))
    with begin(scenario, runs=tmp_path / "runs") as run:
        wait_for(tmp_path / "ready")
        children = psutil.Process().children()
        (server,) = (
            child for child in children if "pytest_sentry_harness.server" in " ".join(child.cmdline())
        )
        server.kill()
        document = run.finish()
    assert (document.verdict, document.run.stop_reason) == (Verdict.ERROR, "server_died")
    assert "no answer from the embedded server" in document.criteria[0].notes[0]
    assert document.account.fired == 20
    assert document.account.closes
