"""Programs that replace the very functions that are armed, or what the agent replaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.model.arming import ArmedOperation
from pytest_sentry_harness.model.ledger import Fired, PointState

from .arms import Bench, fault

SHOP = """
def price(item, *, tax=0):
    '''The price.'''
    return len(item) + tax

class Shop:
    def sell(self, item):
        return ("sold", item, price(item))

    @staticmethod
    def shut():
        return "shut"

    @classmethod
    def name(cls):
        return cls.__name__
"""
PATCHES = {
    "assignment": "real = shop.price\nshop.price = lambda item, **more: real(item, **more) * 2",
    "functools.wraps": (
        "import functools\nreal = shop.price\n@functools.wraps(real)\ndef twice(*args, **more):\n"
        "    return real(*args, **more) * 2\nshop.price = twice\nprint(twice.__name__, twice.__doc__)"
    ),
    "wrapt": (
        "import wrapt\n@wrapt.decorator\ndef twice(wrapped, instance, args, kwargs):\n"
        "    return wrapped(*args, **kwargs) * 2\nshop.price = twice(shop.price)\nprint(shop.price.__name__)"
    ),
    "wrapt on a method": (
        "import wrapt\ndef louder(wrapped, instance, args, kwargs):\n    return ('loud', *wrapped(*args, **kwargs))\n"
        "wrapt.wrap_function_wrapper('shop', 'Shop.sell', louder)"
    ),
    "mock": (
        "from unittest import mock\nwith mock.patch('shop.price', return_value=7) as price:\n"
        "    print(shop.Shop().sell('tea'), price.call_args)"
    ),
    "autospecced mock": (
        "from unittest import mock\nwith mock.patch('shop.price', autospec=True) as price:\n"
        "    price.return_value = 7\n    print(shop.Shop().sell('tea'), price.call_args)\n"
        "    try:\n        price()\n    except TypeError as error:\n        print(error)"
    ),
    "mock that wraps": (
        "from unittest import mock\nwith mock.patch('shop.price', wraps=shop.price) as price:\n"
        "    print(shop.Shop().sell('tea'), price.call_count)"
    ),
    "code swapped": "shop.price.__code__ = (lambda item, *, tax=0: 'swapped').__code__",
    "code read": "print(shop.price.__code__.co_varnames, shop.price.__code__.co_argcount, shop.price.__defaults__)",
    "signature": "import inspect\nprint(inspect.signature(shop.price), inspect.getsource(shop.price))",
    "copied": (
        "import types\ntwin = types.FunctionType(shop.price.__code__, shop.__dict__, 'twin')\n"
        "twin.__kwdefaults__ = {'tax': 1}\nprint(twin('tea'))"
    ),
    "code replaced by itself": (
        "shop.price.__code__ = shop.price.__code__.replace(co_name='other')\nprint(shop.price('x'))"
    ),
    "pickled": "import pickle\nprint(pickle.loads(pickle.dumps(shop.price)) is shop.price)",
    "reloaded": "import importlib\nimportlib.reload(shop)",
    "deleted": "del shop.price\nshop.price = len",
    "marshalled": (
        "import marshal, types\ncode = marshal.loads(marshal.dumps((lambda item: 'm').__code__))\n"
        "print(types.FunctionType(code, {})('x'))"
    ),
    "disassembled": "import dis, io\ndis.dis(shop.Shop.name, file=io.StringIO())\nprint('read')",
    "subclass": "class Corner(shop.Shop):\n    def sell(self, item): return ('corner', super().sell(item))\nprint(Corner().sell('x'), Corner.name())",
}
BOTH = "import shop\n{patch}\nprint(shop.price('tea'), shop.Shop().sell('tea'), shop.Shop.shut(), shop.Shop.name())\n"
POINTS = ("price", "Shop.sell", "Shop.shut", "Shop.name")


@pytest.mark.parametrize("select", ["call", pytest.param("request", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", PATCHES)
def test_a_function_that_is_armed_can_be_patched(tmp_path: Path, name: str, select: str) -> None:
    """Whatever is done to it after arming works as without the agent."""
    bench = Bench(tmp_path, *[fault(f"shop:{point}", name=point, select=select) for point in POINTS])
    bench.write("shop.py", SHOP)
    bench.same(BOTH.format(patch=PATCHES[name]))
    assert {state.fault for state in bench.records(PointState) if state.state == "armed"} == set(POINTS)
    assert bench.trouble() == []


PATCHED_BEFORE = {
    "functools.wraps": "import functools\n_real = price\n@functools.wraps(_real)\ndef price(*a, **k):\n    return _real(*a, **k) * 2",
    "wrapt": "import wrapt\n@wrapt.decorator\ndef _twice(wrapped, instance, args, kwargs):\n    return wrapped(*args, **kwargs) * 2\nprice = _twice(price)",
    "lru_cache": "import functools\nprice = functools.lru_cache(price)",
    "partial": "import functools\nprice = functools.partial(price, tax=2)",
    "mock": "from unittest import mock\nprice = mock.Mock(wraps=price)",
    "class": "class Price:\n    def __call__(self, item, **more): return 9\nprice = Price()",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PATCHES)
def test_a_function_that_is_measured_can_be_patched(tmp_path: Path, name: str) -> None:
    """Whatever is done to an operation works as without the agent; so it does when a fault is armed there, too."""
    operations = [ArmedOperation(name=point, at=f"shop:{point}") for point in POINTS]
    bench = Bench(tmp_path, fault("shop:Shop.sell", name="sell"), operations=operations)
    bench.write("shop.py", SHOP)
    bench.same(BOTH.format(patch=PATCHES[name]))
    armed = {state.fault for state in bench.records(PointState) if state.state == "armed"}
    assert armed == {*POINTS, "sell"}
    assert bench.trouble() == []


@pytest.mark.slow
@pytest.mark.parametrize("name", PATCHED_BEFORE)
def test_a_function_that_is_patched_can_be_armed(tmp_path: Path, name: str) -> None:
    """As its module leaves it, patched already; what the fault does then, the program sees."""
    bench = Bench(tmp_path, fault("shop:price"))
    bench.write("shop.py", SHOP + PATCHED_BEFORE[name] + "\n")
    bench.same(BOTH.format(patch=""))
    assert bench.trouble() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["functools.wraps", "wrapt", "wrapt on a method", "mock that wraps", "assignment"]
)
def test_a_fault_fires_below_a_patch_that_calls_on(tmp_path: Path, name: str) -> None:
    """The armed code is inside the function, and the patch around it."""
    bench = Bench(tmp_path, fault("shop:price", "raise(TimeoutError('late'))"))
    bench.write("shop.py", SHOP)
    program = "import shop\ntry:\n" + "\n".join(f"    {line}" for line in PATCHES[name].splitlines())
    program += "\n    shop.Shop().sell('tea')\nexcept TimeoutError as error:\n    print('met', error)\n"
    path = str(bench.write("program.py", program))
    assert bench.run(path, agent=True).out.endswith("met late\n")
    assert bench.records(Fired)


AGENTS_OWN = {
    "Thread.start": (
        "import threading\nreal = threading.Thread.start\ndef start(self):\n    print('starting')\n    real(self)\n"
        "threading.Thread.start = start"
    ),
    "os._exit": "import os\nreal = os._exit\nos._exit = lambda code: (print('leaving', flush=True), real(code))",
    "os.waitpid": "import os\nreal = os.waitpid\nos.waitpid = lambda *args: real(*args)",
    "submit": (
        "import concurrent.futures as f\nreal = f.ThreadPoolExecutor.submit\n"
        "def submit(self, fn, /, *args, **more):\n    print('submitting')\n    return real(self, fn, *args, **more)\n"
        "f.ThreadPoolExecutor.submit = submit"
    ),
    "threading.Thread": "import threading\nclass Mine(threading.Thread):\n    pass\nthreading.Thread = Mine",
    "time": "import time\ntime.time = lambda: 1.0\ntime.monotonic = lambda: 2.0\ntime.sleep = lambda s: None",
    "open": "import builtins\nbuiltins.open = None\nbuiltins.print_ = print",
    "os.write": "import os\nos.write = None\nos.open = None",
    "json": "import json\njson.dumps = None\njson.loads = None",
}
USES = """
import threading, concurrent.futures, os, shop
thread = threading.Thread(target=lambda: print(shop.price("thread")))
thread.start(); thread.join()
with concurrent.futures.ThreadPoolExecutor(1) as pool:
    print(pool.submit(shop.price, "pool").result())
child = os.fork()
if child == 0:
    os._exit(shop.price("ab"))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", AGENTS_OWN)
def test_what_the_agent_replaces_can_be_replaced_again(tmp_path: Path, name: str) -> None:
    """The program's own patch stands, and calls on."""
    bench = Bench(tmp_path, fault("shop:price"))
    bench.write("shop.py", SHOP)
    bench.same(AGENTS_OWN[name] + "\n" + USES)


def test_a_point_in_an_object_of_c_steps_aside_for_mocks(tmp_path: Path) -> None:
    """Where the attribute is replaced, a mock takes its place and gives it back."""
    bench = Bench(tmp_path, fault("zlib:crc32"))
    bench.same(
        """
        import zlib
        from unittest import mock
        print(zlib.crc32(b"a"), zlib.crc32.__name__)
        with mock.patch("zlib.crc32", return_value=1):
            print(zlib.crc32(b"a"))
        print(zlib.crc32(b"a"))
        """
    )
