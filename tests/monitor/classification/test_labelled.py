"""Every labelled exception type is sorted as people sorted it."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
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


@pytest.mark.parametrize("path", INSTALLED)
def test_types_that_are_installed(path: str) -> None:
    """Module and type as the SDK sends them are enough to sort it."""
    module, _, name = path.partition(":")
    cls = getattr(importlib.import_module(module), name)
    found = classify(event(get_type_module(cls), get_type_name(cls)))
    assert found.category == INSTALLED[path], found.why


@pytest.mark.parametrize("module,name,value,label", ELSEWHERE)
def test_types_of_other_libraries(module: str, name: str, value: str, label: str) -> None:
    """Module, type and, where a library puts a status or a code there, text are enough to sort it."""
    found = classify(event(module, name, value))
    assert found.category == label, found.why


@pytest.mark.parametrize("prefix", FAMILIES)
def test_tables_use_known_categories(prefix: str) -> None:
    """No category is misspelt in the tables."""
    family = FAMILIES[prefix]
    assert {family.default, *family.types.values()} <= {*CATEGORIES, None}
    assert set(BUILTINS.values()) <= {*CATEGORIES, None}
