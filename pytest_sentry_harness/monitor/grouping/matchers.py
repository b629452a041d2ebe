"""Matchers of fingerprint rules: ``error.type:Timeout*``, ``!stack.module:shop.*``. Sentry docs, "Fingerprint Rules: Matchers".

A matcher looks at one kind of thing: an exception, a frame, a text, or the event. All matchers of one rule that look at
the same kind must hold for the same thing, which is why they are asked together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from .facts import Facts, Frame
from .stack import Stack
from .stack_rules import family_of

Kind = Literal["text", "exception", "frame", "log", "event"]
Style = Literal["exact", "any case", "path", "yes or no", "one of"]
AppFrame = tuple[Frame, bool]
"""A frame, and whether it is in-app."""

_LONGEST_KEPT = 256
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")
LEVELS = ("fatal", "error", "warning", "info", "debug", "sample")
FAMILIES = ("javascript", "native", "other", "all")


def _sdk(facts: Facts) -> Iterable[str | None]:
    # Sentry's own tag leaves out which integration it was: sentry.python.fastapi is sentry.python.
    name = facts.sdk or ""
    return dict.fromkeys((name, ".".join(name.split(".")[:2])))


_GETTERS: dict[str, tuple[Kind, Style, Callable[[Any], Iterable[object]]]] = {
    "error.type": ("exception", "exact", lambda one: (one.type,)),
    "error.value": ("exception", "any case", lambda one: (_stripped(one.value),)),
    "message": ("text", "any case", lambda one: (_stripped(one),)),
    "logger": ("log", "exact", lambda facts: (facts.text("logger"),)),
    "level": ("log", "any case", lambda facts: (facts.text("level"),)),
    "release": ("event", "path", lambda facts: (_stripped(facts.text("release")),)),
    "sdk": ("event", "one of", _sdk),
    "family": ("event", "one of", lambda facts: (family_of(facts.platform),)),
    "stack.abs_path": ("frame", "path", lambda one: (one[0].abs_path or one[0].filename, one[0].filename)),
    "stack.module": ("frame", "exact", lambda one: (one[0].module,)),
    "stack.function": ("frame", "exact", lambda one: (one[0].function or "<unknown>",)),
    "stack.package": ("frame", "path", lambda one: (one[0].package,)),
    "app": ("frame", "yes or no", lambda one: (one[1],)),
}
_SHORT = {
    "type": "error.type",
    "value": "error.value",
    "path": "stack.abs_path",
    "module": "stack.module",
    "function": "stack.function",
    "package": "stack.package",
}
MATCHERS = (*_GETTERS, *_SHORT, "tags.NAME")
"""Names of matchers, as documented."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One matcher. Made by ``matcher``."""

    name: str
    pattern: str
    negated: bool
    kind: Kind
    _style: Style = field(repr=False)
    _values: Callable[[Any], Iterable[object]] = field(repr=False, compare=False)

    def matches(self, thing: Any) -> bool:
        """Whether it holds for one thing of its kind; negated: whether it does not."""
        return any(self._fits(value) for value in self._values(thing)) is not self.negated

    def _fits(self, value: object) -> bool:
        if value is None:
            return False
        if self._style == "yes or no":
            return value is (self.pattern.lower() in _YES)
        text = str(value)
        if self._style == "one of":
            allowed = self.pattern.split(",")
            return "all" in allowed or text in allowed
        if self._style == "path":
            return _path_fits(text, self.pattern)
        return glob(text, self.pattern, any_case=self._style == "any case")


def matcher(name: str, pattern: str, negated: bool) -> Matcher | None:
    """The matcher of this name; None when there is none of it."""
    if name.startswith("tags.") and len(name) > len("tags."):
        tag = name.removeprefix("tags.")
        return Matcher(
            name, pattern, negated, "event", "exact", lambda facts: (_stripped(facts.tags.get(tag)),)
        )
    known = _GETTERS.get(_SHORT.get(name, name))
    return None if known is None else Matcher(name, pattern, negated, *known)


def refused(name: str, pattern: str) -> str:
    """What is allowed, when ``pattern`` can never be right for the matcher; else nothing."""
    name = _SHORT.get(name, name)
    if name == "app" and pattern.lower() not in (*_YES, *_NO):
        return "allowed: yes, no"
    if name == "family" and not set(pattern.split(",")) <= set(FAMILIES):
        return f"allowed: {', '.join(FAMILIES)}, or several of them with commas between"
    if name == "level" and not any(glob(level, pattern, any_case=True) for level in LEVELS):
        return f"allowed: {', '.join(LEVELS)}, and globs of these"
    return ""


class Things:
    """What matchers can look at in one event, apart from frames; each kind is gathered when it is first asked for."""

    def __init__(self, facts: Facts, stacks: Callable[[], Sequence[Stack]]) -> None:
        self._facts = facts
        self.stacks = stacks
        """Gives the stack traces of the event."""
        self._gathered: dict[Kind, Sequence[Any]] = {}

    def of(self, kind: Kind) -> Sequence[Any]:
        """All things of a kind."""
        found = self._gathered.get(kind)
        if found is None:
            found = self._gathered[kind] = self._gather(kind)
        return found

    def _gather(self, kind: Kind) -> Sequence[Any]:
        facts = self._facts
        if kind == "exception":
            return facts.problems
        if kind == "text":
            return (
                *([facts.message] if facts.message else ()),
                *(problem.value for problem in facts.problems),
            )
        if kind == "log":
            return (facts,) if facts.text("logger") or facts.text("level") else ()
        return (facts,)


def glob(value: str, pattern: str, *, any_case: bool = False, path: bool = False) -> bool:
    """Sentry's glob: ``*`` and ``?``, ``[ab]``, ``{a,b}``; in a path only ``**`` goes across slashes."""
    # Long values are texts, which rarely come twice.
    match = _glob_kept if len(value) <= _LONGEST_KEPT else _glob
    return match(value.encode("utf-8", "replace"), pattern, any_case, path)


def _glob(value: bytes, pattern: str, any_case: bool, path: bool) -> bool:
    from sentry_ophio.glob import is_glob_match

    return is_glob_match(
        value.decode(),
        pattern,
        double_star=path,
        case_insensitive=any_case,
        path_normalize=path,
        allow_newline=True,
    )


_glob_kept = lru_cache(maxsize=16384)(_glob)


def _path_fits(value: str, pattern: str) -> bool:
    if glob(value, pattern, any_case=True, path=True):
        return True
    return not value.startswith("/") and glob("/" + value, pattern, any_case=True, path=True)


def _stripped(value: str | None) -> str | None:
    return None if value is None else value.strip()
