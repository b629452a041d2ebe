"""What the target takes of the machine: sampled, kept, and put into a few numbers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pytest_sentry_harness import clock
from pytest_sentry_harness.harness.series import Series, course_in
from pytest_sentry_harness.model.series import Sample, SeriesInfo
from pytest_sentry_harness.reconcile.course import course_of, read_samples
from pytest_sentry_harness.report.series import series_lines
from pytest_sentry_harness.statistics.slope import slope
from pytest_sentry_harness.targets import usage
from pytest_sentry_harness.targets.usage import Held, Taken, Usage

BUSY = """
import subprocess, sys, time
what = sys.stdin.readline().strip()
while what:
    if what == "burn":
        end = time.process_time() + 0.3
        while time.process_time() < end: pass
    elif what == "child":
        child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    elif what == "child-burns":
        child.stdin.write("burn\\n"); child.stdin.flush()
    elif what == "child-ends":
        child.stdin.close(); child.wait()
    elif what == "write":
        with open(sys.argv[2], "wb") as file:
            file.write(b"x" * 1_000_000); file.flush()
            import os; os.fsync(file.fileno())
    print("done", flush=True)
    what = sys.stdin.readline().strip()
"""


class Program:
    """A program that does what it is told."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", BUSY, BUSY, str(folder / "written")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def do(self, what: str) -> None:
        """Have it done."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self) -> None:
        """Nothing of it is left."""
        for each in psutil.Process().children(recursive=True):
            each.kill()
        self.process.communicate()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)
    started = Program(tmp_path)
    yield started
    started.end()


def until(true: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = clock.monotonic() + 60
    while not true():
        assert clock.monotonic() < deadline, "it never came true"
        os.sched_yield()


def looked(looking: Usage) -> Sample:
    sample = looking.look()
    assert sample is not None
    return sample


# ---- one look ------------------------------------------------------------------------------------


def test_processes_that_come_and_go_are_counted(program: Program) -> None:
    """What a child had stays counted when it has ended."""
    program.do("write")  # it runs: between fork and exec it has next to no memory
    looking = Usage(program.process.pid)
    first = looked(looking)
    assert (first.processes, first.cpu, first.seconds) == (1, 0.0, pytest.approx(0, abs=5))
    assert first.rss > 1_000_000
    assert first.threads >= 1
    assert first.uss is not None
    assert 0 < first.uss <= first.rss
    program.do("burn")
    burnt = looked(looking).cpu
    assert burnt >= 0.25
    program.do("child")
    until(lambda: looked(looking).processes == 2)
    program.do("child-burns")
    until(lambda: looked(looking).cpu >= burnt + 0.25)
    both = looked(looking).cpu
    program.do("child-ends")
    last = looked(looking)
    assert last.processes == 1
    assert last.cpu >= both


def test_files_sockets_and_bytes_are_counted(program: Program) -> None:
    """Those of the target, as far as the system tells; the network's are those of the machine."""
    looking = Usage(program.process.pid)
    first = looked(looking)
    program.do("write")
    last = looked(looking)
    assert first.descriptors is not None
    assert first.descriptors >= 3
    assert first.connections == 0
    assert last.disk_written is not None
    assert first.disk_written == 0
    assert last.loopback is not None
    assert last.loopback >= 0
    assert last.sampler > 0
    assert 0 <= last.machine <= 1


def test_a_child_whose_parent_has_ended_belongs_to_the_target(tmp_path: Path) -> None:
    """It is still of the target's session."""
    code = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'input()']).pid, flush=True)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.wait()
    try:
        assert looked(Usage(parent.pid)).processes == 1
    finally:
        os.kill(child, signal.SIGKILL)
        parent.communicate()


def test_a_child_in_a_session_of_its_own_is_found_by_its_parent() -> None:
    """As worker processes that make themselves leaders are."""
    code = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'input()'], start_new_session=True)\n"
        "print('up', flush=True)\n"
        "input()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    children = psutil.Process(parent.pid).children()
    try:
        assert looked(Usage(parent.pid)).processes == 2
    finally:
        parent.kill()
        for child in children:
            child.kill()
        parent.communicate()


def test_when_all_have_ended_there_is_nothing_to_look_at(program: Program) -> None:
    """A zombie is not alive."""
    looking = Usage(program.process.pid)
    looked(looking)
    os.kill(program.process.pid, signal.SIGKILL)
    until(lambda: looking.look() is None)
    assert looking.look() is None


def test_what_the_system_does_not_tell_is_not_made_up(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Questions that are unknown or forbidden have no answer."""
    monkeypatch.delattr(psutil.Process, "io_counters")

    def refuse(*_: object, **__: object) -> None:
        raise psutil.AccessDenied

    for name in ("num_fds", "net_connections", "memory_full_info"):
        monkeypatch.setattr(psutil.Process, name, refuse)
    monkeypatch.setattr(psutil, "net_io_counters", refuse)
    sample = looked(Usage(program.process.pid))
    unknown = (
        sample.uss,
        sample.descriptors,
        sample.connections,
        sample.disk_read,
        sample.net_sent,
        sample.loopback,
    )
    assert unknown == (None,) * 6


def test_what_is_not_known_of_one_is_not_known_of_all() -> None:
    """A sum with something missing would look like one without."""
    one, other = Held(1, 2, 3, 4, 5), Held(1, None, 3, 4, None)
    assert one.plus(other) == Held(2, None, 6, 8, None)
    assert Taken(3.0, 5, None).since(Taken(1.0, 2, 1)) == Taken(2.0, 3, None)


# ---- a thread and a file -------------------------------------------------------------------------


def test_samples_are_written_while_the_target_lives(program: Program, tmp_path: Path) -> None:
    """One JSON line each, and a last one that was cut off is left out."""
    path = tmp_path / "series.jsonl"
    with Series(path, program.process.pid, every=0.01):
        until(lambda: path.exists() and path.read_bytes().count(b"\n") >= 5)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(read_samples(lines)) == len(lines)
    found = course_in(path)
    assert found is not None
    assert found.samples == len(lines)
    path.write_bytes(b"".join(lines)[:-9])
    assert len(read_samples(path.read_bytes().splitlines())) == len(lines) - 1


def test_the_file_grows_slower_and_slower(program: Program, tmp_path: Path) -> None:
    """After so many lines the time between two doubles."""
    path = tmp_path / "series.jsonl"
    with Series(path, program.process.pid, every=0.02, most_lines=4):
        until(lambda: path.exists() and path.read_bytes().count(b"\n") >= 10)
    samples = read_samples(path.read_bytes().splitlines())
    assert samples[8].seconds - samples[4].seconds >= 4 * 0.04 - 0.03


def test_without_psutil_nothing_is_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no part of the base install."""
    monkeypatch.setattr(usage.importlib.util, "find_spec", lambda name: None)
    path = tmp_path / "series.jsonl"
    with Series(path, os.getpid()):
        pass
    assert not path.exists()
    assert course_in(path) is None


def test_psutil_is_imported_when_it_is_needed() -> None:
    """And not before: a run without it must start."""
    code = "import sys, pytest_sentry_harness.harness.series; sys.exit('psutil' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- what it comes to ----------------------------------------------------------------------------

SAMPLE = Sample(
    at=0.0, seconds=0.0, processes=1, cpu=0.0, rss=100_000_000, uss=None, threads=4, descriptors=9, connections=None,
    disk_read=None, disk_written=None, net_sent=None, net_received=None, loopback=None, machine=0.5, sampler=0.0,
)  # fmt: skip


def grown(seconds: int, *, leak: int = 0) -> SeriesInfo:
    """What a run comes to that grew by ``leak`` bytes a minute, and swings a little."""
    found = course_of(
        [
            replace(
                SAMPLE,
                seconds=float(at),
                cpu=at * 0.5,
                rss=100_000_000 + leak * at // 60 + (at * 7919 % 13) * 1000,
                uss=50_000_000 if at % 4 == 0 else None,
            )
            for at in range(seconds)
        ]
    )
    assert found is not None
    return found


def test_growth_has_bounds_that_hold_the_leak() -> None:
    """A leak is seen, and none is not."""
    leaking, steady = grown(300, leak=6_000_000).rss, grown(300).rss
    assert leaking.growth_low is not None
    assert leaking.growth_high is not None
    assert 5_900_000 < leaking.growth_low < 6_000_000 < leaking.growth_high < 6_100_000
    assert steady.growth_low is not None
    assert steady.growth_high is not None
    assert steady.growth_low < 0 < steady.growth_high


def test_a_short_run_has_no_growth() -> None:
    """And one sample is no run."""
    found = grown(8)
    assert found.rss.growth is None
    assert found.cores.mean == found.cores.max == 0.5
    assert found.uss is not None
    assert found.uss.mean == 50_000_000
    assert found.connections is None
    assert course_of([SAMPLE]) is None
    assert course_of([SAMPLE, SAMPLE]) is None


def test_the_slope_of_a_line() -> None:
    """Exact for a straight line; nothing for what is none."""
    times = [float(number) for number in range(40)]
    found = slope(times, [3.0 + 2.0 * at for at in times])
    assert found is not None
    assert found == pytest.approx((2.0, 2.0, 2.0, 0.0))
    assert slope(times[:10], times[:10]) is None
    assert slope([1.0] * 40, times) is None
    assert slope([0.0, *[1.0] * 38, 1.0], times, stretches=2) is None
    with pytest.raises(ValueError, match="40 times and 1 values"):
        slope(times, [1.0])


def test_the_report_has_two_lines() -> None:
    """The target's own figures in one, those of the whole machine in the other."""
    found = replace(
        grown(300, leak=6_000_000),
        disk_read=0,
        disk_written=4_096,
        net_sent=0,
        net_received=0,
        loopback=12_300_000,
    )
    target, machine = series_lines(found)
    assert target.startswith(
        "target, 300 samples in 299 s: CPU 149.5 s (0.50 of a core, at most 0.50), memory "
    )
    assert "+6 MB a minute: +6 MB to +6 MB" in target
    assert "at most 4 threads, 9 descriptors" in target
    assert machine == (
        "  disk 0 B read, 4.1 kB written, the whole machine: 50% busy, network 0 B out, 0 B in, 12.3 MB on loopback"
    )
    assert series_lines(grown(8))[1] == "  the whole machine: 50% busy"
    several = replace(grown(8), processes=3, rss=replace(grown(8).rss, mean=2e15))
    assert "2e+03 TB" in series_lines(several)[0]
    assert series_lines(several)[0].endswith("3 processes")
    assert series_lines(None) == []
