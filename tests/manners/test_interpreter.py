"""Everything people start Python with, and everything programs do to their own process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipapp
from pathlib import Path

import pytest

from pytest_sentry_harness.model.ledger import Fired, Hello

from .arms import DEADLINE, Bench, Ended, fault

WORK = """
import sys, threading

def work(n=0):
    x = n + 1
    if x > 2:
        return x
    return 0

class Job:
    def run(self):
        return [work(n) for n in range(4)]

def main():
    print(Job().run(), sys.argv[1:])
"""
MAIN = WORK + "\nif __name__ == '__main__':\n    main()\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, fault("__main__:work"), fault("__main__:Job.run", name="job", select="request"))


def both(bench: Bench, *arguments: str, **changes: object) -> Ended:
    without = bench.run(*arguments, agent=False, **changes)  # type: ignore[arg-type]
    with_agent = bench.run(*arguments, agent=True, **changes)  # type: ignore[arg-type]
    assert with_agent == without
    return with_agent


@pytest.mark.parametrize(
    "options",
    [
        ["-W", "error"],
        ["-W", "error", "-X", "dev"],
        ["-bb"],
        ["-O"],
        ["-OO"],
        ["-P"],
        ["-S"],
        ["-I"],
        ["-E"],
        ["-s"],
        ["-B"],
        ["-u"],
        ["-X", "faulthandler"],
        ["-X", "utf8=0"],
        ["-X", "int_max_str_digits=640"],
        ["-X", "tracemalloc=5"],
        ["-X", "no_debug_ranges"],
        ["-X", "frozen_modules=off"],
    ],
    ids=" ".join,
)
@pytest.mark.slow
def test_options_of_the_interpreter(bench: Bench, options: list[str]) -> None:
    """With ``-I``, ``-E`` and ``-S`` no agent comes in, and with the others no trace of it shows."""
    ended = bench.same(MAIN, options=options)
    assert (ended.code, ended.out, ended.err) == (0, "[0, 0, 3, 4] []\n", "")
    assert len(list(bench.journals.glob("*.journal"))) == (0 if {"-I", "-E", "-S"} & set(options) else 1)


@pytest.mark.slow
def test_warnings_as_errors_with_an_sdk_and_much_imported(bench: Bench) -> None:
    """Neither the agent's import nor its watch warns."""
    program = "import sentry_sdk, asyncio, concurrent.futures, multiprocessing, json, http.server\n" + MAIN
    program += "sentry_sdk.init()\nsentry_sdk.capture_message('x')\n"
    assert bench.same(program, options=["-W", "error"]).err == ""


def test_import_times_are_still_printed(bench: Bench) -> None:
    """The list is longer by the agent's own modules; all else is as it was."""
    path = str(bench.write("program.py", MAIN))
    without, with_agent = (bench.run("-X", "importtime", path, agent=agent) for agent in (False, True))
    assert (with_agent.code, with_agent.out) == (without.code, without.out)
    assert all(line.startswith("import time:") for line in with_agent.err.splitlines())


@pytest.mark.slow
def test_ways_to_start_a_program(bench: Bench) -> None:
    """By ``-c``, ``-m``, from a pipe, as a folder and as an archive, with arguments."""
    assert both(bench, "-c", MAIN, "a", "b").out == "[0, 0, 3, 4] ['a', 'b']\n"
    assert both(bench, "-", "a", stdin=MAIN).out == "[0, 0, 3, 4] ['a']\n"
    folder = bench.folder / "app"
    bench.write("app/__main__.py", MAIN)
    assert both(bench, str(folder), "x").out == "[0, 0, 3, 4] ['x']\n"
    assert both(bench, "-m", "app", "y").out == "[0, 0, 3, 4] ['y']\n"
    zipapp.create_archive(folder, bench.folder / "app.pyz")
    assert both(bench, str(bench.folder / "app.pyz"), "z").out == "[0, 0, 3, 4] ['z']\n"
    assert len(bench.records(Hello)) == 5
    assert bench.trouble() == []


def test_what_the_environment_says_of_python_still_holds(bench: Bench) -> None:
    """PYTHONPATH, sitecustomize, usercustomize and their order."""
    bench.write("mine/sitecustomize.py", "print('my site')\n")
    bench.write("mine/helper.py", "NAME = 'helper'\n")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    bench.write(f"user/lib/{version}/site-packages/usercustomize.py", "print('my user')\n")
    env = {"PYTHONPATH": str(bench.folder / "mine"), "PYTHONUSERBASE": str(bench.folder / "user")}
    ended = bench.same("import helper\nprint(helper.NAME)\n" + MAIN, env=env)
    assert "my site\n" in ended.out
    assert "helper\n[0, 0, 3, 4] []\n" in ended.out


def test_a_sitecustomize_that_fails_fails_as_before(bench: Bench) -> None:
    """Python says so and goes on; the agent starts all the same."""
    bench.write("mine/sitecustomize.py", "raise RuntimeError('my own mistake')\n")
    path = str(bench.write("program.py", MAIN))
    env = {"PYTHONPATH": str(bench.folder / "mine")}
    without, with_agent = (bench.run(path, agent=agent, env=env) for agent in (False, True))
    assert (with_agent.code, with_agent.out) == (without.code, without.out)
    assert "RuntimeError: my own mistake" in with_agent.err
    assert len(bench.records(Hello)) == 1


TRACER = """
import os, sys
lines = []

def trace(frame, event, argument):
    if frame.f_code.co_filename == __file__ and frame.f_code.co_name in ("work", "run"):
        lines.append((frame.f_code.co_name, event, frame.f_lineno))
    return trace
"""


TRACED = TRACER + WORK + "sys.settrace(trace)\nmain()\nsys.settrace(None)\nprint(*lines, sep='\\n')\n"


def test_tracers_see_the_lines_of_the_program(tmp_path: Path) -> None:
    """A debugger or a coverage measurement of its own meets the same calls and lines."""
    assert "('work', 'call'," in Bench(tmp_path, fault("__main__:other")).same(TRACED).out


@pytest.mark.parametrize("select", ["request", "call"])
def test_tracers_meet_the_def_of_an_armed_function(tmp_path: Path, select: str) -> None:
    """One more line event for each call, at the ``def``: that is where the fault point has its place."""
    bench = Bench(tmp_path, fault("__main__:work", select=select))
    path = str(bench.write("program.py", TRACED))
    without, with_agent = (bench.run(path, agent=agent).out.splitlines() for agent in (False, True))
    (line,) = {entry.split(", ")[2] for entry in without if entry.startswith("('work', 'call'")}
    extra = f"('work', 'line', {line}"
    assert [entry for entry in with_agent if entry != extra] == without
    assert with_agent.count(extra) == 4


@pytest.mark.slow
def test_profilers_go_on(bench: Bench) -> None:
    """They see the same calls of the program's own functions."""
    program = TRACER + WORK
    program += "sys.setprofile(trace)\nthreading.setprofile(trace)\nmain()\nsys.setprofile(None)\n"
    program += "print(*[line for line in lines if not line[1].startswith('c_')], sep='\\n')\n"
    bench.same(program)


@pytest.mark.slow
def test_a_debugger_steps_through(bench: Bench) -> None:
    """``pdb`` stops where it stopped before."""
    commands = "break work\ncontinue\nstep\nwhere\nnext\nclear 1\ncontinue\nquit\n"
    path = str(bench.write("program.py", MAIN))
    without, with_agent = (
        bench.run("-m", "pdb", path, agent=agent, stdin=commands) for agent in (False, True)
    )
    assert with_agent.out == without.out


@pytest.mark.slow
def test_coverage_is_the_same(bench: Bench) -> None:
    """Lines and branches."""
    pytest.importorskip("coverage")
    path = str(bench.write("program.py", MAIN))
    told = []
    for agent in (False, True):
        bench.run("-m", "coverage", "run", "--branch", path, agent=agent)
        told.append(bench.run("-m", "coverage", "report", "--show-missing", "--include", path, agent=False))
    assert told[0] == told[1]
    assert "program.py" in told[0].out


def test_fault_handlers_tell_of_the_programs_own_threads(bench: Bench) -> None:
    """The dump has the agent's thread beside them, and says whose it is."""
    program = (
        WORK + "import faulthandler\nfaulthandler.enable()\nmain()\nfaulthandler.dump_traceback(sys.stdout)\n"
    )
    path = str(bench.write("program.py", program))
    without, with_agent = (bench.run(path, agent=agent) for agent in (False, True))
    assert with_agent.code == without.code
    assert without.out.splitlines()[-2:] == with_agent.out.splitlines()[-2:]


CHILDREN = """
import subprocess, sys
for options in (["-I"], ["-S"], ["-E"], []):
    done = subprocess.run([sys.executable, *options, "-c", "import sys; print(sys.flags.isolated); sys.exit(3)"],
                          capture_output=True, text=True)
    print(options, done.returncode, done.stdout, done.stderr)
"""


@pytest.mark.slow
def test_children_of_any_kind(bench: Bench) -> None:
    """Isolated ones stay without an agent; the others have their own."""
    bench.same(CHILDREN)
    assert len(bench.records(Hello)) == 2


POOLS = """
import multiprocessing, concurrent.futures, os, sys

def square(n):
    return n * n

def fail(n):
    raise ValueError(n)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1] if len(sys.argv) > 1 else os.environ["METHOD"])
    with context.Pool(2) as pool:
        print(pool.map(square, range(5)))
    process = context.Process(target=fail, args=(1,), name="p")
    process.start(); process.join()
    print(process.exitcode)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        print(list(pool.map(square, range(5))))
        try:
            pool.submit(os._exit, 1).result()
        except concurrent.futures.process.BrokenProcessPool as error:
            print(type(error).__name__)
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_pools_of_processes(tmp_path: Path, method: str) -> None:
    """Their results, their errors and the way they break."""
    bench = Bench(tmp_path, fault("__main__:square"))
    bench.same(POOLS, env={"METHOD": method})
    assert bench.trouble() == []


EXEC = """
import os, sys
def work():
    return os.environ.get("ROUND", "first")
print(work(), flush=True)
if "ROUND" not in os.environ:
    os.environ["ROUND"] = "second"
    os.execv(sys.executable, [sys.executable, __file__])
"""


def test_a_process_that_replaces_itself(tmp_path: Path) -> None:
    """The agent starts again in the new image, with a journal of its own."""
    bench = Bench(tmp_path, fault("__main__:work"))
    assert bench.same(EXEC).out == "first\nsecond\n"
    hellos = bench.records(Hello)
    assert len(hellos) == 2
    assert len({hello.pid for hello in hellos}) == 1


DAEMON = """
import os, sys
def work():
    return "worked"
print(work(), flush=True)
if os.fork():
    os.wait()
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
os.closerange(3, 256)
own = os.open(sys.argv[0] + ".own", os.O_RDWR | os.O_CREAT)
files = [os.dup(own) for _ in range(8)]
os.chdir("/")
os.umask(0o077)
for _ in range(5):
    work()
os.write(own, b"mine")
os._exit(0)
"""


def test_a_daemon_that_closes_every_descriptor(tmp_path: Path) -> None:
    """The ledger is not written into files that got the journal's number, and goes on."""
    bench = Bench(tmp_path, fault("__main__:work", "return('x')"))
    path = str(bench.write("program.py", DAEMON))
    ended = bench.run(path, agent=True)
    assert (ended.code, ended.err) == (0, "")
    own = Path(f"{path}.own")
    deadline = time.monotonic() + DEADLINE
    while not (own.exists() and own.read_bytes()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert own.read_bytes() == b"mine"
    assert len(bench.records(Fired)) == 6
    assert bench.trouble() == []


CHROOT = """
import os, sys
def work():
    return "worked"
os.mkdir("jail")
os.chroot("jail")
os.chdir("/")
print(work(), os.listdir("/"), flush=True)
if os.fork() == 0:
    print(work(), os.listdir("/"), flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may chroot")
def test_a_jail(tmp_path: Path) -> None:
    """The journal lies outside of it; nothing is made inside."""
    bench = Bench(tmp_path, fault("__main__:work", "return('x')"))
    path = str(bench.write("program.py", CHROOT))
    ended = bench.run(path, agent=True)
    assert (ended.code, ended.out, ended.err) == (0, "x []\nx []\n", "")
    assert len(bench.records(Fired)) == 2


def test_a_working_folder_that_is_gone(bench: Bench) -> None:
    """Python starts there as well as it does without the agent."""
    path = str(bench.write("program.py", MAIN))
    told = []
    for agent in (False, True):
        gone = bench.folder / "gone"
        gone.mkdir()
        command = ["/bin/sh", "-c", f'rmdir "{gone}"; exec "$0" "$@"', sys.executable, path]
        ended = subprocess.run(
            command,
            cwd=gone,
            env=bench.environment(agent=agent),
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        told.append((ended.returncode, ended.stdout, ended.stderr))
    assert told[0] == told[1]
    assert len(bench.records(Hello)) == 1


def test_a_closed_stderr(bench: Bench) -> None:
    """What cannot be said is not said, and hurts nobody."""
    bench.same("import os, sys\nos.close(2)\nsys.stderr = None\n" + MAIN)


def test_signals_and_timers_stay_the_programs_own(bench: Bench) -> None:
    """The agent sets no handler, no timer and no wake-up descriptor."""
    program = """
        import signal, threading
        print([name for name in signal.Signals if callable(signal.getsignal(name))])
        print(signal.getitimer(signal.ITIMER_REAL), signal.set_wakeup_fd(-1))
        rang = []
        signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        signal.pause()
        print(rang, threading.active_count(), [thread.name for thread in threading.enumerate()])
        """
    bench.same(program)
