"""Strict reading of files that users write: every key is known, every value has its type, every error has its key path.

Works on what a TOML or JSON parser gave. Every error is a ``RulesError`` that names the file, the path of the key such as
``rule[0].severity``, the value, and what is allowed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ..errors import RulesError, did_you_mean, nearest

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|min|m|h|d|w)")
_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PERCENT = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*%")
_KINDS: dict[type, str] = {
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a table",
    type(None): "null",
}


def toml_table(text: str, name: str) -> Strict:
    """The TOML document ``text``; ``name`` is its file, for messages. Raises ``RulesError``."""
    try:
        return Strict(name, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"not valid TOML: {error}", where=name, hint="see https://toml.io") from error
    except RecursionError as error:
        raise RulesError("nested too deeply to be read", where=name) from error


class Strict:
    """One table. ``done`` must be called last: it refuses what nobody asked for."""

    def __init__(self, name: str, content: object, path: str = "") -> None:
        self._name, self._path = name, path
        self._asked: set[str] = set()
        if not isinstance(content, dict):
            raise RulesError(f"must be a table, not {kind_of(content)}", where=self.where())
        self._content: dict[str, Any] = content

    @property
    def content(self) -> Mapping[str, Any]:
        """All of it, as it stands."""
        return self._content

    def where(self, key: str = "") -> str:
        """File and path of this table, or of its ``key``."""
        path = ".".join(part for part in (self._path, key) if part)
        return f"{self._name}: {path}" if path else self._name

    def fail(self, key: str, what: str, hint: str | None = None) -> RulesError:
        """An error about ``key``, ready to be raised."""
        return RulesError(what, where=self.where(key), hint=hint)

    def text(self, key: str, default: str | None = None) -> str | None:
        """A string, not empty."""
        value = self._get(key, str, "a string")
        if value is None:
            return default
        if not value.strip():
            raise self.fail(key, f"{key} is empty", "give it a value, or leave the key out")
        return str(value)

    def required(self, key: str, hint: str) -> str:
        """A string that must be there."""
        value = self.text(key)
        if value is None:
            misspelt = nearest(key, [name for name in self._content if name not in self._asked])
            raise RulesError(
                f"{key} is missing",
                where=self.where(),
                hint=f"is {misspelt[0]!r} meant to be {key!r}?" if misspelt else hint,
            )
        return value

    def choice(self, key: str, allowed: Iterable[str], default: str | None = None) -> str | None:
        """One of ``allowed``."""
        value = self.text(key, default)
        if value is not None and value not in (names := list(allowed)):
            raise self.fail(key, f"{key} = {value!r} is not allowed", _allowed(value, names))
        return value

    def flag(self, key: str) -> bool | None:
        """True, false, or None when it is not there."""
        value: bool | None = self._get(key, bool, "true or false")
        return value

    def integer(self, key: str, default: int, *, least: int) -> int:
        """A whole number of at least ``least``."""
        value = self._get(key, int, "a whole number")
        if value is None:
            return default
        if isinstance(value, bool):
            raise self.fail(key, f"{key} must be a whole number, not true or false")
        if value < least:
            raise self.fail(key, f"{key} = {value} is too small", f"use at least {least}")
        return int(value)

    def number(self, key: str, default: float) -> float:
        """A finite number above 0."""
        value = self._get(key, (int, float), "a number")
        if value is None:
            return default
        if isinstance(value, bool) or not 0 < value < float("inf"):
            raise self.fail(key, f"{key} = {value} is not a number above 0", "use a number above 0")
        return float(value)

    def seconds(self, key: str) -> float | None:
        """A duration such as ``"30d"``, ``"6h"``, ``"300ms"``, above 0, in seconds."""
        text = self._get(key, str, 'a duration such as "6h"')
        if text is None:
            return None
        match = _DURATION.fullmatch(text.strip())
        found = float(match["number"]) * _UNITS[match["unit"]] if match else 0.0
        if not 0 < found < 1e12:
            raise self.fail(
                key,
                f"{key} = {text!r} is not a duration above 0",
                "write a number and a unit: 300ms, 30s, 5m, 6h, 30d, 4w",
            )
        return found

    def moment(self, key: str) -> float | None:
        """A date-time with its offset from UTC, as TOML writes it or in a string, in seconds since the epoch."""
        value = self._get(key, (str, datetime), "a date-time such as 2026-01-31T08:00:00+01:00")
        try:
            found = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            raise self.fail(
                key, f"{key} = {value!r} is not a date-time", "write 2026-01-31T08:00:00+01:00"
            ) from None
        if found is None:
            return None
        if found.tzinfo is None:
            raise self.fail(key, f"{key} has no offset from UTC", "write 2026-01-31T08:00:00+01:00, or a Z")
        return float(found.timestamp())

    def integers(self, key: str, *, least: int) -> tuple[int, ...]:
        """A list of whole numbers of at least ``least``; one alone stands for a list of one. Empty when it is not there."""
        value = self._get(key, (list, int), "a list of whole numbers")
        if value is None:
            return ()
        values = value if isinstance(value, list) else [value]
        for index, entry in enumerate(values):
            if type(entry) is not int or entry < least:
                raise self.fail(
                    f"{key}[{index}]", f"must be a whole number of at least {least}, not {entry!r}"
                )
        return tuple(values)

    def table(self, key: str) -> Strict | None:
        """One table, None when it is not there."""
        value = self._get(key, dict, "a table")
        return (
            None if value is None else Strict(self._name, value, ".".join(p for p in (self._path, key) if p))
        )

    def share(self, key: str, hint: str) -> float:
        """A percentage between 0 % and 100 %, both left out, such as ``"99.9%"``, as a share."""
        text = self.required(key, hint)
        match = _PERCENT.fullmatch(text.strip())
        if match is None:
            raise self.fail(key, f"{key} = {text!r} is not a percentage", hint)
        found = float(match["number"]) / 100
        if not 0 < found < 1:
            raise self.fail(
                key,
                f"{key} = {text!r} is not between 0% and 100%",
                "100% leaves no budget: use less, as 99.9%",
            )
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, none empty; one string stands for a list of one. Empty when it is not there."""
        value = self._get(key, (list, str), "a list of strings")
        if value is None:
            return ()
        values = [value] if isinstance(value, str) else value
        for index, entry in enumerate(values):
            if not isinstance(entry, str) or not entry.strip():
                raise self.fail(f"{key}[{index}]", f"must be a string that is not empty, not {entry!r}")
        if not values:
            raise self.fail(key, f"{key} is empty", "name at least one, or leave the key out")
        return tuple(values)

    def mapping(self, key: str) -> dict[str, Any]:
        """A table whose keys are free, as it stands; empty when it is not there."""
        value: dict[str, Any] | None = self._get(key, dict, "a table")
        return value or {}

    def tables(self, key: str) -> list[Strict]:
        """A list of tables."""
        value = self._get(key, list, f"a list of tables: write [[{key}]]")
        return [
            Strict(self._name, entry, ".".join(part for part in (self._path, f"{key}[{index}]") if part))
            for index, entry in enumerate(value or ())
        ]

    def done(self) -> None:
        """Refuse keys that were never asked for."""
        for key in self._content:
            if key not in self._asked:
                raise self.fail(key, f"unknown key {key!r}", _allowed(key, sorted(self._asked)))

    def _get(self, key: str, kind: type | tuple[type, ...], description: str) -> Any:
        self._asked.add(key)
        if key not in self._content:
            return None
        value = self._content[key]
        if not isinstance(value, kind):
            raise self.fail(key, f"{key} must be {description}, not {kind_of(value)}")
        return value


def kind_of(value: object) -> str:
    """What a value of a file is, for people."""
    return _KINDS.get(type(value), type(value).__name__)


def _allowed(value: str, names: list[str]) -> str:
    hint = did_you_mean(value, names)
    listed = f"allowed: {', '.join(names)}"
    return listed if hint.startswith("known names") else f"{hint} ({listed})"
