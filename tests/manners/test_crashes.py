"""A program that ends in whatever way of its own ends the same under the agent: exit code, output, traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.model.ledger import Hello

from .arms import Bench, fault

DEFINITIONS = """
import atexit, os, signal, sys, threading, warnings

def work(depth=0, *, fail=None):
    '''Does it.'''
    if fail is not None:
        raise fail
    return depth

class Shop:
    def sell(self, item):
        try:
            return {}[item]
        except KeyError as error:
            raise LookupError(item) from error

def endless(n):
    return endless(n + 1)

async def fetch():
    raise TimeoutError("late")

def numbers():
    yield 1
    raise ValueError("no more")
"""
ENDS = {
    "uncaught": "work(fail=ValueError('x'))",
    "chained": "Shop().sell('tea')",
    "recursion": "sys.setrecursionlimit(80)\nendless(0)",
    "coroutine": "import asyncio\nasyncio.run(fetch())",
    "generator": "print(list(numbers()))",
    "group": "raise ExceptionGroup('two', [ValueError(1), TypeError(2)])",
    "keyboard": "raise KeyboardInterrupt",
    "sys.exit text": "sys.exit('over')",
    "sys.exit code": "sys.exit(3)",
    "os._exit": "print('x', flush=True)\nos._exit(4)",
    "abort": "print('x', flush=True)\nos.abort()",
    "killed": "print('x', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)",
    "terminated": "print('x', flush=True)\nos.kill(os.getpid(), signal.SIGTERM)",
    "segmentation fault": "print('x', flush=True)\nimport ctypes\nctypes.string_at(0)",
    "in atexit": "atexit.register(work, fail=OSError('atexit'))",
    "in a thread": "thread = threading.Thread(target=work, kwargs={'fail': OSError('t')}, name='t')\nthread.start()\nthread.join()",
    "in a finaliser": "class Bad:\n    def __del__(self): work(fail=OSError('del'))\nBad()\nprint('on')",
    "hostile": "class Hostile(Exception):\n    def __str__(self): raise RuntimeError('no')\nraise Hostile",
    "excepthook": "sys.excepthook = lambda kind, error, trace: print('hook', kind.__name__, error)\nwork(fail=OSError('x'))",
    "threading.excepthook": (
        "threading.excepthook = lambda arguments: print('hook', arguments.exc_value)\n"
        "thread = threading.Thread(target=work, kwargs={'fail': OSError('t')})\nthread.start()\nthread.join()"
    ),
    "unraisablehook": (
        "sys.unraisablehook = lambda what: print('hook', what.exc_value)\n"
        "class Bad:\n    def __del__(self): work(fail=OSError('del'))\nBad()"
    ),
    "daemon thread at the end": "threading.Thread(target=threading.Event().wait, daemon=True).start()\nprint('end')",
    "signal handler": (
        "signal.signal(signal.SIGUSR1, lambda *_: print('handled'))\nos.kill(os.getpid(), signal.SIGUSR1)\nprint(work())"
    ),
    "import of nothing": "import no_such_module_anywhere",
    "warning": "warnings.warn('careful')\nprint(work())",
    "stack of the caller": "import traceback\nclass T:\n    def f(self): traceback.print_stack()\nT().f()",
    "what is loaded": "print(threading.current_thread().name, sys.gettrace(), sys.getprofile(), sys.flags.dev_mode)",
    "arguments and path": "print(sys.argv[1:], [p for p in sys.path if 'bootstrap' in p], __name__, __file__ is not None)",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDS)
def test_the_end_is_the_programs_own(tmp_path: Path, name: str) -> None:
    """Nothing armed ever fires here; the functions that fail are armed all the same."""
    points = ("work", "Shop.sell", "fetch", "numbers", "never")
    faults = [fault(f"__main__:{point}", name=point) for point in points]
    faults.append(fault("__main__:endless", name="endless", select="request"))
    bench = Bench(tmp_path, *faults)
    bench.same(DEFINITIONS + ENDS[name] + "\n")
    assert bench.records(Hello)
    assert bench.trouble() == []


@pytest.mark.parametrize("name", ["uncaught", "sys.exit code", "os._exit", "in a thread", "signal handler"])
def test_the_end_is_the_programs_own_with_nothing_armed(tmp_path: Path, name: str) -> None:
    """The agent only watches."""
    bench = Bench(tmp_path)
    bench.same(DEFINITIONS + ENDS[name] + "\n")
    assert bench.trouble() == []


def test_the_end_of_the_stack_in_a_function_decided_at_each_call(tmp_path: Path) -> None:
    """Deciding takes stack of its own, which ends a little earlier: by the program's own error all the same."""
    bench = Bench(tmp_path, fault("__main__:endless"))
    path = str(bench.write("program.py", DEFINITIONS + ENDS["recursion"] + "\n"))
    without, with_agent = (bench.run(path, agent=agent) for agent in (False, True))
    assert (with_agent.code, with_agent.out) == (without.code, without.out)
    assert with_agent.err.splitlines()[-1].startswith("RecursionError: maximum recursion depth exceeded")
    assert "sentry_harness" not in with_agent.err
    assert bench.trouble() == []


def test_a_program_that_does_not_compile(tmp_path: Path) -> None:
    """The interpreter's own words."""
    assert "SyntaxError" in Bench(tmp_path, fault("__main__:work")).same("def work(:\n").err


def test_a_program_out_of_memory(tmp_path: Path) -> None:
    """The limit is the program's own."""
    program = """
        import resource
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (900 << 20, hard))
        def work():
            return bytearray(2 << 30)
        work()
        """
    assert Bench(tmp_path, fault("__main__:work")).same(program).err.endswith("MemoryError\n")
