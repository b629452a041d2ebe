"""Counting instructions: by whatever this machine has, and with a clear word where it has nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_sentry_harness.criteria import overhead
from pytest_sentry_harness.errors import TargetError, UsageError
from pytest_sentry_harness.harness.overhead import session
from pytest_sentry_harness.harness.overhead.counters import (
    Callgrind,
    Count,
    Perf,
    choose_counter,
    number_of,
    total_of,
    why_perf_cannot,
)
from pytest_sentry_harness.harness.overhead.instructions import per_request, spread_evenly
from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.overhead import Launch, OverheadEvidence
from pytest_sentry_harness.model.scenario import Gate
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.gates import for_counting
from tests.criteria.overhead_samples import launches
from tests.harness.overhead_programs import write

VALGRIND = pytest.mark.skipif(
    not (shutil.which("valgrind") and shutil.which("vgdb")), reason="valgrind is not installed"
)
PERF = pytest.mark.skipif(not shutil.which("perf"), reason="perf is not installed")
ANY = pytest.mark.skipif(
    not (shutil.which("valgrind") and shutil.which("vgdb")) and bool(why_perf_cannot()),
    reason="there is neither valgrind nor a perf that may count",
)
# Does the same amount of work for each byte it is sent, and says when it has done it.
WORKER = """
import sys
for byte in iter(lambda: sys.stdin.buffer.raw.read(1), b""):
    sum(range(20_000))
    sys.stdout.buffer.raw.write(byte)
"""


class Worker:
    """A process that works when it is told to."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def work(self, times: int) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for _ in range(times):
            self.process.stdin.write(b"x")
            assert self.process.stdout.read(1) == b"x"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "worker.py"
    path.write_text(WORKER)
    return path


@pytest.fixture
def counted(tmp_path: Path, program: Path) -> Iterator[Worker]:
    command = Callgrind().command(f"{sys.executable} -I -S {program}", tmp_path)
    worker = Worker(command.split())
    yield worker
    worker.process.kill()
    worker.process.communicate()


@VALGRIND
@pytest.mark.slow
def test_callgrind_counts_what_is_done_within_the_block(counted: Worker, tmp_path: Path) -> None:
    """Twice the work is twice the instructions; neither start-up nor what lies between windows is in it."""
    counted.work(1)
    found = []
    for times in (4, 8, 4):
        with Callgrind().counting([counted.process.pid], tmp_path) as count:
            counted.work(times)
        found.append(count.instructions)
        counted.work(3)
    assert found[1] / found[0] == pytest.approx(2.0, rel=0.1)
    assert found[2] / found[0] == pytest.approx(1.0, rel=0.1)
    assert 4 * 20_000 < found[0] < 4 * 20_000 * 200


@VALGRIND
def test_a_process_that_is_not_under_valgrind_is_named(tmp_path: Path) -> None:
    """The message says which, and what may be the reason."""
    with (
        pytest.raises(TargetError, match=f"callgrind does not answer in process {os.getpid()}") as caught,
        Callgrind().counting([os.getpid()], tmp_path),
    ):
        raise AssertionError("unreachable")
    assert "does the target run under valgrind as a whole?" in str(caught.value)


def test_a_folder_with_a_percent_sign_is_no_placeholder(tmp_path: Path) -> None:
    """Callgrind would take %p and %q for something else."""
    command = Callgrind().command("python app.py", tmp_path / "100%p")
    assert f"--callgrind-out-file={tmp_path}/100%%p/callgrind.%p python app.py" in command
    assert Perf().command("python app.py", tmp_path) == "python app.py"


@PERF
def test_perf_counts_what_is_done_within_the_block(program: Path, tmp_path: Path) -> None:
    """Shown with an event of the kernel's own, which needs no hardware: CPU time of the process."""
    worker = Worker([sys.executable, "-I", "-S", str(program)])
    try:
        tried = subprocess.run(["perf", "stat", "-e", "task-clock", "true"], capture_output=True, check=False)
        if tried.returncode != 0:
            pytest.skip("perf may not count anything here")
        worker.work(1)
        with Perf(event="task-clock").counting([worker.process.pid], tmp_path) as count:
            worker.work(50)
        assert count.instructions > 0
        with (
            pytest.raises(TargetError, match="perf does not count"),
            Perf(event="no-such").counting([worker.process.pid], tmp_path),
        ):
            raise AssertionError("unreachable")
    finally:
        worker.process.kill()
        worker.process.communicate()


def test_the_counter_is_chosen_by_what_there_is() -> None:
    """perf where it works, else valgrind, else a message that says why neither and what to do."""
    everything = {"perf", "valgrind", "vgdb"}

    def finds(names: set[str]) -> object:
        return lambda name: name if name in names else None

    assert choose_counter(finds(everything), lambda: "").name == "perf"  # type: ignore[arg-type]
    assert choose_counter(finds(everything), lambda: "hidden").name == "valgrind"  # type: ignore[arg-type]
    assert choose_counter(finds(everything - {"perf"})).name == "valgrind"  # type: ignore[arg-type]
    with pytest.raises(UsageError) as caught:
        choose_counter(finds({"perf"}), lambda: "perf counts nothing here: instructions:u is not supported")  # type: ignore[arg-type]
    assert "there is nothing to count instructions with: perf counts nothing here" in str(caught.value)
    assert "apt install valgrind" in str(caught.value)
    with pytest.raises(UsageError, match="perf is not installed; valgrind is not installed"):
        choose_counter(finds(set()))  # type: ignore[arg-type]


def test_what_the_counters_write_is_read() -> None:
    """Totals of a dump; lines of perf, several processes added up; what perf could not count is said."""
    assert total_of(b"events: Ir\nsummary: 7\ntotals: 1234\n") == 1234
    assert total_of(b"") == 0
    lines = "# started\n\n1000,,instructions:u,5,100.00,,\n234,,instructions:u,5,100.00,,\n"
    assert number_of(lines, "") == 1234
    with pytest.raises(TargetError, match="perf counts nothing here: instructions:u is not supported"):
        number_of("<not supported>,,instructions:u,0,100.00,,\n", "")
    with pytest.raises(TargetError, match="perf counts nothing here: no permission"):
        number_of("", "no permission\n")


def test_a_request_is_the_difference_of_two_windows() -> None:
    """What happens without requests is in both; a difference that is none is refused."""
    assert per_request(1000, 5000, 20) == 200
    with pytest.raises(TargetError, match="20 requests more executed no more instructions"):
        per_request(1000, 1000, 20)


def test_sampling_is_spread_evenly() -> None:
    """A rate of 5 % samples one of 20, one of 20 %, four."""
    rands = spread_evenly(20)
    assert [sum(rand < rate for rand in rands) for rate in (0.0, 0.05, 0.2, 1.0)] == [0, 1, 4, 20]


def _counted(launch: Launch, **instructions: float) -> Launch:
    return replace(
        launch,
        arms=tuple(
            replace(
                arm,
                memory=0,
                kinds=tuple(
                    replace(kind, cpu=0.0, mean=0.0, p50=0.0, p99=None, instructions=instructions[arm.arm])
                    for kind in arm.kinds
                ),
            )
            for arm in launch.arms
        ),
    )


def test_a_run_that_counted_is_judged_by_its_instructions() -> None:
    """The gate on CPU time is asked of them; times are nowhere to be seen."""
    found = launches(3, {"order": 1.0})
    counted = tuple(
        _counted(launch, without=1e6 + number * 1e3, **{"with": 1.03e6 + number * 1.1e3})
        for number, launch in enumerate(found)
    )
    evidence = OverheadEvidence(
        launches=counted, counter="valgrind", clock="instructions counted by valgrind"
    )
    measured = overhead.measure(evidence)
    assert set(measured) == {"overhead.instructions", "overhead.dropped"}
    one = measured["overhead.instructions"]
    assert one.value == pytest.approx(0.03, abs=0.001)
    assert one.low is not None
    assert one.low > 0.02
    assert {cost.metric for cost in overhead.info(evidence).costs} == {"overhead.instructions"}
    cpu = Gate(metric="overhead.cpu", comparison="<", threshold=0.05, text="< 5%")
    p50 = replace(cpu, metric="overhead.latency.p50")
    assert for_counting([cpu, p50]) == (replace(cpu, metric="overhead.instructions"),)
    own = replace(cpu, metric="overhead.instructions", threshold=0.01, text="< 1%")
    assert for_counting([cpu, own]) == (own,)


@ANY
@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_a_whole_run_counts(tmp_path: Path) -> None:
    """Both arms are counted in three launches with fixed hash seeds, and the gate on CPU time is judged by what was counted."""
    scenario = write(
        tmp_path,
        requests='[[overhead.request]]\nname = "ok"\nsend = "GET /ok"',
        more='[gates]\n"overhead.cpu" = "< 500%"',
    )
    assert scenario.overhead is not None
    scenario = replace(scenario, overhead=replace(scenario.overhead, count="instructions"))
    document = run_scenario(scenario, runs=tmp_path / "runs")
    assert document.verdict == Verdict.PASS, document
    (criterion,) = document.criteria
    found = {gate.metric: gate.measurement for gate in criterion.gates}
    assert found["overhead.instructions"].value is not None
    assert "overhead.cpu" not in found
    assert document.overhead is not None
    assert document.overhead.stopped == "3 launches are counted, with hash seeds 0 to 2"
    assert (document.overhead.baseline[0].instructions or 0) > 10_000


class Pretends:
    """Counts nothing, and tells the same of every request."""

    name = "pretence"

    def __init__(self) -> None:
        self.windows: dict[Path, int] = {}

    def command(self, command: str, folder: Path) -> str:
        assert folder.is_dir()
        return command

    @contextlib.contextmanager
    def counting(self, pids: Sequence[int], folder: Path) -> Iterator[Count]:
        count = Count()
        yield count
        self.windows[folder] = self.windows.get(folder, 0) + 1
        count.instructions = 1000 * self.windows[folder]


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_an_arm_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written while counting lies where no arm's folder can; and the report tells how to count again."""
    counter = Pretends()
    monkeypatch.setattr(session, "choose_counter", lambda: counter)
    monkeypatch.setattr(session, "LAUNCHES", 1)
    scenario = write(
        tmp_path,
        requests='[[overhead.request]]\nname = "ok"\nsend = "GET /ok"',
        more='[[overhead.arm]]\nname = "with-counts"\nenv = { A = "1" }\n',
    )
    assert scenario.overhead is not None
    scenario = replace(scenario, overhead=replace(scenario.overhead, count="instructions"))
    document = run_scenario(scenario, runs=tmp_path / "runs")
    assert document.run.stop_reason == "completed"
    assert len(counter.windows) == 3
    assert document.reproduce.endswith(" --seed 3 --count instructions")


@pytest.mark.slow
def test_counting_is_asked_for_where_cost_is(tmp_path: Path) -> None:
    """--count with another kind of scenario is a usage error, before anything starts."""
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest_sentry_harness.cli", "gate", "--count", "instructions"),
            str(Path(__file__).parents[2] / "scenarios" / "capture.toml"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2
    assert "this scenario does not ask" in ended.stderr
    assert not list(tmp_path.iterdir())
