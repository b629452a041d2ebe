"""A context manager around a function's own instructions: nothing changes but that it is entered and left."""

from __future__ import annotations

import argparse
import ast
import asyncio
import dis
import inspect
import traceback
import types
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_sentry_harness.errors import InjectionError
from pytest_sentry_harness.injection.code_steps import read_steps, write_steps
from pytest_sentry_harness.injection.prologue import with_prologue
from pytest_sentry_harness.injection.surround import surrounded

from . import sample
from .test_prologue import CASES, Script, drain, step

RESUME = dis.opmap["RESUME"]


class Told:
    """Tells who came in, and how they went."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __enter__(self) -> None:
        self.heard.append("in")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.heard.append("out" if kind is None else kind.__name__)


@contextmanager
def told(function: Any) -> Iterator[list[str]]:
    manager, original = Told(), function.__code__
    function.__code__ = surrounded(original, lambda: manager)
    try:
        yield manager.heard
    finally:
        function.__code__ = original


@pytest.mark.parametrize("name", CASES)
def test_a_function_works_as_before(name: str) -> None:
    """Results, signature, kind and names stay; each call comes in, and goes out by its return."""
    function, call, expected = CASES[name]
    signature, flags = inspect.signature(function), function.__code__.co_flags
    with told(function) as heard:
        assert call(function) == expected
        assert inspect.signature(function) == signature
        assert function.__code__.co_flags == flags
    assert heard[:2] == ["in", "GeneratorExit" if name == "generator" else "out"]
    assert heard.count("in") * 2 == len(heard)


def functions_of(module: types.ModuleType) -> Iterator[types.FunctionType]:
    for value in vars(module).values():
        for each in (value, *(vars(value).values() if isinstance(value, type) else ())):
            if isinstance(each, types.FunctionType):
                yield each


@pytest.mark.parametrize("module", [argparse, ast, asyncio.base_events, inspect, traceback, sample])
def test_instructions_survive_reading_and_writing(module: types.ModuleType) -> None:
    """Byte for byte, with positions and handlers, for whole modules; and all of them can be surrounded."""
    compared = 0
    for function in functions_of(module):
        code = function.__code__
        written = write_steps(code, read_steps(code), code.co_consts, code.co_stacksize)
        assert written.co_code == code.co_code
        assert written.co_exceptiontable == code.co_exceptiontable
        assert list(written.co_positions()) == list(code.co_positions())
        assert surrounded(code, Told).co_stacksize > 0
        compared += 1
    assert compared > 10


def test_a_busy_module_works_when_all_of_it_is_surrounded() -> None:
    """Loops, handlers, generators and classes of the standard library: the same results as without."""
    source = inspect.getsource(traceback)
    expected = ast.unparse(ast.parse(source))
    manager = Told()
    originals = {function: function.__code__ for function in functions_of(ast)}
    try:
        for function, code in originals.items():
            if "contextmanager" not in str(function) and function is not functions_of:
                function.__code__ = surrounded(code, lambda: manager)
        assert ast.unparse(ast.parse(source)) == expected
    finally:
        for function, code in originals.items():
            function.__code__ = code
    assert manager.heard.count("in") * 2 == len(manager.heard) > 5_000


def test_returns_within_handlers_and_loops() -> None:
    """Whatever the function has on its stack where it returns."""

    def returns(way: int) -> object:
        for number in range(3):
            try:
                if number == way:
                    return number
                if way == 10:
                    raise KeyError(way)
            except KeyError:
                if way == 10:
                    return "handled"
            finally:
                str(way)
        with open("/dev/null") as file:
            return file.read()

    with told(returns) as heard:
        assert [returns(1), returns(10), returns(7)] == [1, "handled", ""]
    assert heard == ["in", "out"] * 3


def test_a_finally_that_returns_swallows_as_before() -> None:
    """What stops an exception is inside."""

    def swallows() -> str:
        try:
            raise KeyError
        finally:
            return "swallowed"  # noqa: B012

    with told(swallows) as heard:
        assert swallows() == "swallowed"
    assert heard == ["in", "out"]


def test_exceptions_go_on_as_they_came() -> None:
    """Same object, cause, context and traceback, line by line; the frame ends where the exception left it."""

    def fails(way: int) -> None:
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError as error:
            if way == 0:
                raise LookupError("wrapped") from error
            raise

    def caught(way: int) -> tuple[Any, ...]:
        try:
            fails(way)
        except Exception as error:
            entry = error.__traceback__
            assert entry is not None
            assert entry.tb_next is not None
            lines = [(each.lineno, each.name, each.colno) for each in traceback.extract_tb(entry)]
            lasti = entry.tb_next.tb_frame.f_lasti == entry.tb_next.tb_lasti
            return type(error), error.__cause__.__class__, error.__context__.__class__, lines, lasti
        return ()

    before = caught(0), caught(1)
    with told(fails) as heard:
        assert (caught(0), caught(1)) == before
    assert heard == ["in", "LookupError", "in", "ZeroDivisionError"]


def test_generators_are_left_when_they_end() -> None:
    """Entered when first run; left when exhausted, closed, thrown away or thrown into."""

    def counts() -> Iterator[int]:
        yield 1
        yield 2

    with told(counts) as heard:
        counts()
        assert heard == []
        assert list(counts()) == [1, 2]
        for end in ("close", "thrown away", "throw"):
            values: Any = counts()
            next(values)
            if end == "close":
                values.close()
            elif end == "throw":
                with pytest.raises(KeyError):
                    values.throw(KeyError())
            del values
    assert heard == ["in", "out", "in", "GeneratorExit", "in", "GeneratorExit", "in", "KeyError"]


@pytest.mark.parametrize("started", [False, True])
def test_stop_iteration_in_a_generator_stays_as_it_was(started: bool) -> None:
    """It becomes a RuntimeError where it did before."""

    def counts() -> Iterator[int]:
        yield 1

    def thrown() -> str:
        values: Any = counts()
        if started:
            next(values)
        try:
            values.throw(StopIteration(3))
        except (RuntimeError, StopIteration) as error:
            return repr(error)
        return ""

    before = thrown()
    with told(counts):
        assert thrown() == before


def test_coroutines_and_asynchronous_generators() -> None:
    """Cancelled, closed early, with handlers around what they await."""

    async def works(seconds: float) -> float:
        try:
            await asyncio.sleep(seconds)
        except ValueError:
            pass
        return seconds

    async def counts() -> AsyncIterator[int]:
        async with asyncio.Lock():
            for number in range(3):
                yield number
                await asyncio.sleep(0)

    async def both() -> None:
        assert await works(0) == 0
        task = asyncio.create_task(works(60))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [number async for number in counts()] == [0, 1, 2]
        values: Any = counts()
        assert await anext(values) == 0
        await values.aclose()
        never = works(60)
        never.close()

    with told(works) as of_works, told(counts) as of_counts:
        asyncio.run(both())
    assert of_works == ["in", "out", "in", "CancelledError"]
    assert of_counts == ["in", "out", "in", "GeneratorExit"]


def test_long_functions_with_many_returns() -> None:
    """Distances grow by what is put in, and need wider operands."""
    body = "\n".join(f"        if x == {number}: return x + {number}.5" for number in range(700))
    namespace: dict[str, Any] = {}
    exec(f"def many(x):\n    for i in range(2):\n{body}\n    return None\n", namespace)
    many = namespace["many"]
    with told(many) as heard:
        assert all(many(number) == 2 * number + 0.5 for number in range(0, 700, 23))
        assert many(-1) is None
    assert set(heard) == {"in", "out"}


def test_around_a_fault_point() -> None:
    """What is injected in front of the function is within."""
    script, heard = Script(), Told()
    for name in ("plain", "coroutine", "generator", "async generator"):
        function, call, expected = CASES[name]
        original = function.__code__
        function.__code__ = surrounded(with_prologue(original, script.hooks()), lambda: heard)
        try:
            script.wait = name in ("coroutine", "async generator")
            assert call(function) == expected
            script.outcome = KeyError("injected")
            with pytest.raises(KeyError):
                call(function)
        finally:
            script.outcome = None
            function.__code__ = original
    assert heard.heard.count("KeyError") == 4
    assert script.waited == 4


def test_one_within_the_other() -> None:
    """Several of them around one function, each left once."""
    outer, inner = Told(), Told()
    original = sample.generator.__code__
    sample.generator.__code__ = surrounded(surrounded(original, lambda: inner), lambda: outer)
    try:
        assert step(sample.generator(3)) == [3, 5]
    finally:
        sample.generator.__code__ = original
    assert outer.heard == inner.heard == ["in", "GeneratorExit"]
    assert asyncio.run(drain(sample.async_generator(1))) == [1, 7, "handled"]


def test_code_that_is_no_functions_is_refused() -> None:
    """Its jumps and beginning are not as they must be."""
    code = compile("1", "<x>", "eval")
    (resume,) = [each for each in read_steps(code) if each.opcode == RESUME]
    without = [each for each in read_steps(code) if each.opcode != RESUME]
    with pytest.raises(InjectionError, match="has no RESUME instruction"):
        surrounded(write_steps(code, without, code.co_consts, 1), Told)
    jump = next(each for each in read_steps(sample.guarded.__code__) if each.target is not None)
    with pytest.raises(InjectionError, match="a jump in <module> leads nowhere"):
        write_steps(code, [resume, jump], code.co_consts, 1)
    assert jump.target is not None
    with pytest.raises(InjectionError, match="a jump in <module> is turned round"):
        write_steps(code, [jump.target, jump], code.co_consts, 1)
