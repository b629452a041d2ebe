"""Every labelled exception type is sorted as people sorted it."""

from __future__ import annotations

import importlib
from typing import Any

from sentry_sdk.utils import get_type_module, get_type_name

from pytest_sentry_harness.model.classified import CATEGORIES
from pytest_sentry_harness.monitor.classification import classify
from pytest_sentry_harness.monitor.classification.libraries import FAMILIES
from pytest_sentry_harness.monitor.classification.plain_types import BUILTINS

from .labelled import ELSEWHERE, INSTALLED


def event(module: str | None, name: str | None, value: str = "") -> dict[str, Any]:
    return {"exception": {"values": [{"module": module, "type": name, "value": value}]}}


def test_the_table_is_as_large_as_promised() -> None:
    """At least 120 types, with each category named several times."""
    labels = [*INSTALLED.values(), *(row[3] for row in ELSEWHERE)]
    assert len(labels) >= 120
    assert {label for label in labels if labels.count(label) >= 3} == set(CATEGORIES)


def test_types_that_are_installed() -> None:
    """Module and type as the SDK sends them are enough to sort it. Some libraries are there in some environments only."""
    wrong, missing = [], []
    for path, label in INSTALLED.items():
        module, _, name = path.partition(":")
        try:
            cls = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError:
            missing.append(path)
            continue
        found = classify(event(get_type_module(cls), get_type_name(cls)))
        if found.category != label:
            wrong.append((path, label, found))
    assert wrong == []
    assert len(missing) < len(INSTALLED) / 4, missing


def test_types_of_other_libraries() -> None:
    """Module, type and, where a library puts a status or a code there, text are enough to sort it."""
    found = [(classify(event(*row[:3])), row) for row in ELSEWHERE]
    assert [(row, each) for each, row in found if each.category != row[3]] == []


def test_tables_use_known_categories() -> None:
    """No category is misspelt in the tables."""
    for family in FAMILIES.values():
        assert {family.default, *family.types.values()} <= {*CATEGORIES, None}, family
    assert set(BUILTINS.values()) <= {*CATEGORIES, None}
