"""Which libraries a marked function reaches for, read off its code."""

from __future__ import annotations

import importlib
import sqlite3
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_sentry_harness.injection.injector import Injector
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.injection.uses import libraries_used, write_uses
from pytest_sentry_harness.model.arming import ArmedOperation
from pytest_sentry_harness.model.ledger import Note, PointState, Uses
from pytest_sentry_harness.model.libraries import CLIENTS, client_of

MODULE = """
    import os
    import httpx
    import helpers
    import urllib.parse
    import urllib.request
    from sqlalchemy import text
    from helpers import ask

    client = httpx.Client()


    def plain():
        return os.getpid()


    def by_module():
        name = "x"
        return httpx.get(name)


    def by_object():
        return client.get("x")


    def by_name():
        return text("SELECT 1")


    def by_helper():
        return ask()


    def by_module_of_helpers():
        return helpers.Asking.once()


    def by_import():
        import sqlite3
        return sqlite3.connect(":memory:")


    def by_submodule():
        return urllib.request.urlopen("x")


    def by_another_submodule():
        return urllib.parse.quote("x")


    def within():
        def inner():
            return httpx.get("x")
        return [inner() for _ in range(3)]


    def closure():
        held = client

        def inner():
            return held.get("x")
        return inner


    async def waiting():
        return await httpx.AsyncClient().get("x")


    def loop():
        return again()


    def again():
        return loop()


    def unset():
        def inner():
            return later.get("x")
        yield inner
        later = client


    class Shop:
        def fetch(self):
            return client.get("x")
"""
HELPERS = """
    import redis


    def ask():
        return redis.Redis().get("x")


    class Asking:
        @staticmethod
        def once():
            return redis.Redis().get("x")
"""
REDIS = """
    class Redis:
        def get(self, key):
            return key
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    for name, text in (("shop_that_uses", MODULE), ("helpers", HELPERS), ("redis", REDIS)):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text).lstrip())
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("shop_that_uses")
    for name in ("shop_that_uses", "helpers", "redis"):
        sys.modules.pop(name, None)


def line_of(module: ModuleType, text: str, nth: int = 0) -> int:
    lines = Path(str(module.__file__)).read_text().splitlines()
    return [number for number, line in enumerate(lines, start=1) if text in line][nth]


@pytest.mark.parametrize(
    ("function", "library"),
    [
        ("by_module", "httpx"),
        ("by_object", "httpx"),
        ("by_name", "sqlalchemy"),
        ("by_helper", "redis"),
        ("by_module_of_helpers", "redis"),
        ("by_import", "sqlite3"),
        ("by_submodule", "urllib.request"),
        ("within", "httpx"),
        ("waiting", "httpx"),
    ],
)
def test_a_library_is_found_however_it_is_named(shop: ModuleType, function: str, library: str) -> None:
    """By its module, an object of it, a name of it, a helper, an import, or inside a function within."""
    assert [use.library for use in libraries_used(getattr(shop, function))] == [library]


def test_the_line_that_reaches_for_it_is_told(shop: ModuleType) -> None:
    """Not the one of the ``def``; in a helper, the helper's."""
    (use,) = libraries_used(shop.by_module)
    assert (use.place.file, use.place.line) == (shop.__file__, line_of(shop, "httpx.get(name)"))
    assert use.place.function == "by_module"
    (use,) = libraries_used(shop.by_helper)
    assert str(use.place).endswith("helpers.py:5 in ask")


def test_methods_and_closures_are_read_as_well(shop: ModuleType) -> None:
    """A bound method, and a function that holds on to a name around it."""
    assert [use.library for use in libraries_used(shop.Shop().fetch)] == ["httpx"]
    assert [use.library for use in libraries_used(shop.closure())] == ["httpx"]


def test_what_reaches_for_nothing(shop: ModuleType) -> None:
    """Other libraries, functions that call each other for ever, names that are not set, things that are no function."""
    nothing: list[Callable[..., Any]] = [shop.plain, shop.by_another_submodule, shop.loop, len]
    assert [libraries_used(each) for each in nothing] == [()] * 4
    assert libraries_used(next(shop.unset())) == ()


def test_the_ledger_is_told_when_an_operation_is_armed(shop: ModuleType) -> None:
    """Once, whatever is called later."""
    recorder = MemoryRecorder()
    injector = Injector(recorder)
    try:
        injector.arm_operation(ArmedOperation(name="fetch", at="shop_that_uses:by_object"))
        (use,) = recorder.records(Uses)
        assert (use.operation, use.library, use.place.line) == (
            "fetch",
            "httpx",
            line_of(shop, "client.get", 0),
        )
        assert recorder.records(PointState)[-1].state == "armed"
    finally:
        injector.disarm("the test is over")


def test_what_cannot_be_read_is_said_and_hurts_nobody(shop: ModuleType) -> None:
    """The measurement goes on without it."""

    class Hostile:
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError("no")

    recorder = MemoryRecorder()
    write_uses("fetch", Hostile(), recorder)
    (note,) = recorder.records(Note)
    assert (note.level, note.text) == ("info", "what operation 'fetch' uses cannot be read: RuntimeError: no")


def test_a_module_belongs_to_the_library_above_it() -> None:
    """Also where only a part of a package asks others."""
    assert client_of("httpx._client") is CLIENTS["httpx"]
    assert client_of("http.client") is CLIENTS["http.client"]
    assert client_of(sqlite3.Connection.__module__) is CLIENTS["sqlite3"]
    assert client_of("http.cookies") is None
    assert client_of("shop") is None
