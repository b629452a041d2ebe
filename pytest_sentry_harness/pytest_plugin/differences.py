"""What differs between two pieces of decoded JSON, place by place, in words."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeGuard

_MOST_VALUE = 90
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*")


class _Missing(Enum):
    MISSING = "missing"


MISSING = _Missing.MISSING
"""There is nothing at this place."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the two differ. ``path`` is written as in ``exception.values[0].type``."""

    path: str
    expected: object
    found: object

    def words(self, expected: str = "expected", found: str = "found", *, absent: str = "missing") -> str:
        """In one line, with the names the two sides go by."""
        if self.found is MISSING:
            return f"{self.path}: {shown(self.expected)} {expected}, {absent}"
        if self.expected is MISSING:
            return f"{self.path}: not {expected}, {shown(self.found)} {found}"
        return f"{self.path}: {shown(self.expected)} {expected}, {shown(self.found)} {found}"


def all_differences(expected: object, found: object, path: str = "") -> Iterator[Difference]:
    """Every place where ``found`` is not ``expected``. Elements of lists are matched up, as in a text comparison."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in sorted({*expected, *found}, key=str):
            yield from all_differences(expected.get(key, MISSING), found.get(key, MISSING), _at(path, key))
    elif _is_list(expected) and _is_list(found):
        yield from _in_lists(expected, found, path)
    elif expected is MISSING or found is MISSING or not _same(expected, found):
        yield Difference(path or "(the whole)", expected, found)


def missing_parts(expected: object, found: object, path: str = "") -> Iterator[Difference]:
    """Every place where ``found`` lacks what ``expected`` asks for; what it has beyond that is no difference.

    In ``expected``, ``...`` is met by anything, a compiled pattern by text it is found in. Lists must be as long as asked.
    """
    if expected is ...:
        if found is MISSING:
            yield Difference(path or "(the whole)", expected, found)
    elif isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key, value in expected.items():
            yield from missing_parts(value, found.get(key, MISSING), _at(path, key))
    elif _is_list(expected) and _is_list(found) and len(expected) == len(found):
        for index, value in enumerate(expected):
            yield from missing_parts(value, found[index], f"{path}[{index}]")
    elif isinstance(expected, re.Pattern):
        if not isinstance(found, str) or expected.search(found) is None:
            yield Difference(path or "(the whole)", expected, found)
    elif found is MISSING or not _same(expected, found):
        yield Difference(path or "(the whole)", expected, found)


def shown(value: object) -> str:
    """``value`` as JSON where it is, cut short."""
    if isinstance(value, re.Pattern):
        text = f"/{value.pattern}/"
    elif value is ...:
        text = "anything"
    else:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _MOST_VALUE else text[: _MOST_VALUE - 3] + "..."


def _in_lists(expected: Sequence[object], found: Sequence[object], path: str) -> Iterator[Difference]:
    before, after = (
        [json.dumps(value, sort_keys=True, default=repr) for value in side] for side in (expected, found)
    )
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, first, first_end, second, second_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        paired = min(first_end - first, second_end - second)
        for step in range(paired):
            yield from all_differences(
                expected[first + step], found[second + step], f"{path}[{second + step}]"
            )
        for index in range(first + paired, first_end):
            yield Difference(f"{path}[{index}]", expected[index], MISSING)
        for index in range(second + paired, second_end):
            yield Difference(f"{path}[{index}]", MISSING, found[index])


def _same(expected: object, found: object) -> bool:
    # JSON tells true from 1, as Python's == does not.
    return expected == found and isinstance(expected, bool) == isinstance(found, bool)


def _is_list(value: object) -> TypeGuard[list[object] | tuple[object, ...]]:
    return isinstance(value, list | tuple)


def _at(path: str, key: object) -> str:
    text = str(key)
    if not _PLAIN_KEY.fullmatch(text):
        return f"{path}[{json.dumps(text, ensure_ascii=False)}]"
    return f"{path}.{text}" if path else text
