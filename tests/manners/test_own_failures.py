"""The agent's own failures: the program works as without it, and they are on record."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.ledger import Fired, Note
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import RunDocument

from .arms import Bench, Ended, fault

BROKEN = """
# Loaded before the agent starts: breaks one of its functions as soon as its module is there.
import os, sys, importlib.abc, importlib.machinery

MODULE, _, NAMES = os.environ["BREAK"].partition(":")

def broken(*args, **kwargs):
    raise RuntimeError("broken on purpose")

class Breaker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module
        def exec_module(module):
            execute(module)
            owner = module
            *parts, last = NAMES.split(".")
            for part in parts:
                owner = getattr(owner, part)
            getattr(owner, last)
            setattr(owner, last, broken)
        spec.loader.exec_module = exec_module
        return spec

import importlib.util
sys.meta_path.insert(0, Breaker())
"""
PROGRAM = """
import os, sys, threading, concurrent.futures, asyncio
import shop
import sentry_sdk

sent = []
class Transport(sentry_sdk.Transport):
    def capture_envelope(self, envelope):
        sent.append(len(envelope.items))

sentry_sdk.init("http://key@127.0.0.1:9/1", transport=Transport, auto_session_tracking=False, auto_enabling_integrations=False)

def work(n):
    return n

async def fetch():
    await asyncio.sleep(0)
    return shop.price("tea")

def main():
    print([work(n) for n in range(3)], shop.price("tea"))
    print(asyncio.run(fetch()))
    thread = threading.Thread(target=lambda: print(work(4), shop.price("thread")))
    thread.start(); thread.join()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        print(list(pool.map(work, range(3))))
    try:
        raise LookupError("own")
    except LookupError:
        sentry_sdk.capture_exception()
    print("sent", sent)
    child = os.fork()
    if child == 0:
        print("child", work(1), flush=True)
        os._exit(6)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)

if __name__ == "__main__":
    main()
    raise SystemExit(5)
"""
SHOP = "def price(item):\n    return len(item)\n\nasync def later(item):\n    return len(item)\n"
INJECTION = "pytest_sentry_harness.injection"
STAGES = [
    "pytest_sentry_harness.plan.arming_file:read_arming",
    "pytest_sentry_harness.ledger.journal:Journal.__init__",
    "pytest_sentry_harness.ledger.journal:Journal.write",
    "pytest_sentry_harness.ledger.journal:Journal.append",
    "pytest_sentry_harness.ledger.journal:Journal.close",
    "pytest_sentry_harness.ledger.journal:encode_record",
    "pytest_sentry_harness.plan.schedule:Schedule.next",
    f"{INJECTION}.agent:Agent.__init__",
    f"{INJECTION}.agent:Agent._refusal",
    f"{INJECTION}.agent:Agent._tick",
    f"{INJECTION}.carry:install",
    f"{INJECTION}.children:Children.install",
    f"{INJECTION}.children:_by_status",
    f"{INJECTION}.hard_exit:HardExits.install",
    f"{INJECTION}.main_module:watch",
    f"{INJECTION}.main_module:_Progress.begins",
    f"{INJECTION}.main_module:_Progress.done",
    f"{INJECTION}.injector:Injector.arm",
    f"{INJECTION}.injector:Injector.module_loaded",
    f"{INJECTION}.injector:Injector._arm_in",
    f"{INJECTION}.injector:Injector._arm_located",
    f"{INJECTION}.injector:Injector.after_fork",
    f"{INJECTION}.injector:Injector.end",
    f"{INJECTION}.injector:Injector.opportunities",
    f"{INJECTION}.injector:Injector.missing_modules",
    f"{INJECTION}.injector:locate",
    f"{INJECTION}.armed:with_prologue",
    f"{INJECTION}.injected:InjectedExceptions.add",
    f"{INJECTION}.injected:InjectedExceptions.settle",
    f"{INJECTION}.injected:InjectedExceptions.after_fork",
    f"{INJECTION}.injected:InjectedExceptions.ids_in",
    f"{INJECTION}.point:Point._due",
    f"{INJECTION}.point:Point._record",
    f"{INJECTION}.point:PointFault.choose",
    f"{INJECTION}.effects.raise_:Raise.action",
    f"{INJECTION}.sdk_watch.watch:SdkWatch.install",
    f"{INJECTION}.sdk_watch.watch:SdkWatch._watch",
    f"{INJECTION}.sdk_watch.watch:SdkWatch._initialised",
    f"{INJECTION}.sdk_watch.watch:SdkWatch._take",
    f"{INJECTION}.sdk_watch.watch:SdkWatch.record_pending",
    f"{INJECTION}.sdk_watch.watch:SdkWatch.after_fork",
    "wrapt:register_post_import_hook",
    "wrapt:FunctionWrapper",
]


def broken(tmp_path: Path, stage: str, do: str) -> tuple[Bench, dict[str, str]]:
    bench = Bench(
        tmp_path,
        fault("__main__:work", do),
        fault("shop:price", name="price"),
        fault("shop:later", name="later"),
    )
    bench.write("mine/sitecustomize.py", BROKEN)
    bench.write("shop.py", SHOP)
    return bench, {"PYTHONPATH": str(bench.folder / "mine"), "BREAK": stage}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """How the program ends without the agent."""
    bench, env = broken(tmp_path_factory.mktemp("unbroken"), "none:none", "0%raise(ValueError('v'))")
    return bench.run(str(bench.write("program.py", PROGRAM)), agent=False, env=env)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_a_failure_at_any_stage_is_the_agents_own(tmp_path: Path, unbroken: Ended, stage: str) -> None:
    """Same output, same exit code, and nothing on stderr but the agent's own words."""
    bench, env = broken(tmp_path, stage, "0%raise(ValueError('v'))")
    ended = bench.run(str(bench.write("program.py", PROGRAM)), agent=True, env=env)
    assert (ended.code, ended.out) == (unbroken.code, unbroken.out), ended.err
    told = [line for line in ended.err.splitlines() if not line.startswith("sentry-harness: ")]
    assert "\n".join(told) == unbroken.err.strip()


@pytest.mark.slow
@pytest.mark.parametrize(
    "stage",
    [
        "pytest_sentry_harness.plan.arming_file:read_arming",
        "pytest_sentry_harness.ledger.journal:Journal.__init__",
        "pytest_sentry_harness.ledger.journal:Journal.write",
        f"{INJECTION}.carry:install",
        f"{INJECTION}.main_module:watch",
        f"{INJECTION}.main_module:_Progress.done",
        f"{INJECTION}.injector:Injector.module_loaded",
        f"{INJECTION}.armed:with_prologue",
        f"{INJECTION}.injector:Injector.after_fork",
        f"{INJECTION}.injector:Injector.end",
        f"{INJECTION}.point:Point._due",
        f"{INJECTION}.injected:InjectedExceptions.add",
        f"{INJECTION}.sdk_watch.watch:SdkWatch.install",
        "wrapt:register_post_import_hook",
    ],
)
def test_a_failure_is_on_record(tmp_path: Path, stage: str) -> None:
    """In the ledger as an error, or said on stderr, where the harness reads it."""
    bench, env = broken(tmp_path, stage, "1*raise(KeyError('v'))")
    program = PROGRAM.replace("work(n) for", "attempt(n) for").replace(
        "async def",
        "def attempt(n):\n    try:\n        return work(n)\n    except KeyError:\n        return n\n\nasync def",
        1,
    )
    ended = bench.run(str(bench.write("program.py", program)), agent=True, env=env)
    errors = (
        [note.text for note in bench.records(Note) if note.level == "error"]
        if bench.journals.exists()
        else []
    )
    assert any("broken on purpose" in text for text in [*errors, *ended.err.splitlines()]), (errors, ended)


FULL = """
import resource, sys, os
def work(n):
    return n
def main():
    met = 0
    for n in range(200):
        if n == 20:
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, hard))
        try:
            work(n)
        except ValueError:
            met += 1
    print(met < 200, "on")
if __name__ == "__main__":
    main()
"""
SCENARIO = """
[scenario]
name = "full"
settle = "2s"
[target]
command = "{{python}} program.py"
wait = true
{env}
[[fault]]
name = "f"
at = "__main__:work"
do = "raise(ValueError('v'))"
select = "call"
expect = {{ captured = false }}
[gates]
"capture.fired" = ">= 0"
"""


def judged(folder: Path, program: str, env: str = "") -> RunDocument:
    (folder / "program.py").write_text(program)
    (folder / "run.toml").write_text(SCENARIO.format(env=env))
    return run_scenario(load_scenario(folder / "run.toml"), runs=folder / "runs")


def test_a_full_disk_is_an_error_and_the_program_goes_on(tmp_path: Path) -> None:
    """What cannot be written must not happen; the process says so where it still can."""
    bench = Bench(tmp_path / "bench", fault("__main__:work", "raise(ValueError('v'))"))
    ended = bench.run(str(bench.write("program.py", FULL)), agent=True)
    assert (ended.code, ended.out) == (0, "True on\n")
    assert "sentry-harness: the ledger cannot be written: OSError(27" in ended.err
    assert 20 <= len(bench.records(Fired)) < 200


@pytest.mark.slow
def test_a_full_disk_makes_the_verdict_an_error(tmp_path: Path) -> None:
    """Not the target's problem."""
    document = judged(tmp_path, FULL)
    assert document.verdict is Verdict.ERROR
    assert any("the ledger cannot be written" in note for note in document.criteria[0].notes)


@pytest.mark.slow
def test_an_agent_that_stays_out_makes_the_verdict_an_error(tmp_path: Path) -> None:
    """The word on stderr is in the report."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "sitecustomize.py").write_text(BROKEN)
    env = f'env = {{ PYTHONPATH = "{tmp_path / "mine"}", BREAK = "pytest_sentry_harness.ledger.journal:Journal.__init__" }}'
    document = judged(tmp_path, "def work(n):\n    pass\nwork(1)\n", env)
    assert document.verdict is Verdict.ERROR
    assert any("broken on purpose" in note for note in document.criteria[0].notes)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """The agent stays out and says why."""
    bench = Bench(tmp_path, fault("__main__:work"))
    bench.journals.mkdir()
    bench.journals.chmod(0o500)
    ended = bench.run("-c", "print('on')", agent=True)
    assert (ended.code, ended.out) == (0, "on\n")
    assert "sentry-harness: the agent stays out" in ended.err


def test_a_journal_folder_that_is_taken_away(tmp_path: Path) -> None:
    """Whoever cleans up under a running process does not stop it, nor its children."""
    program = """
        import os, shutil, sys
        def work(n):
            return n
        shutil.rmtree(os.environ["JOURNALS"])
        print(work(1), flush=True)
        if os.fork() == 0:
            print(work(2), flush=True)
            os._exit(0)
        os.wait()
        """
    bench = Bench(tmp_path, fault("__main__:work"))
    path = str(bench.write("program.py", program))
    ended = bench.run(path, agent=True, env={"JOURNALS": str(bench.journals)})
    assert (ended.code, ended.out) == (0, "1\n2\n")
