"""What people see of a run while it goes on: a panel on a terminal, lines in a log."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from pytest_sentry_harness.cli import progress
from pytest_sentry_harness.cli.progress import live_panel, shown_progress
from pytest_sentry_harness.harness.progress import Quiet
from pytest_sentry_harness.model.live import Live

from ..harness.programs import write_job

LIVE = Live(
    seconds=12.0,
    fired=10,
    expected=10,
    captured=7,
    outstanding=1,
    losses=(("app.scrub [red](before_send)", 2),),
    requests=40,
    latency_p50=0.01,
    latency_p95=0.2,
)


def test_a_log_gets_a_line_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not one for every look."""
    now = [100.0]
    monkeypatch.setattr(progress.clock, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with shown_progress(Console(file=stream)) as shown:
        shown.stage("driving load")
        for _ in range(48):
            now[0] += 0.25
            shown.news("not for a log")
            shown.live(lambda: LIVE)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "… driving load"
    assert len(lines) == 3
    assert lines[1].startswith(
        "  12 s: 0.0 requests/s, latency p50 10 ms, p95 200 ms, 10 faults (0.0/s), 7 of 10"
    )
    assert lines[1].endswith("1 on their way, 2 lost: app.scrub [red](before_send)")


def test_a_terminal_gets_a_panel_until_the_next_stage() -> None:
    """Beside the spinner and the bar; nothing of it stays when the run is over."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=40, color_system=None)
    with shown_progress(console) as shown:
        shown.stage("driving load")
        shown.news("3 envelope items received", 0.5)
        shown.live(lambda: LIVE)
        console.print("flush")
        driving = stream.getvalue()
        shown.stage("judging")
        console.print("flush")
        judging = stream.getvalue()[len(driving) :]
    assert "so far" in driving
    assert "7 of 10 (77.7 % of those settled)" in driving
    assert "lost: app.scrub [red](before_send)" in driving
    assert "3 envelope items received" in driving
    assert "so far" not in judging.rpartition("flush")[2]


def test_the_panel_stays_small() -> None:
    """Whatever goes wrong, it fits a terminal of 24 lines."""
    losses = tuple((f"reason {n}", 1) for n in range(99))
    console = Console(file=io.StringIO(), width=80, record=True)
    console.print(live_panel(Live(seconds=1.0, losses=losses, behind=True, unreadable=3)))
    assert len(console.export_text().splitlines()) <= 16


def test_whoever_stays_quiet_does_not_look() -> None:
    """Plugins and calibrations do not pay for it."""
    Quiet().live(lambda: pytest.fail("looked"))


@pytest.mark.slow
def test_gate_shows_the_run_on_a_real_terminal(tmp_path: Path) -> None:
    """A run of a script, on a pseudo-terminal: the panel comes and goes, the report stays."""
    scenario = write_job(tmp_path, times=60, end="__import__('time').sleep(3)")
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "pytest_sentry_harness.cli",
        "gate",
        str(scenario),
        "--runs",
        str(tmp_path / "runs"),
    ]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "110", "LINES": "40"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # how Linux tells that nobody has the other end open any more
            break
        if not data:
            break
        shown += data
    os.close(ours)
    text = shown.decode(errors="replace")
    assert process.wait(30) == 0, text
    assert "so far" in text
    assert "of those settled" in text
    assert "60 fired = 60 captured" in text
