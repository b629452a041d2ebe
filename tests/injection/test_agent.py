"""The agent in real processes that are not servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from pytest_sentry_harness.injection import lease
from pytest_sentry_harness.injection.environment import BOOTSTRAP, agent_environment
from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import Fate, Fired, Goodbye, Hello, Note, PointState

from .tools import DEADLINE, TargetRun, wait_until

WORK = """
def work(n=0):
    return n

class Job:
    def run(self):
        return "ran"

def main():
    for n in range(3):
        try:
            print(work(n))
        except ValueError as error:
            print("handled", error)
    print(Job().run())

if __name__ == "__main__":
    main()
"""


def fault(at: str, do: str = "1*raise(ValueError('v'))", name: str = "f") -> ArmedFault:
    return ArmedFault(name=name, at=at, do=do, select="call")


def test_a_script_meets_faults_in_its_own_functions(tmp_path: Path) -> None:
    """By ``__main__`` and by the script's name; the account says how often each point was reached."""
    run = TargetRun(
        tmp_path,
        fault("__main__:work"),
        fault("script:Job.run", "return('wrong')", "job"),
        fault("__main__:wrok", name="typo"),
        fault("__main__:Job.rum", name="typo in class"),
        fault("no_such_module:x", name="nowhere"),
        fault("wave:open", name="unused"),
    )
    done = run.script(WORK)
    assert (done.stdout, done.stderr, done.returncode) == ("handled v\n1\n2\nwrong\n", "", 0)
    assert [fired.fault_id for fired in run.records(Fired)] == ["f-000000", "job-000000"]
    (fate,) = run.records(Fate)
    assert fate.place is not None
    assert (fate.handling, Path(fate.place.file).name, fate.place.line) == ("caught", "script.py", 12)
    (goodbye,) = run.records(Goodbye)
    assert (goodbye.reason, goodbye.opportunities["f"], goodbye.opportunities["job"]) == ("exit", 3, 1)
    states = {state.fault: state for state in run.records(PointState)}
    assert [states[name].state for name in ("f", "job")] == ["armed", "armed"]
    assert (states["typo"].state, states["typo"].nearest) == ("missing", ("__main__:work",))
    assert states["typo in class"].nearest == ("__main__:Job.run",)
    assert states["nowhere"].note == "there is no module no_such_module in the target"
    assert (states["unused"].state, states["unused"].note) == ("waiting", "module wave never imported")
    (hello,) = run.records(Hello)
    assert hello.argv[-1].endswith("script.py")


def test_a_script_run_as_a_module_and_under_a_tracer(tmp_path: Path) -> None:
    """``python -m``; a tracer that is there already goes on."""
    run = TargetRun(tmp_path, fault("script:work"))
    run.write("sitecustomize.py", "import sys\nsys.settrace(lambda *_: None)\n")
    run.write("script.py", WORK)
    env = run.env({"PYTHONPATH": str(tmp_path)})
    done = subprocess.run(
        [sys.executable, "-m", "script"],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.stdout.startswith("handled v\n")


def test_exceptions_that_end_a_script_have_escaped(tmp_path: Path) -> None:
    """The interpreter's top level stops them."""
    run = TargetRun(tmp_path, fault("__main__:work"))
    done = run.script("def work():\n    pass\nwork()\n")
    assert done.returncode == 1
    assert "sentry_harness" not in done.stderr
    assert done.stderr.endswith("ValueError: v\n")
    (fate,) = run.records(Fate)
    assert fate.handling == "escaped"


def test_what_is_kept_to_the_end_is_reported_by_nobody(tmp_path: Path) -> None:
    """The last word on an exception that a program holds is that it is over."""
    run = TargetRun(tmp_path, fault("__main__:work"))
    text = """
    def work(): pass
    kept = []
    try:
        work()
    except ValueError as error:
        kept.append(error)
    """
    assert run.script(text).returncode == 0
    fate = run.records(Fate)[-1]
    assert (fate.handling, fate.alive) == ("caught", False)


@pytest.mark.parametrize(("do", "status"), [("exit(SIGKILL)", -9), ("exit(os._exit, 5)", 5)])
def test_the_ledger_survives_a_sudden_end(tmp_path: Path, do: str, status: int) -> None:
    """The firing is written before its effect; there is no goodbye."""
    run = TargetRun(tmp_path, fault("__main__:work", do))
    assert run.script("def work():\n    pass\nwork()\n").returncode == status
    assert [fired.effect for fired in run.records(Fired)] == ["exit"]
    assert run.records(Goodbye) == []


def test_gentle_ends_say_goodbye(tmp_path: Path) -> None:
    """``sys.exit`` unwinds; SIGTERM is handled as the program pleases."""
    run = TargetRun(tmp_path, fault("__main__:work", "1*exit(7)->exit(SIGTERM)"))
    text = """
    import signal
    signal.signal(signal.SIGTERM, lambda *_: print("terminated"))
    def work(): print("worked")
    try:
        work()
    except SystemExit as error:
        print("exit", error.code)
    work()
    """
    done = run.script(text)
    assert done.stdout == "exit 7\nterminated\nworked\n"
    assert len(run.records(Goodbye)) == 1


def test_everything_disarms_when_the_lease_goes(tmp_path: Path) -> None:
    """The harness went away: code is restored, and the ledger says so."""
    run = TargetRun(tmp_path, fault("__main__:work", "return('wrong')"), lease_seconds=300)
    text = """
    import os, sys, time
    def work(): return "right"
    code = work.__code__
    print(work(), flush=True)
    deadline = time.monotonic() + 60
    while work() == "wrong" and time.monotonic() < deadline:
        time.sleep(0.02)
    print(work(), work.__code__ is code)
    """
    path = run.write("script.py", text)
    with subprocess.Popen(
        [sys.executable, str(path)], env=run.env(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "wrong\n"
        lease.end(run.arming.lease)
        assert process.communicate(timeout=DEADLINE)[0] == "right False\n"  # it was armed when code was kept
    assert [state.state for state in run.records(PointState)] == ["waiting", "armed", "disarmed"]
    (note,) = run.records(Note)
    assert note.level == "warning"
    assert note.text.startswith("everything is disarmed: the lease")


def test_nothing_is_armed_without_a_lease(tmp_path: Path) -> None:
    """Left over from an earlier run, say."""
    run = TargetRun(tmp_path, fault("__main__:work"))
    lease.end(run.arming.lease)
    assert run.script(WORK).stdout == "0\n1\n2\nran\n"
    assert [state.state for state in run.records(PointState)] == ["refused"]
    assert run.records(Note)[0].text.startswith("nothing is armed: the lease")


@pytest.mark.parametrize("allowed", [False, True])
def test_production_is_left_alone_unless_allowed(tmp_path: Path, allowed: bool) -> None:
    """The refusal says which variable, and how to allow it."""
    run = TargetRun(tmp_path, fault("__main__:work"), allow_production=allowed)
    done = run.script(WORK, env={"APP_ENV": "production"})
    assert done.stdout.startswith("handled" if allowed else "0\n")
    if not allowed:
        (state,) = run.records(PointState)
        (note,) = run.records(Note)
        assert (state.state, note.level) == ("refused", "error")
        assert "APP_ENV=production" in state.note
        assert "allow_production = true" in note.text


@pytest.mark.slow
def test_an_sdk_told_production_disarms(tmp_path: Path) -> None:
    """By its option, which only the program knows. The SDK's own default is no such word."""
    run = TargetRun(tmp_path, fault("__main__:work", "return('wrong')"))
    text = """
    import sentry_sdk
    def work(): return "right"
    sentry_sdk.init()
    print(work())
    sentry_sdk.init(environment="production")
    print(work())
    """
    done = run.script(text)
    assert done.stdout == "wrong\nright\n", done.stderr
    assert run.records(PointState)[-1].state == "refused"
    assert "environment='production'" in run.records(Note)[-1].text


@pytest.mark.slow
def test_a_clients_dsn_must_be_allowed(tmp_path: Path) -> None:
    """A client with another host is cut off before it can send anything."""
    run = TargetRun(tmp_path, fault("__main__:work", "off"))
    text = """
    import sentry_sdk
    def work(): pass
    sentry_sdk.init("http://key@sentry.invalid/1", debug=True)
    sentry_sdk.capture_message("hello")
    sentry_sdk.flush(5)
    """
    done = run.script(text)
    assert "Sending envelope" not in done.stderr
    (note,) = run.records(Note)
    assert note.level == "error"
    assert "'sentry.invalid'" in note.text
    assert note.place is not None
    assert note.place.line == 4


def test_forked_children_have_journals_and_lanes_of_their_own(tmp_path: Path) -> None:
    """Fault ids stay unique; the child's agent goes on watching."""
    run = TargetRun(tmp_path, fault("__main__:work", "return('wrong')"), lease_seconds=300)
    text = """
    import os, sys
    def work(): return "right"
    work()
    child = os.fork()
    work()
    if child:
        os.waitpid(child, 0)
    else:
        sys.exit()
    """
    run.script(text)
    fired = [record.fault_id for record in run.records(Fired)]
    assert len(set(fired)) == 3
    assert sum(fault_id.startswith("f-p") for fault_id in fired) == 1
    assert len(run.records(Hello)) == 2
    assert len(run.records(Goodbye)) == 2


def test_a_child_process_is_covered_too(tmp_path: Path) -> None:
    """It inherits the environment; only the run's first process has the plain lane."""
    run = TargetRun(tmp_path, fault("__main__:work", "return('wrong')"))
    text = """
    import subprocess, sys
    def work(): return "right"
    print(work(), flush=True)
    if len(sys.argv) == 1:
        subprocess.run([sys.executable, __file__, "child"])
    """
    assert run.script(text).stdout == "wrong\nwrong\n"
    first, second = sorted(record.fault_id for record in run.records(Fired))
    assert first == "f-000000"
    assert second.startswith("f-p")


def test_the_sitecustomize_that_was_there_is_loaded(tmp_path: Path) -> None:
    """And the folder of ours is gone from the path."""
    run = TargetRun(tmp_path, fault("__main__:work"))
    run.write("mine/sitecustomize.py", "print('mine')\n")
    text = "import sys, sitecustomize\nprint(sitecustomize.__file__, [p for p in sys.path if 'bootstrap' in p])\n"
    done = run.script(text, env={"PYTHONPATH": str(tmp_path / "mine")})
    assert done.stdout == f"mine\n{tmp_path}/mine/sitecustomize.py []\n"
    run.write("mine/sitecustomize.py", "import not_there_at_all\n")
    done = run.script("print('still runs')\n", env={"PYTHONPATH": str(tmp_path / "mine")})
    assert "not_there_at_all" in done.stderr
    assert done.stdout == "still runs\n"


def test_without_an_arming_file_nothing_happens(tmp_path: Path) -> None:
    """Neither when the variable is unset nor when it names nothing of use."""
    run = TargetRun(tmp_path, fault("__main__:work"))
    env = {name: value for name, value in run.env().items() if name != "SENTRY_HARNESS_ARMING"}
    code = "import sys; print('pytest_sentry_harness' in sys.modules, 'wrapt' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=DEADLINE, check=True
    )
    assert (done.stdout, done.stderr) == ("False False\n", "")
    (tmp_path / "arming.json").write_text("{}")
    done = run.script(WORK)
    assert done.stdout == "0\n1\n2\nran\n"
    assert "sentry-harness: the agent stays out" in done.stderr


def test_an_interpreter_without_our_packages(tmp_path: Path) -> None:
    """The package is found by its place; without wrapt the target runs, and the ledger says what to install."""
    run = TargetRun(tmp_path, fault("__main__:work"))
    venv.create(tmp_path / "bare", with_pip=False)
    python = str(tmp_path / "bare" / "bin" / "python")
    done = run.script(WORK, python=[python])
    assert (done.stdout, done.returncode) == ("0\n1\n2\nran\n", 0)
    assert "wrapt is not installed for" in done.stderr
    (note,) = run.records(Note)
    assert note.level == "error"
    assert note.text.endswith("python -m pip install wrapt")


def test_the_agent_needs_the_standard_library_and_wrapt_only(tmp_path: Path) -> None:
    """With nothing but wrapt to be had it works, and this is all it loads."""
    import wrapt

    run = TargetRun(tmp_path, fault("__main__:work"))
    (tmp_path / "only_wrapt").mkdir()
    (tmp_path / "only_wrapt" / "wrapt").symlink_to(Path(wrapt.__file__).parent)
    venv.create(tmp_path / "bare", with_pip=False)
    text = (
        WORK
        + """
    import sys
    print(sorted({n.partition(".")[0] for n in sys.modules} - set(sys.stdlib_module_names)))
    try:
        import msgspec
    except ModuleNotFoundError as error:
        print(error)
"""
    )
    done = run.script(
        text,
        python=[str(tmp_path / "bare" / "bin" / "python")],
        env={"PYTHONPATH": str(tmp_path / "only_wrapt")},
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "handled v", done.stderr
    allowed = {"__main__", "pytest_sentry_harness", "wrapt", "__mp_main__", "sitecustomize"}
    assert (
        set(eval(lines[4])) - {name for name in eval(lines[4]) if name.startswith("_sysconfigdata")}
        <= allowed
    )
    assert lines[5] == "No module named 'msgspec'"


def test_a_broken_agent_is_recorded_and_harmless(tmp_path: Path) -> None:
    """A fault term from a newer version, say."""
    run = TargetRun(tmp_path, fault("__main__:work", "levitate(3)"))
    done = run.script(WORK)
    assert (done.stdout, done.returncode) == ("0\n1\n2\nran\n", 0)
    (note,) = run.records(Note)
    assert note.level == "error"
    assert "the agent cannot start: TermError" in note.text


@pytest.mark.slow
def test_settling_and_pending_go_on_by_themselves(tmp_path: Path) -> None:
    """Without a request and before the end, by the agent's own thread."""
    run = TargetRun(tmp_path, fault("__main__:work"))
    text = """
    import time
    def work(): pass
    try:
        work()
    except ValueError:
        pass
    print("met", flush=True)
    time.sleep(600)
    """
    path = run.write("script.py", text)
    with subprocess.Popen(
        [sys.executable, str(path)], env=run.env(), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_until(lambda: run.records(Fate), "the fate")
        finally:
            process.send_signal(signal.SIGKILL)


def test_the_environment_puts_our_folder_first_once(tmp_path: Path) -> None:
    """What was on the path stays behind it."""
    once = agent_environment("x.json", {"PYTHONPATH": f"/a{os.pathsep}/b", "HOME": "/h"})
    assert once["PYTHONPATH"] == os.pathsep.join([str(BOOTSTRAP), "/a", "/b"])
    assert once["HOME"] == "/h"
    assert once["SENTRY_HARNESS_ARMING"] == str(Path("x.json").absolute())
    assert agent_environment("x.json", once) == once
    assert agent_environment("x.json")["PATH"] == os.environ["PATH"]
