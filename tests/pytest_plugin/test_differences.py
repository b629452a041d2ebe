"""Differences between two pieces of JSON."""

from __future__ import annotations

import re

from pytest_sentry_harness.pytest_plugin.differences import all_differences, missing_parts, shown


def words(expected: object, found: object) -> list[str]:
    return [each.words() for each in all_differences(expected, found)]


def lacking(expected: object, found: object) -> list[str]:
    return [each.words() for each in missing_parts(expected, found)]


def test_every_place_is_named() -> None:
    """Keys are written as paths, odd ones in quotes; what is there on one side only is told so."""
    assert words({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2]}}) == []
    assert words({"a": {"b c": 1}, "x": 1}, {"a": {"b c": 2}, "y": None}) == [
        'a["b c"]: 1 expected, 2 found',
        "x: 1 expected, missing",
        "y: not expected, null found",
    ]
    assert words(1, True) == ["(the whole): 1 expected, true found"]
    assert words({"a": 1}, [1]) == ['(the whole): {"a": 1} expected, [1] found']


def test_an_element_more_is_one_difference() -> None:
    """Elements of lists are matched up before they are compared."""
    assert words(["a", "b", "c"], ["a", "x", "b", "c"]) == ['[1]: not expected, "x" found']
    assert words([{"n": 1}, {"n": 2}, {"n": 3}], [{"n": 1}, {"n": 5}]) == [
        "[1].n: 2 expected, 5 found",
        '[2]: {"n": 3} expected, missing',
    ]


def test_only_what_is_expected_is_looked_at() -> None:
    """Parts, patterns and anything at all can be asked for."""
    assert lacking({"a": ..., "b": [re.compile("x")]}, {"a": None, "b": ["axe"], "c": 1}) == []
    assert lacking({"a": ..., "b": re.compile("x"), "d": [1]}, {"b": 7, "d": [1, 2]}) == [
        "a: anything expected, missing",
        "b: /x/ expected, 7 found",
        "d: [1] expected, [1, 2] found",
    ]
    assert lacking([1, 2], [1, 3]) == ["[1]: 2 expected, 3 found"]
    assert lacking(..., {}) == []
    assert lacking("a", "b") == ['(the whole): "a" expected, "b" found']
    assert lacking(re.compile("a"), "b") == ['(the whole): /a/ expected, "b" found']


def test_long_values_are_cut() -> None:
    """A difference stays a line."""
    assert len(shown("x" * 500)) == 90
    assert shown({1, 2}) == '"{1, 2}"'
