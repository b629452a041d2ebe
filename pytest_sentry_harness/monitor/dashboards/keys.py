"""Strict reading of one object of a dashboard's JSON. Keys may be camelCase or snake_case, as in Sentry's API; null is absent."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from ...errors import RulesError, did_you_mean, nearest
from ..strict import kind_of

_ALIKE = 0.7
"""How alike a misspelt key and the one that is meant are, at least."""
_SNAKE = re.compile(r"_([a-z0-9])")


def camel(key: str) -> str:
    """``display_type`` as ``displayType``."""
    return _SNAKE.sub(lambda match: match[1].upper(), key)


class Keys:
    """One object. ``rest`` must be called last: it refuses what is not known."""

    def __init__(self, content: object, name: str, path: str = "") -> None:
        self.name, self.path = name, path
        if not isinstance(content, Mapping):
            raise RulesError(f"must be an object, not {kind_of(content)}", where=self.where())
        self._written: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        for key, value in content.items():
            if camel(key) in self._written:
                self.refuse(
                    key, f"{key} and {self._written[camel(key)]} are the same key", "keep one of them"
                )
            self._written[camel(key)] = key
            if value is not None:
                self._values[camel(key)] = value
        self._asked: set[str] = set()

    def where(self, key: str = "") -> str:
        """File and path of this object, or of its ``key``, as it is written there."""
        path = ".".join(part for part in (self.path, self._written.get(key, key) if key else "") if part)
        return f"{self.name}: {path}" if path else self.name

    def refuse(self, key: str, what: str, hint: str | None = None) -> NoReturn:
        """Raise about ``key``."""
        raise RulesError(what, where=self.where(key), hint=hint)

    def text(self, key: str, default: str = "", *, most: int | None = None) -> str:
        """A string, maybe empty."""
        value = self._get(key, str, "a string")
        if value is None:
            return default
        if most is not None and len(value) > most:
            self.refuse(key, f"{len(value)} characters, {most} are allowed")
        return str(value)

    def required(self, key: str, most: int) -> str:
        """A string that must be there and not be empty."""
        value = self.text(key, most=most)
        if not value.strip():
            given = [name for name in self._values if name not in self._asked]
            near = nearest(key, given)
            hint = f"is {near[0]!r} meant to be {key!r}?" if near else f'add "{key}": "…"'
            raise RulesError(f"{key} is missing or empty", where=self.where(), hint=hint)
        return value

    def choice(self, key: str, allowed: Iterable[str], default: str | None) -> str:
        """One of ``allowed``; without a default it must be there."""
        names = list(allowed)
        value = self._get(key, str, "a string")
        if value is None and default is None:
            raise RulesError(f"{key} is missing", where=self.where(), hint=f"allowed: {', '.join(names)}")
        if value is None:
            return str(default)
        if value not in names:
            near = nearest(value, names, most=1)
            hint = f"allowed: {', '.join(names)}"
            self.refuse(
                key, f"{value!r} is not allowed", f"did you mean {near[0]!r}? {hint}" if near else hint
            )
        return str(value)

    def whole(self, key: str, low: int, high: int | None) -> int | None:
        """A whole number from ``low`` to ``high``; None when it is not there."""
        value = self._get(key, int, "a whole number")
        if value is None:
            return None
        allowed = f"{low} to {high}" if high is not None else f"{low} or more"
        if isinstance(value, bool) or value < low or (high is not None and value > high):
            self.refuse(key, f"{value!r} is not allowed", f"use a whole number, {allowed}")
        return int(value)

    def number(self, key: str) -> float | None:
        """A number of 0 or more; None when it is not there."""
        value = self._get(key, (int, float), "a number")
        if value is None:
            return None
        if isinstance(value, bool) or not 0 <= value < float("inf"):
            self.refuse(key, f"{value!r} is not allowed", "use a number, 0 or more")
        return float(value)

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of strings; None when it is not there."""
        value = self._get(key, list, "a list of strings")
        if value is None:
            return None
        for index, each in enumerate(value):
            if not isinstance(each, str):
                self.refuse(f"{self._written[key]}[{index}]", f"must be a string, not {kind_of(each)}")
        return tuple(value)

    def numbers(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        value = self._get(key, list, "a list of whole numbers") or []
        for index, each in enumerate(value):
            if type(each) is not int:
                self.refuse(f"{self._written[key]}[{index}]", f"must be a whole number, not {kind_of(each)}")
        return tuple(value)

    def objects(self, key: str) -> list[Any]:
        """A list, whose entries are looked at later."""
        return list(self._get(key, list, "a list of objects") or [])

    def flag(self, key: str) -> bool:
        """True or false; false when it is not there."""
        return bool(self._get(key, bool, "true or false"))

    def anything(self, key: str) -> Any:
        """A value of any type; None when it is not there."""
        self._asked.add(key)
        return self._values.get(key)

    def mapping(self, key: str) -> dict[str, Any] | None:
        """An object, as it is; None when it is not there."""
        value = self._get(key, dict, "an object")
        return None if value is None else dict(value)

    def rest(self, kept: Iterable[str]) -> dict[str, Any]:
        """Those of ``kept`` that are there; anything else that nobody asked for is refused."""
        known = set(kept)
        for key, written in self._written.items():
            if key not in self._asked and key not in known:
                self.refuse(
                    key, f"unknown key {written!r}", did_you_mean(camel(written), self._asked | known)
                )
        return {key: value for key, value in self._values.items() if key in known and key not in self._asked}

    def unknown(self, kept: Iterable[str]) -> list[str]:
        """Keys, as written, that nobody asked for, that are none of ``kept``, and that are unlike all of these.

        Raises about a key that is one of them misspelt.
        """
        known = {each.lower(): each for each in self._asked | set(kept)}
        found = []
        for key, written in self._written.items():
            if key not in known.values():
                near = difflib.get_close_matches(key.lower(), known, 1, _ALIKE)
                if near:
                    self.refuse(key, f"unknown key {written!r}", f"did you mean {known[near[0]]!r}?")
                found.append(written)
        return found

    def _get(self, key: str, kind: type | tuple[type, ...], description: str) -> Any:
        self._asked.add(key)
        value = self._values.get(key)
        if value is not None and not isinstance(value, kind):
            self.refuse(key, f"must be {description}, not {kind_of(value)}")
        return value
