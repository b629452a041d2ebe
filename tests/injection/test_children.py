"""How child processes ended, noted by whoever waits for them; and children that are forked at a bad moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.injection.children import Children, signal_name
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.ledger.reader import read_journal
from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import ChildEnded, Fired, Goodbye, HardExit, Hello, PointState

from .tools import TargetRun


def spawned(code: str) -> int:
    """The pid of a child that nobody has waited for."""
    return os.posix_spawn(sys.executable, [sys.executable, "-I", "-S", "-c", code], os.environ)


@pytest.fixture
def recorder() -> Iterator[MemoryRecorder]:
    recorder = MemoryRecorder()
    children = Children(recorder)
    children.install()
    yield recorder
    children.uninstall()


def endings(recorder: MemoryRecorder) -> list[tuple[int, int | None, str]]:
    return [(each.pid, each.exit_code, each.signal) for each in recorder.records(ChildEnded)]


def test_exit_codes_and_signals_are_noted(recorder: MemoryRecorder) -> None:
    """Whichever call is told; whoever waits gets what it would have got."""
    first = spawned("raise SystemExit(3)")
    assert os.waitpid(first, 0) == (first, 3 << 8)
    second = spawned("import os; os.kill(os.getpid(), 9)")
    assert os.wait4(second, 0)[:2] == (second, 9)
    third = spawned("raise SystemExit(4)")
    told = os.waitid(os.P_PID, third, os.WEXITED)
    assert told is not None
    assert (told.si_pid, told.si_status) == (third, 4)
    fourth = spawned("import os; os.kill(os.getpid(), 15)")
    os.waitid(os.P_PID, fourth, os.WEXITED)
    assert endings(recorder) == [
        (first, 3, ""),
        (second, None, "SIGKILL"),
        (third, 4, ""),
        (fourth, None, "SIGTERM"),
    ]


def test_a_child_that_goes_on_has_not_ended(recorder: MemoryRecorder) -> None:
    """A look without waiting, and a stop, say nothing."""
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    assert os.waitpid(child.pid, os.WNOHANG) == (0, 0)
    assert os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG) is None
    child.send_signal(signal.SIGSTOP)
    assert os.WIFSTOPPED(os.waitpid(child.pid, os.WUNTRACED)[1])
    told = os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WCONTINUED | os.WNOHANG)
    assert told is None or told.si_status == signal.SIGSTOP
    assert endings(recorder) == []
    child.kill()
    child.communicate()
    assert endings(recorder) == [(child.pid, None, "SIGKILL")]


def test_errors_of_the_call_are_the_caller_s(recorder: MemoryRecorder) -> None:
    """There is no such child."""
    with pytest.raises(ChildProcessError):
        os.waitpid(os.getpid(), 0)
    assert endings(recorder) == []


class Full:
    """A recorder on a disk that is full."""

    def write(self, kind: type[Any], /, **fields: Any) -> Any:
        raise OSError(28, "No space left on device")


def test_a_ledger_that_cannot_be_written_costs_nobody_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    """It is said on stderr."""
    children = Children(Full())
    children.install()
    child = spawned("")
    try:
        assert os.waitpid(child, 0) == (child, 0)
    finally:
        children.uninstall()
    assert "the ledger cannot be written: OSError(28" in capsys.readouterr().err


def test_signals_have_names() -> None:
    """Also those that have none of their own."""
    assert (signal_name(9), signal_name(40)) == ("SIGKILL", "signal 40")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_every_child_of_multiprocessing_is_seen(tmp_path: Path, method: str) -> None:
    """Each has a journal of its own that can be read, says how it ended itself, or its parent says it."""
    run = TargetRun(tmp_path, ArmedFault(name="f", at="work:work", do="raise(KeyError('x'))", select="call"))
    run.write("work.py", "def work(): return 1\n")
    done = run.script(
        f"""
        import multiprocessing, os, signal
        from work import work

        def attempt(how):
            try:
                work()
            except KeyError:
                print("missed", flush=True)
            if how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)

        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            for how in ("ends", "killed"):
                child = context.Process(target=attempt, args=(how,))
                child.start()
                child.join()
        """
    )
    assert done.stdout.split() == ["missed", "missed"], done.stderr
    assert len({record.fault_id for record in run.records(Fired)}) == 2
    journals = {path: list(read_journal(path)) for path in Path(run.arming.journal_dir).glob("*.journal")}
    firing = [records for records in journals.values() if any(isinstance(each, Fired) for each in records)]
    assert len(firing) == 2
    ended = {
        records[0].pid: [type(each) for each in records if isinstance(each, HardExit | Goodbye)]
        for records in firing
        if isinstance(records[0], Hello)
    }
    (killed,) = [pid for pid, how in ended.items() if not how]
    assert [each.signal for each in run.records(ChildEnded) if each.pid == killed] == ["SIGKILL"]
    (orderly,) = [how for how in ended.values() if how]
    # A spawned child ends as a program does; the others by os._exit.
    assert orderly == ([Goodbye] if method == "spawn" else [HardExit])


@pytest.mark.slow
@pytest.mark.usefixtures(
    "unmeasured"
)  # coverage holds a lock of its own when a thread forks, and hangs the child
def test_a_fork_under_load_never_hangs_the_child(tmp_path: Path) -> None:
    """Threads fire faults, import modules and write to the ledger while another forks: every child does its work."""
    run = TargetRun(tmp_path, ArmedFault(name="f", at="work:work", do="raise(KeyError('x'))", select="call"))
    run.write("work.py", "def work(): return 1\n")
    for number in range(400):
        run.write(f"modules/m{number}.py", "value = 1\n")
    done = run.script(
        """
        import faulthandler, importlib, os, sys, threading
        from work import work

        sys.path.insert(0, "modules")
        over = threading.Event()

        def attempt():
            try:
                work()
            except KeyError:
                return True
            return False

        def load():
            while not over.is_set():
                attempt()

        def importer():
            for number in range(300):
                if over.is_set():
                    return
                importlib.import_module(f"m{number}")

        threads = [threading.Thread(target=target) for target in (load, load, importer)]
        for thread in threads:
            thread.start()
        good = 0
        for number in range(60):
            pid = os.fork()
            if not pid:
                faulthandler.dump_traceback_later(30, exit=True)
                importlib.import_module(f"m{399 - number}")
                os._exit(0 if attempt() else 1)
            good += os.waitpid(pid, 0)[1] == 0
        over.set()
        for thread in threads:
            thread.join()
        print(good)
        """
    )
    assert done.stdout.strip() == "60", done.stderr
    codes = [each.exit_code for each in run.records(ChildEnded)]
    assert codes == [0] * 60
    ids = [record.fault_id for record in run.records(Fired)]
    assert len(ids) == len(set(ids))
    assert {state.state for state in run.records(PointState)} <= {"waiting", "armed"}
