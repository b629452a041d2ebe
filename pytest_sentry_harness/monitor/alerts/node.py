"""Strict reading of Sentry's JSON: each key is known, each value has its type, each error names its key path."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from ...errors import RulesError, did_you_mean, nearest

MOST_SAID = 300
"""Characters of a value, a key or a message about them: what is wrong may be megabytes long."""
_MOST_HINT = 3000
_MOST_WHERE = 600
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_KINDS = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def read_json(text: str, name: str) -> Any:
    """``text`` as JSON. Raises ``RulesError`` with line and column in ``name``."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise RulesError(
            f"not valid JSON: {error.msg}",
            where=f"{name}:{error.lineno}:{error.colno}",
            hint="export the rule again, or check it with: python -m json.tool",
        ) from error
    except (RecursionError, ValueError) as error:
        raise RulesError(f"not valid JSON: {error}", where=name) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class Node:
    """One JSON object of a rules file. ``done`` must be called last: it refuses keys nobody asked for.

    Keys are asked for in camelCase; Sentry accepts them in snake_case too, and so does this.
    """

    def __init__(self, file: str, path: str, content: Any) -> None:
        self.file, self.path = file, path
        if not isinstance(content, dict):
            raise RulesError(
                f"expected an object, got {kind_of(content)}", where=self.where(), hint='write {"…": …}'
            )
        self.content: dict[str, Any] = content
        self._asked: set[str] = set()

    def where(self, key: str | None = None) -> str:
        """``file: path.key``."""
        path = ".".join(part for part in (self.path, key) if part)
        return ": ".join(part for part in (self.file, path) if part)

    def fail(self, key: str | None, what: str, hint: str | None = None) -> RulesError:
        """An error about ``key`` (about the whole object without one), ready to be raised. Too long texts are cut."""
        where = cut(self.where(self._spelling(key) if key else None), _MOST_WHERE)
        return RulesError(cut(what), where=where, hint=hint and cut(hint, _MOST_HINT))

    def get(self, key: str) -> Any:
        """Whatever stands at ``key``; None when nothing does. Raises where it stands twice, in both spellings."""
        self._asked.add(key)
        snake = snake_case(key)
        if snake != key and snake in self.content and key in self.content:
            raise self.fail(key, f"{key} and {snake} are one setting", "keep one of the two")
        return self.content.get(key, self.content.get(snake))

    def __contains__(self, key: str) -> bool:
        return key in self.content or snake_case(key) in self.content

    def required(self, key: str) -> Any:
        """What stands at ``key``, which must be there and not null."""
        value = self.get(key)
        if value is None:
            raise self.fail(None, f"{key} is missing", self._misspelt(key))
        return value

    def text(self, key: str, default: str | None = None, *, longest: int = 0) -> str | None:
        """A text; numbers are taken as text, as Sentry does for ids."""
        value = self.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.fail(key, f"{key} must be a text, got {kind_of(value)}")
        text = _text(value)
        if longest and len(text) > longest:
            raise self.fail(key, f"{key} has {len(text)} characters", f"at most {longest} are allowed")
        return text

    def name(self, longest: int) -> str:
        """The ``name``, which must be there."""
        self.required("name")
        name = (self.text("name", longest=longest) or "").strip()
        if not name:
            raise self.fail("name", "name is empty", "name the rule: notifications carry the name")
        return name

    def number(
        self, key: str, *, least: float | None = None, most: float | None = None, whole: bool = False
    ) -> float | None:
        """A number, or its text (Sentry stores what forms sent). None when it is missing or null."""
        value = self.get(key)
        if value is None:
            return None
        wanted = "a whole number" if whole else "a number"
        number = _number(value)
        if number is None or (whole and number != int(number)):
            raise self.fail(key, f"{key} must be {wanted}, got {kind_of(value)} {_short(value)}")
        if (least is not None and number < least) or (most is not None and number > most):
            raise self.fail(key, f"{key} = {number:g} is out of range", f"allowed: {_bounds(least, most)}")
        return number

    def required_number(
        self, key: str, *, least: float | None = None, most: float | None = None, whole: bool = False
    ) -> float:
        """A number that must be there."""
        self.required(key)
        value = self.number(key, least=least, most=most, whole=whole)
        return 0.0 if value is None else value

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.fail(key, f"{key} must be true or false, got {kind_of(value)} {_short(value)}")
        return value

    def choice(self, key: str, allowed: Iterable[Any], default: str | None = None) -> str:
        """One of ``allowed``, as text; without ``default`` it must be there. ``60.0`` is ``60``."""
        value = self.get(key) if default is not None else self.required(key)
        if value is None:
            return default or ""
        names = [str(name) for name in allowed]
        text = _text(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        if text not in names:
            near = did_you_mean(cut(text), names) if text and nearest(cut(text), names) else ""
            raise self.fail(
                key,
                f"{key} = {_short(value)} is not allowed",
                "; ".join(
                    part for part in (near.rstrip("?") and near, f"allowed: {', '.join(names)}") if part
                ),
            )
        return text

    def items(self, key: str, *, needed: bool = False) -> list[Any]:
        """A list; empty when it is missing or null, unless it is ``needed``."""
        value = self.required(key) if needed else self.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.fail(key, f"{key} must be a list, got {kind_of(value)}", 'write [{"…": …}]')
        return value

    def nodes(self, key: str, *, needed: bool = False) -> list[Node]:
        """A list of objects."""
        return [
            Node(self.file, self._below(f"{key}[{index}]"), item)
            for index, item in enumerate(self.items(key, needed=needed))
        ]

    def child(self, key: str) -> Node | None:
        """The object at ``key``; None when there is none."""
        value = self.get(key)
        return None if value is None else Node(self.file, self._below(key), value)

    def ids(self, key: str) -> tuple[str, ...]:
        """A list of ids or slugs, numbers or texts."""
        found = []
        for number, item in enumerate(self.items(key)):
            whole = isinstance(item, float) and item.is_integer()
            if isinstance(item, bool) or not (whole or isinstance(item, str | int)):
                raise self.fail(f"{key}[{number}]", "an id must be a text or a whole number")
            found.append(_text(item))
        return tuple(found)

    def objects(self, key: str) -> tuple[Mapping[str, Any], ...]:
        """A list of objects that are passed on as they are, such as actions."""
        return tuple(node.content for node in self.nodes(key))

    def done(self, *known: str) -> None:
        """Refuse keys that were never asked for and are not in ``known``, which answers of Sentry hold besides."""
        allowed = self._asked.union(known)
        spellings = allowed.union(snake_case(key) for key in allowed)
        for key in self.content:
            if key not in spellings:
                shown = cut(key)
                raise RulesError(
                    f"unknown key {shown!r}",
                    where=cut(self.where(shown), _MOST_WHERE),
                    hint=did_you_mean(shown, sorted(allowed)),
                )

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _spelling(self, key: str) -> str:
        return key if key in self.content or snake_case(key) not in self.content else snake_case(key)

    def _misspelt(self, key: str) -> str:
        near = nearest(key, [cut(name) for name in self.content if name not in self._asked])
        return f"is {near[0]!r} meant to be {key!r}?" if near else f"add {key!r}"


def snake_case(key: str) -> str:
    """``comparisonInterval`` as ``comparison_interval``."""
    return _HUMP.sub(lambda match: f"_{match[1].lower()}", key)


def kind_of(value: object) -> str:
    """What a JSON value is, for people."""
    return "null" if value is None else _KINDS.get(type(value), type(value).__name__)


def cut(text: str, most: int = MOST_SAID) -> str:
    """``text``, of which a part is left out where it has more than ``most`` characters."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    return f"{text[:head]}… ({len(text)} characters) …{text[head - most :]}"


def _text(value: str | int | float) -> str:
    """Sentry divides some whole numbers before it answers: they come as ``60.0``."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _bounds(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f"{least:g} to {most:g}"
    return f"at least {least:g}" if least is not None else f"at most {most:g}"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
