"""Files of audit trails and receipts: what was written stays, however it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_sentry_harness.channels.lines import Receipts, Trail, read_receipts, read_trail
from pytest_sentry_harness.errors import EvidenceError
from pytest_sentry_harness.model.notified import Raised
from pytest_sentry_harness.monitor.notifications import Policy, books

from .building import alert, policy, settings

OPS = {"ops": 'kind = "slack"\nurl = "http://127.0.0.1:1/x"'}


def test_a_trail_is_read_as_it_was_written(tmp_path: Path) -> None:
    """A policy made from the file goes on where the other ended."""
    trail = Trail(tmp_path / "deep" / "audit.trail")
    before = policy(OPS, write=trail.write)
    before.submit(alert(), 1.0)
    trail.close()
    trail.close()
    again = Trail(trail.path)
    after = Policy(settings(OPS), seed="test", write=again.write, trail=read_trail(trail.path))
    assert after.trail == before.trail
    after.submit(alert(), 2.0)
    again.close()
    found = list(read_trail(trail.path))
    assert found == after.trail
    assert books(found).closes
    with pytest.raises(OSError):
        again.append(b"x\n")


def test_a_torn_line_is_passed_over_then_cut_off(tmp_path: Path) -> None:
    """What a machine that died left half written does not spoil what follows."""
    trail = Trail(tmp_path / "audit.trail")
    under_test = policy(OPS, write=trail.write)
    under_test.submit(alert(), 1.0)
    trail.append(b'["raised",{"at"')
    trail.close()
    assert len(list(read_trail(trail.path))) == len(under_test.trail)
    again = Trail(trail.path)
    again.write(under_test.trail[0])
    again.close()
    assert isinstance(list(read_trail(trail.path))[-1], Raised)


def test_a_broken_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    """Files that somebody changed are not guessed at."""
    path = tmp_path / "receipts.jsonl"
    path.write_bytes(b"nonsense\n")
    with pytest.raises(EvidenceError, match=rf"{path}:1: a receipt cannot be read"):
        list(read_receipts(path))
    with pytest.raises(EvidenceError, match=rf"{path}:1: a line of the audit trail"):
        list(read_trail(path))


def test_receipts_survive_a_kill(tmp_path: Path) -> None:
    """What was appended is there after SIGKILL, every line of it."""
    path = tmp_path / "receipts.jsonl"
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from pytest_sentry_harness.channels.lines import Receipts\n"
        "lines = Receipts(Path(sys.argv[1]))\n"
        "for number in range(1000):\n"
        "    lines.append(b'{\"at\":%d}\\n' % number)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=False, timeout=60, env=os.environ
    )
    assert ended.returncode == -signal.SIGKILL
    assert len(path.read_bytes().splitlines()) == 1000
    Receipts(path).close()
