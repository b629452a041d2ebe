"""``unittest.TestCase``: pytest runs ``setUp``, the test method and ``tearDown`` in one call, which faults must tell apart."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..injection.sdk_watch.patches import Patches

if TYPE_CHECKING:
    import unittest

    import pytest

    from .faults import Switch


def test_case_of(item: pytest.Item) -> unittest.TestCase | None:
    """The instance that the test method belongs to, if it is one of unittest."""
    unittest = sys.modules.get("unittest")
    instance = getattr(item, "instance", None)
    return instance if unittest is not None and isinstance(instance, unittest.TestCase) else None


@contextlib.contextmanager
def running_test(
    item: pytest.Item, case: unittest.TestCase, switch: Switch, left: Callable[[BaseException], None]
) -> Iterator[None]:
    """While the block lasts, the test method of ``case`` turns ``switch`` on when it begins, and off when it ends.

    ``left`` is told of exceptions that ``assertRaises`` stops: they had left the application, and it clears their tracebacks.
    """
    patches = Patches()
    context = getattr(sys.modules["unittest.case"], "_AssertRaisesContext", None)
    if context is not None:
        patches.wrap(context, "__exit__", lambda original: _telling(original, left))
    method = _switching(getattr(item, "obj"), switch)  # noqa: B009 - only functions have it
    # pytest puts its own ``obj`` into the instance, except for coroutines, which it leaves to unittest.
    setattr(case, item.name, method)
    setattr(item, "obj", method)  # noqa: B010
    try:
        yield
    finally:
        patches.undo()
        vars(case).pop(item.name, None)


test_case_of.__test__ = False  # type: ignore[attr-defined]


def _telling(original: Callable[..., Any], left: Callable[[BaseException], None]) -> Callable[..., Any]:
    def exit_(context: Any, kind: Any, error: BaseException | None, trace: Any) -> Any:
        __tracebackhide__ = True
        if error is not None:
            left(error)
        return original(context, kind, error, trace)

    return exit_


def _switching(function: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def acting(*args: Any, **kwargs: Any) -> Any:
            switch.on = True
            try:
                return await function(*args, **kwargs)
            finally:
                switch.on = False

        return acting

    @functools.wraps(function)
    def act(*args: Any, **kwargs: Any) -> Any:
        switch.on = True
        try:
            return function(*args, **kwargs)
        finally:
            switch.on = False

    return act
