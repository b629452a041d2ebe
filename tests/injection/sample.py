"""Functions of every kind, to be armed by the tests."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any


def plain(a: int, b: int = 2, *rest: int, c: int, d: int = 4, **more: int) -> tuple[Any, ...]:
    """Adds nothing up."""
    return a, b, rest, c, d, more


def guarded(value: object) -> str:
    try:
        if value is None:
            raise LookupError("none")
        return "value"
    except LookupError:
        return "handled"
    finally:
        str(value)


async def coroutine(value: int) -> int:
    for _ in range(2):
        try:
            await asyncio.sleep(0)
        except ValueError:
            continue
    return value


def generator(value: int) -> Iterator[int]:
    try:
        received = yield value
        yield received or 0
    finally:
        value += 1


async def async_generator(value: int) -> AsyncIterator[Any]:
    try:
        received = yield value
        yield received
    except ValueError:
        yield "handled"


def make(outside: int) -> Callable[[int], list[int]]:
    def inner(a: int) -> list[int]:
        return [a + outside for _ in range(2)] + [(lambda: a)()]

    return inner


closure = make(10)


def passing(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@passing
@passing
def decorated(value: int) -> int:
    return value


@functools.cache
def cached(value: int) -> int:
    return value


class Base:
    def inherited(self) -> str:
        return "inherited"


class Klass(Base):
    size = 3

    def __init__(self, value: int = 1) -> None:
        self.value = value

    def method(self) -> int:
        return self.value

    @classmethod
    def klass(cls) -> str:
        return cls.__name__

    @staticmethod
    def static(value: int) -> int:
        return value

    @property
    def prop(self) -> int:
        return self.value

    @functools.cached_property
    def kept(self) -> int:
        return self.value

    def sup(self) -> str:
        return super().inherited()

    def __private(self, __name: int) -> int:
        return __name

    def reach(self) -> int:
        return self.__private(7)

    class Nested:
        def method(self) -> str:
            return "nested"


class Callable_:
    def __call__(self, value: int) -> int:
        return value


class Empty:
    pass


instance = Callable_()
number = 3
builtin = len
