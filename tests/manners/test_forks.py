"""Forks of a process whose threads are in the middle of faults: no child waits for a lock nobody holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from pytest_sentry_harness.model.ledger import Fired, Hello, PointState

from .arms import Bench, fault

PROGRAM = """
import faulthandler, os, sys, threading, time

FORKS = 200

def work(n):
    return n

def attempt(n):
    try:
        return work(n)
    except ValueError:
        return None

def busy(stop):
    while not stop.is_set():
        attempt(1)
        time.sleep(0.0005)

stop = threading.Event()
threads = [threading.Thread(target=busy, args=(stop,), daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
codes = []
for n in range(FORKS):
    child = os.fork()
    if child == 0:
        stuck = open(f"{os.path.dirname(__file__)}/stuck-{n}.txt", "w")
        faulthandler.dump_traceback_later(40, exit=True, file=stuck)
        ok = all(attempt(n) in (n, None) for _ in range(5))
        thread = threading.Thread(target=attempt, args=(n,))
        thread.start()
        thread.join()
        os._exit(7 if ok else 8)
    deadline = time.monotonic() + 60
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            codes.append(os.waitstatus_to_exitcode(status))
            break
        if time.monotonic() > deadline:
            os.kill(child, 9)
            codes.append("hung")
            os.waitpid(child, 0)
            break
        time.sleep(0.001)
stop.set()
for thread in threads:
    thread.join()
print({code: codes.count(code) for code in codes})
"""
WITH_SDK = """
import sentry_sdk
sentry_sdk.init("http://key@127.0.0.1:9/1", shutdown_timeout=0, transport_queue_size=10, include_local_variables=False,
    auto_enabling_integrations=False)
"""


@pytest.mark.slow
@pytest.mark.parametrize("do", ["raise(ValueError('v'))", "50%raise(ValueError('v'))->50%sleep(1ms)"])
def test_two_hundred_forks_while_faults_fire(tmp_path: Path, do: str) -> None:
    """Every child works, has a journal of its own, and ends as it wants to."""
    bench = Bench(tmp_path, fault("__main__:work", do), fault("__main__:never", name="never"))
    path = str(bench.write("program.py", PROGRAM))
    ended = bench.run(path, agent=True)
    assert (ended.code, ended.out, ended.err) == (0, "{7: 200}\n", "")
    assert len(bench.records(Hello)) == 201
    assert len(bench.records(Fired)) >= 200
    assert {state.state for state in bench.records(PointState) if state.fault == "f"} == {"waiting", "armed"}
    assert bench.trouble() == []


def innermost(dump: str) -> list[str]:
    """Of each thread the newest frame that is not threading's own: who waits. Our ticker always does, and for nobody."""
    threads = re.split(r"^(?:Current thread|Thread) ", dump, flags=re.MULTILINE)[1:]
    frames = [re.findall(r'File "(.*)"', thread) for thread in threads]
    waiting = [next((name for name in names if "/threading.py" not in name), "") for names in frames]
    return [name for name in waiting if not name.endswith("/injection/ticker.py")]


@pytest.mark.slow
def test_forks_while_an_sdk_captures(tmp_path: Path) -> None:
    """The watch on the SDK takes part in each capture, in the parent's threads and in the children.

    The SDK has locks of its own that a fork may catch: a child that waits for one of these is not our doing.
    """
    program = WITH_SDK + PROGRAM.replace("return None", "sentry_sdk.capture_exception()").replace(
        "FORKS = 200", "FORKS = 40"
    )
    bench = Bench(tmp_path, fault("__main__:work", "raise(ValueError('v'))"))
    ended = bench.run(str(bench.write("program.py", program)), agent=True)
    stuck = [path.read_text() for path in tmp_path.glob("stuck-*.txt") if path.stat().st_size]
    codes = {7: 40 - len(stuck)} | ({1: len(stuck)} if stuck else {})
    assert (ended.code, ast.literal_eval(ended.out), ended.err) == (0, codes, "")
    assert [
        text for text in stuck if any("pytest_sentry_harness" in frame for frame in innermost(text))
    ] == []
    assert bench.trouble() == []


IMPORTS = """
import os, sys, threading
sys.path.insert(0, os.path.dirname(__file__))

def importing(mine):
    for n in range(60):
        __import__(f"m{mine}_{n}")

threads = [threading.Thread(target=importing, args=(n,), daemon=True) for n in range(2)]
for thread in threads:
    thread.start()
codes = []
for n in range(30):
    child = os.fork()
    if child == 0:
        import only_in_children
        os._exit(only_in_children.value())
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
for thread in threads:
    thread.join()
print(set(codes))
"""


@pytest.mark.slow
def test_forks_while_modules_are_imported(tmp_path: Path) -> None:
    """The lock of the import hooks that arm points is not left to a thread the child does not have."""
    points = ["only_in_children", *[f"m{n}_{number}" for n in range(2) for number in range(0, 60, 7)]]
    bench = Bench(tmp_path, *[fault(f"{name}:value", name=name) for name in points])
    for name in ["only_in_children", *[f"m{n}_{number}" for n in range(2) for number in range(60)]]:
        bench.write(f"{name}.py", "def value():\n    return 5\n")
    assert bench.same(IMPORTS).out == "{5}\n"
