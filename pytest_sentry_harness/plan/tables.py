"""Strict reading of TOML tables: every key is known, every value has its type, every error has its line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..errors import ScenarioError, TermError, did_you_mean, nearest
from .terms import duration

_LISTS = (
    "fault",
    "twin",
    "link",
    "load.request",
    "operation",
    "profiling.n_plus_one",
    "story",
    "overhead.arm",
    "overhead.request",
    "overhead.prepare",
    "overhead.option",
    "alerting.receiver",
    "dashboards.shows",
    "objective",
)


class Document:
    """The text of a scenario file, to find the line a table or key stands on."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._lines = text.splitlines()

    def where(self, table: str, index: int = 0, key: str | None = None) -> str:
        """``file:line: [table] key``, as near as it can be found."""
        line = self._find(table, index, key)
        label = f"[[{table}]]" if table in _LISTS else f"[{table}]"
        place = f"{self.name}:{line}" if line else self.name
        return f"{place}: {label}" + (f" {key}" if key else "")

    def _find(self, table: str, index: int, key: str | None) -> int | None:
        header = re.compile(rf"\s*\[\[?\s*{re.escape(table)}\s*\]\]?\s*(#.*)?$")
        wanted = re.compile(rf"""\s*["']?{re.escape(key or "")}["']?\s*=""")
        seen, inside, at = -1, False, None
        for number, line in enumerate(self._lines, start=1):
            if line.lstrip().startswith("["):
                seen += bool(header.match(line))
                inside = bool(header.match(line)) and seen == index
                at = number if inside else at
            elif inside and key is not None and wanted.match(line):
                return number
        return at


class Table:
    """One table of the file. ``done`` must be called last: it refuses what nobody asked for."""

    def __init__(self, document: Document, name: str, content: Any, index: int = 0) -> None:
        self._document, self._name, self._index = document, name, index
        if not isinstance(content, dict):
            raise ScenarioError(
                f"{name} must be a table, not {_type_name(content)}",
                where=self.where(),
                hint=f"write [{name}]",
            )
        self._content: dict[str, Any] = content
        self._asked: set[str] = set()

    def where(self, key: str | None = None) -> str:
        """Where this table, or its ``key``, stands."""
        return self._document.where(self._name, self._index, key)

    def fail(self, key: str, what: str, hint: str | None = None) -> ScenarioError:
        """An error about ``key``, ready to be raised."""
        return ScenarioError(what, where=self.where(key), hint=hint)

    def __bool__(self) -> bool:
        return bool(self._content)

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def text(self, key: str, default: str | None = None) -> str | None:
        """A string, not empty."""
        value: str | None = self._get(key, default, str, "a string")
        if value == "" and key in self._content:
            raise self.fail(key, f"{key} is empty", hint="give it a value, or leave the key out")
        return value

    def required(self, key: str, hint: str) -> str:
        """A string that must be there."""
        value = self.text(key)
        if value is None:
            misspelt = nearest(key, [name for name in self._content if name not in self._asked])
            if misspelt:
                hint = f"is {misspelt[0]!r} meant to be {key!r}?"
            raise ScenarioError(f"{key} is missing", where=self.where(), hint=hint)
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        return bool(self._get(key, default, bool, "true or false"))

    def integer(self, key: str, default: int | None, *, least: int) -> int | None:
        """A whole number of at least ``least``."""
        value: int | None = self._get(key, default, int, "a whole number")
        if isinstance(value, bool):
            raise self.fail(key, f"{key} must be a whole number, not true or false")
        if value is not None and value < least:
            raise self.fail(key, f"{key} = {value} is too small", hint=f"use at least {least}")
        return value

    def number(self, key: str, default: float) -> float:
        """A number above 0."""
        value = self._get(key, default, (int, float), "a number")
        if isinstance(value, bool) or not value > 0:
            raise self.fail(key, f"{key} = {value} is not above 0", hint="use a number above 0")
        return float(value)

    def seconds(self, key: str, default: float) -> float:
        """A duration such as ``"30s"``."""
        text = self._get(key, None, str, 'a duration such as "30s"')
        if text is None:
            return default
        try:
            return duration(text)
        except TermError as error:
            raise self.fail(key, f"{key} = {text!r}: {error.what}", hint=error.hint) from error

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; one string stands for a list of one."""
        value = self._get(key, [], (list, str), "a list of strings")
        values = [value] if isinstance(value, str) else value
        if not all(isinstance(entry, str) and entry for entry in values):
            raise self.fail(key, f"{key} must hold strings", hint=f'write {key} = ["one", "two"]')
        return tuple(values)

    def mapping(self, key: str) -> dict[str, str]:
        """A table of strings (numbers are taken as text)."""
        value = self._get(key, {}, dict, "a table")
        for name, entry in value.items():
            if isinstance(entry, bool) or not isinstance(entry, str | int | float):
                raise self.fail(key, f"{key}.{name} must be a string", hint=f'write {name} = "…"')
        return {name: str(entry) for name, entry in value.items()}

    def choice(self, key: str, default: str, allowed: Iterable[str]) -> str:
        """One of ``allowed``."""
        value = self.text(key, default) or default
        if value not in (names := list(allowed)):
            raise self.fail(key, f"{key} = {value!r} is not allowed", hint=did_you_mean(value, names))
        return value

    def list_of_tables(self, key: str) -> list[Any]:
        """A list of tables, each to be read by a ``Table`` of its own."""
        value: list[Any] = self._get(key, [], list, f"a list of tables: write [[{self._name}.{key}]]")
        return value

    def anything(self, key: str) -> Any:
        """Whatever stands there; None when nothing does."""
        return self._get(key, None, object, "a value")

    def nested(self, key: str) -> Table:
        """A table within this one; its errors are reported at ``key``."""
        content = self._get(key, {}, dict, "a table")
        return _Nested(self, key, content)

    def within(self, key: str, content: dict[str, Any]) -> Table:
        """``content``, one table of a list at ``key``; its errors are reported there."""
        return _Nested(self, key, content)

    def items(self) -> list[tuple[str, Any]]:
        """All entries, for tables whose keys are free."""
        self._asked.update(self._content)
        return list(self._content.items())

    def done(self, *known: str) -> None:
        """Refuse keys that were never asked for and are not in ``known``."""
        for key in self._content:
            if key not in self._asked and key not in known:
                raise self.fail(key, f"unknown key {key!r}", hint=did_you_mean(key, self._asked.union(known)))

    def _get(self, key: str, default: Any, kind: type | tuple[type, ...], description: str) -> Any:
        self._asked.add(key)
        if key not in self._content:
            return default
        value = self._content[key]
        if not isinstance(value, kind):
            raise self.fail(key, f"{key} must be {description}, not {_type_name(value)}")
        return value


class _Nested(Table):
    """A table written within another one's line."""

    def __init__(self, outer: Table, name: str, content: dict[str, Any]) -> None:
        self._outer, self._name = outer, name
        self._content = content
        self._asked = set()

    def where(self, key: str | None = None) -> str:
        return self._outer.where(self._name)


def _type_name(value: object) -> str:
    names = {
        str: "a string",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), type(value).__name__)
