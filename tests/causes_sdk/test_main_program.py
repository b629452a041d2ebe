"""Exceptions of the main program, started as ``python -m``: its own classes, not those of a second copy."""

from __future__ import annotations

import importlib.machinery
import sys

import pytest

from pytest_sentry_harness.injection.effects.raise_ import exception_class


def test_a_class_of_the_main_program_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing it under its other name would run the program again, and make classes that no except knows."""
    main = sys.modules["__main__"]
    spec = importlib.machinery.ModuleSpec("shop.started_as_main", None)
    monkeypatch.setattr(main, "__spec__", spec)
    monkeypatch.setattr(main, "ClosedError", type("ClosedError", (Exception,), {}), raising=False)
    assert exception_class("shop.started_as_main.ClosedError") is vars(main)["ClosedError"]
