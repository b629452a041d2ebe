"""The fault point inside a function: nothing changes but what is to change."""

from __future__ import annotations

import asyncio
import inspect
import traceback
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_sentry_harness.injection.code_tables import (
    encode_positions,
    positions,
    read_handlers,
    write_handlers,
)
from pytest_sentry_harness.injection.prologue import Hooks, def_line, with_prologue

from . import sample


class Script:
    """Hooks that do as told, and count."""

    def __init__(self) -> None:
        self.open = True
        self.wait = False
        self.outcome: Any = None
        self.entered = 0
        self.waited = 0

    async def _wait(self) -> None:
        await asyncio.sleep(0)
        self.waited += 1

    def _enter(self) -> bool:
        self.entered += 1
        return self.outcome is not None

    def hooks(self) -> Hooks:
        return Hooks(
            gate=lambda: True if self.open else None,
            waits=lambda: self.wait,
            wait=self._wait,
            enter=self._enter,
            raises=lambda: isinstance(self.outcome, BaseException),
            take=lambda: self.outcome,
        )


@contextmanager
def fault_point(function: types.FunctionType) -> Iterator[Script]:
    script, original = Script(), function.__code__
    function.__code__ = with_prologue(original, script.hooks())
    try:
        yield script
    finally:
        function.__code__ = original


async def drain(values: Any) -> list[Any]:
    got = [await values.asend(None), await values.asend(7)]
    got.append(await values.athrow(ValueError()))
    got.extend([value async for value in values])
    return got


def step(values: Any) -> list[Any]:
    got = [next(values), values.send(5)]
    values.close()
    return got


CASES: dict[str, tuple[Any, Callable[[Any], Any], Any]] = {
    "plain": (sample.plain, lambda f: f(1, 2, 3, c=4, e=5), (1, 2, (3,), 4, 4, {"e": 5})),
    "guarded": (sample.guarded, lambda f: f(None) + f(1), "handledvalue"),
    "closure": (sample.closure, lambda f: f(1), [11, 11, 1]),
    "coroutine": (sample.coroutine, lambda f: asyncio.run(f(3)), 3),
    "generator": (sample.generator, lambda f: step(f(3)), [3, 5]),
    "async generator": (sample.async_generator, lambda f: asyncio.run(drain(f(3))), [3, 7, "handled"]),
    "super": (sample.Klass.sup, lambda f: f(sample.Klass()), "inherited"),
    "private names": (vars(sample.Klass)["_Klass__private"], lambda f: f(None, 2), 2),
}


@pytest.mark.parametrize("name", CASES)
def test_a_function_whose_fault_point_does_not_act_works_as_before(name: str) -> None:
    """Results, signature, kind and names stay, with the gate closed and with it open."""
    function, call, expected = CASES[name]
    signature, flags = inspect.signature(function), function.__code__.co_flags
    with fault_point(function) as script:
        assert call(function) == expected
        script.open = False
        assert call(function) == expected
        assert inspect.signature(function) == signature
        assert function.__code__.co_flags == flags
        assert script.entered >= 1
    assert call(function) == expected


@pytest.mark.parametrize("name", CASES)
def test_an_exception_is_raised_by_the_function_itself(name: str) -> None:
    """The innermost frame is the function under fault, at the line of its def, with nothing below."""
    function, call, _ = CASES[name]
    with fault_point(function) as script:
        script.outcome = KeyError("injected")
        with pytest.raises(KeyError) as caught:
            call(function)
    assert caught.value is script.outcome
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.filename, last.name) == (function.__code__.co_filename, function.__name__)
    assert last.lineno == def_line(function.__code__)
    assert last.line is not None
    assert f"def {function.__name__}".replace("_Klass", "") in last.line


def test_a_value_ends_the_function() -> None:
    """Functions and coroutines return it; generators end before their first value."""
    with fault_point(sample.plain) as script:
        script.outcome = "wrong"
        assert sample.plain(1, c=2) == "wrong"
    with fault_point(sample.coroutine) as script:
        script.outcome = "wrong"
        assert asyncio.run(sample.coroutine(1)) == "wrong"
    with fault_point(sample.generator) as script:
        script.outcome = "wrong"
        with pytest.raises(StopIteration) as stopped:
            next(sample.generator(1))
        assert stopped.value.value == "wrong"

    async def collect() -> list[Any]:
        return [value async for value in sample.async_generator(1)]

    with fault_point(sample.async_generator) as script:
        script.outcome = "wrong"
        assert asyncio.run(collect()) == []


def test_asynchronous_functions_wait_without_blocking() -> None:
    """The awaitable is awaited in the function's own task, and its failure goes through."""
    with fault_point(sample.coroutine) as script:
        script.wait = True
        assert asyncio.run(sample.coroutine(4)) == 4
    assert script.waited == 1
    with fault_point(sample.async_generator) as script:
        script.wait = True
        assert asyncio.run(drain(sample.async_generator(1))) == [1, 7, "handled"]
    assert script.waited == 1


def test_natural_errors_keep_their_lines() -> None:
    """An exception of the function's own shows the very same traceback as without the fault point."""

    def divide(a: int) -> float:
        first = a
        return first / 0

    def lines() -> list[tuple[int | None, str]]:
        try:
            divide(1)
        except ZeroDivisionError as error:
            return [(entry.lineno, entry.name) for entry in traceback.extract_tb(error.__traceback__)]
        return []

    before = lines()
    with fault_point(divide) as script:
        assert lines() == before
        assert script.entered == 1


def test_functions_with_many_constants() -> None:
    """More than 256 constants need wider operands."""
    body = ", ".join(str(1000 + n) + ".5" for n in range(700))
    namespace: dict[str, Any] = {}
    exec(f"def many(n):\n    x = n\n    return [x, {body.replace(', ', ' + x, ')}]\n", namespace)
    many = namespace["many"]
    expected = many(0)
    with fault_point(many) as script:
        assert many(0) == expected
        script.outcome = ValueError("injected")
        with pytest.raises(ValueError, match="injected"):
            many(0)
    assert many.__code__.co_consts[-1] != "take"


def test_the_line_of_a_decorated_def() -> None:
    """The def, not the first decorator; code without a source falls back to its first line."""
    inner = sample.decorated.__wrapped__.__wrapped__  # type: ignore[attr-defined]
    assert def_line(inner.__code__) == inner.__code__.co_firstlineno + 2
    namespace: dict[str, Any] = {}
    exec(compile("\n\ndef nowhere():\n    pass\n", "<no file>", "exec"), namespace)
    assert def_line(namespace["nowhere"].__code__) == 3


def test_positions_survive_reading_and_writing() -> None:
    """Written anew they read the same, for a whole module of the standard library."""
    compared = 0
    for function in vars(inspect).values():
        if isinstance(function, types.FunctionType):
            code = function.__code__
            table = encode_positions(positions(code), code.co_firstlineno)
            assert positions(code.replace(co_linetable=table)) == positions(code)
            compared += 1
    assert compared > 50
    no_columns = encode_positions([(7, 7, None, None), (None, None, None, None), (3, 3, None, None)], 5)
    moved = compile("x", "<x>", "eval").replace(co_linetable=no_columns, co_firstlineno=5)
    assert [position[0] for position in moved.co_positions()][:3] == [7, None, 3]


def test_handler_tables_survive_reading_and_writing() -> None:
    """Every function here gives back its own table, byte for byte."""
    tables = [
        function.__code__.co_exceptiontable
        for function in vars(sample).values()
        if isinstance(function, types.FunctionType)
    ]
    assert any(tables)
    for table in tables:
        assert write_handlers(read_handlers(table)) == table
