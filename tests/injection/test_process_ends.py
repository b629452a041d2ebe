"""What the agent can still say when a process ends with something unfinished."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import ChildEnded, Fate, Fired, Goodbye, HardExit, Hello, SdkPending

from .tools import Sink, TargetRun

FAULT = ArmedFault(name="f", at="work:work", do="raise(KeyError('x'))", select="call")


@pytest.fixture
def run(tmp_path: Path) -> TargetRun:
    run = TargetRun(tmp_path, FAULT)
    run.write("work.py", "def work(): return 1\n")
    return run


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


def test_what_a_daemon_thread_has_in_hand_at_the_end_is_not_settled(run: TargetRun) -> None:
    """Its handler goes on while the program ends: whether it would have reported, nobody knows. Others are settled."""
    done = run.script(
        """
        import threading
        from work import work

        ready = threading.Event()
        kept = []

        def in_hand():
            try:
                work()
            except KeyError:
                ready.set()
                threading.Event().wait(60)

        def over():
            try:
                work()
            except KeyError as error:
                kept.append(error)

        over()
        threading.Thread(target=in_hand, daemon=True).start()
        ready.wait(60)
        """
    )
    assert done.returncode == 0, done.stderr
    last = {fate.fault_id: fate for fate in run.records(Fate)}
    assert [(fate.handling, fate.alive) for _, fate in sorted(last.items())] == [
        ("caught", False),
        ("caught", True),
    ]


@pytest.mark.slow
def test_an_sdk_that_can_start_no_thread_is_noticed(run: TargetRun, sink: Sink) -> None:
    """It keeps quiet about it; and it is said when it works again."""
    done = run.script(
        """
        import resource, sentry_sdk, threading
        from work import work

        def report():
            try:
                work()
            except KeyError:
                sentry_sdk.capture_exception()

        sentry_sdk.init(include_local_variables=False, auto_enabling_integrations=False)
        pages = int(open("/proc/self/statm").read().split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        threading.stack_size(256 << 20)  # more than there is
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (64 << 20), hard))
        report()
        report()
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        threading.stack_size(0)
        report()
        sentry_sdk.flush(30)
        """,
        env={"SENTRY_DSN": sink.dsn},
    )
    assert done.returncode == 0, done.stderr
    said = [(record.sender, record.queued) for record in run.records(SdkPending) if record.sender]
    assert said == [("missing", 0), ("back", 2)]
    assert len(run.records(Fired)) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "end,kinds,told",
    [
        ("pass", [Goodbye], (0, "")),
        ("sys.exit(3)", [Goodbye], (3, "")),
        ("os._exit(4)", [HardExit], (4, "")),
        ("os.kill(os.getpid(), 9)", [], (None, "SIGKILL")),
        ("os.kill(os.getpid(), 15)", [], (None, "SIGTERM")),
        ("ctypes.string_at(0)", [], (None, "SIGSEGV")),
    ],
)
def test_a_program_s_own_journal_and_its_parent_tell_how_it_ended(
    run: TargetRun, end: str, kinds: list[type], told: tuple[int | None, str]
) -> None:
    """An orderly end says goodbye, ``os._exit`` is noted, and the rest only the parent knows."""
    run.write("child.py", f"import ctypes, os, sys\nfrom work import work\n{end}\n")
    done = run.script("import subprocess, sys; print(subprocess.Popen([sys.executable, 'child.py']).wait())")
    assert done.returncode == 0, done.stderr
    (child,) = [hello.pid for hello in run.records(Hello) if hello.argv[-1] == "child.py"]
    assert [(each.exit_code, each.signal) for each in run.records(ChildEnded) if each.pid == child] == [told]
    ends: list[type] = []
    for path in Path(run.arming.journal_dir).glob(f"target-{child}-*.journal"):
        ends += [kind for kind in (Goodbye, HardExit) if f'["{kind.KIND}"' in path.read_text()]
    assert ends == kinds
