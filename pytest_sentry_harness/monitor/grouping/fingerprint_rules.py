"""Fingerprint rules, one per line, in Sentry's own syntax. Sentry docs, "Fingerprint Rules".

    # a comment
    error.type:DatabaseUnavailable -> system-down
    error.value:"connection error: *" -> connection-error, {{ transaction }}
    logger:shop.* !level:warning -> shop-log, {{ logger }} title="Log of {{ logger }}"

The first rule that matches decides. All matchers of a rule must hold, and those that look at frames for the same frame.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ...errors import RulesError, did_you_mean
from .matchers import MATCHERS, AppFrame, Kind, Matcher, Things, matcher, refused
from .variables import VARIABLES, is_known, variables_in

_BLANK = re.compile(r"[ \t]*")
_ARROW = re.compile(r"[ \t]*->")
_NAME = re.compile(r'(!?)(?:"([^"]*)"|([\w.\-]+)):')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WORD = re.compile(r"\S+")
_ATTRIBUTE = re.compile(r'([\w.\-]+)=(?=")')
_PART = re.compile(r"\{\{[^{}]*\}\}|[^\s{},]+")
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_EXAMPLE = "write: error.type:Timeout -> timeouts, {{ transaction }}"


@dataclass(frozen=True)
class FingerprintRule:
    """One rule."""

    matchers: tuple[Matcher, ...]
    fingerprint: tuple[str, ...]
    title: str | None
    line: int
    """In the text of the rules, from 1."""
    text: str

    @cached_property
    def by_kind(self) -> Mapping[Kind, Sequence[Matcher]]:
        """The matchers by what they look at."""
        found: dict[Kind, list[Matcher]] = {}
        for one in self.matchers:
            found.setdefault(one.kind, []).append(one)
        return found

    def holds_for_frame(self, frame: AppFrame) -> bool:
        """Whether all matchers of frames hold for this one."""
        return all(one.matches(frame) for one in self.by_kind["frame"])

    def holds_outside_frames(self, things: Things) -> bool:
        """Whether the other matchers hold, those of one kind for one thing of that kind."""
        return all(
            any(all(one.matches(thing) for one in matchers) for thing in things.of(kind))
            for kind, matchers in self.by_kind.items()
            if kind != "frame"
        )


def parse_fingerprint_rules(text: str, where: str = "fingerprint rules") -> tuple[FingerprintRule, ...]:
    """The rules in ``text``; ``where`` is what to call it in messages. Raises ``RulesError``, naming the line."""
    rules = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            rules.append(_Line(stripped, number, f"{where}, line {number}").rule())
    return tuple(rules)


class _Line:
    """Reads one rule from left to right."""

    def __init__(self, text: str, number: int, where: str) -> None:
        self._text, self._number, self._where = text, number, where
        self._at = 0

    def rule(self) -> FingerprintRule:
        matchers = []
        while not self._take(_ARROW):
            self._take(_BLANK)
            if self._at == len(self._text):
                raise self._error("has no '->' with a fingerprint after it", _EXAMPLE)
            matchers.append(self._matcher())
        if not matchers:
            raise self._error("has no matcher before '->'", _EXAMPLE)
        parts, title = self._fingerprint()
        return FingerprintRule(tuple(matchers), parts, title, self._number, self._text)

    def _matcher(self) -> Matcher:
        rest = self._text[self._at :]
        if rest.startswith(("[", "|")):
            raise self._error(
                f"{rest[:20]!r} looks at callers or callees, which fingerprint rules cannot here",
                "move it to the stack trace rules, or match the frame itself",
            )
        found = self._take(_NAME)
        if not found:
            word = _WORD.match(rest)
            raise self._error(f"{word[0] if word else rest!r} is not a matcher: it has no ':'", _EXAMPLE)
        name = found[2] if found[2] is not None else found[3]
        pattern = self._argument(name)
        made = matcher(name, pattern, bool(found[1]))
        if made is None:
            raise self._error(f"{name!r} is not a matcher", did_you_mean(name, MATCHERS))
        allowed = refused(name, pattern)
        if allowed:
            raise self._error(f"{name}:{pattern} can never match", allowed)
        return made

    def _argument(self, name: str) -> str:
        quoted = self._take(_QUOTED)
        if quoted:
            return _unescaped(quoted[1])
        if self._text.startswith('"', self._at):
            raise self._error(f'the value of {name} has no closing "', f'write: {name}:"two words"')
        word = self._take(_WORD)
        if not word or word[0] == "->":
            raise self._error(f"{name} has no value", f"write it right after the colon: {name}:value")
        return word[0]

    def _fingerprint(self) -> tuple[tuple[str, ...], str | None]:
        parts: list[str] = []
        title = None
        while True:
            self._take(_BLANK)
            if self._at == len(self._text):
                break
            attribute = self._take(_ATTRIBUTE)
            if attribute:
                if attribute[1] != "title":
                    raise self._error(f"unknown attribute {attribute[1]!r}", "allowed: title")
                title = self._argument("title")
                self._check_variables(title)
            else:
                parts.append(self._part())
            self._take(_BLANK)
            if self._text.startswith(",", self._at):
                self._at += 1
        if not parts:
            raise self._error("has no fingerprint after '->'", _EXAMPLE)
        return tuple(parts), title

    def _part(self) -> str:
        quoted = self._take(_QUOTED)
        if quoted:
            part = _unescaped(quoted[1])
        else:
            found = self._take(_PART)
            if not found:
                raise self._error(
                    f"cannot read the fingerprint from {self._text[self._at :][:20]!r} on",
                    'parts are words, "quoted texts" and {{ variables }}, with commas between',
                )
            part = found[0]
        self._check_variables(part)
        return part

    def _check_variables(self, text: str) -> None:
        for name in variables_in(text):
            if not is_known(name):
                raise self._error(f"unknown variable {name!r}", did_you_mean(name, (*VARIABLES, "tags.NAME")))

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
        return match

    def _error(self, what: str, hint: str) -> RulesError:
        return RulesError(f"{what}: {self._text[:120]}", where=self._where, hint=hint)


def _unescaped(text: str) -> str:
    # A backslash before a special character of globs stays: it is the glob that unescapes it.
    return _ESCAPED.sub(
        lambda match: _ESCAPES.get(match[1], match[1] if match[1] in "\"'\\" else match[0]), text
    )
