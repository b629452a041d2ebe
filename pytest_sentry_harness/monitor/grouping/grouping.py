"""From an event to the hashes of its group. Sentry docs, "Issue Grouping".

In this order: a checksum; a fingerprint, of a rule before that of the SDK; the stack trace with the types of the
exceptions; type and value of the exceptions; the message; a hash that all events share about which nothing is known.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ...model.monitored import Component, Data, Grouping
from .config import GroupingConfig
from .exceptions import taking_part
from .facts import Facts, Frames, Problem, Thread
from .fingerprint_rules import FingerprintRule
from .matchers import Things
from .naming import culprit_of, title_of
from .parameterise import for_grouping, parameterise
from .stack import Stack
from .variables import Subject, filled_in, resolved, variable_of

_HASH = re.compile(r"[0-9a-f]{32}")
_Name = Literal["app", "system"]
_BOTH: tuple[_Name, ...] = ("app", "system")
_FALLBACK = "nothing is known that could tell it from others"


@dataclass(frozen=True, slots=True)
class _Variant:
    """One way to group the event by default."""

    name: str
    values: tuple[str, ...]
    components: tuple[Component, ...]


def group(data: Data, config: GroupingConfig) -> Grouping:
    """The group of the event ``data``, under ``config``.

    Never raises for what ``data`` holds. Linear in the size of the event; an equal stack trace costs one lookup. Fingerprint
    rules cost as ``RuleIndex`` says.
    """
    event = _Event(Facts(data), config)
    checksum = event.facts.text("checksum")
    if checksum is not None:
        return event.by_checksum(checksum)
    rule = config.index.first_match(Things(event.facts, event.stacks))
    fingerprint = rule.fingerprint if rule else event.facts.fingerprint
    if fingerprint and [variable_of(part) for part in fingerprint] != ["default"]:
        return event.by_fingerprint(fingerprint, rule)
    return event.by_default(rule)


class _Event:
    """One event while it is grouped."""

    def __init__(self, facts: Facts, config: GroupingConfig) -> None:
        self.facts = facts
        self._config = config
        self._values: dict[str, str] = {}
        self._found: dict[int, Stack] = {}
        main_problem = facts.problems[-1] if facts.problems and facts.problems[-1].frames else None
        main_frames = facts.main_frames
        self._main = self._stack(main_frames, main_problem) if main_frames else None
        self._subject = Subject(facts, self._main)
        self._taking_part, self._main_problem = taking_part(facts.problems, self._likeness)

    def stacks(self) -> Sequence[Stack]:
        """Every stack trace of the event."""
        return [self._stack(frames, problem) for frames, problem in self.facts.stacks()]

    def by_checksum(self, checksum: str) -> Grouping:
        whole = _HASH.fullmatch(checksum) is not None
        why = "taken as it is" if whole else "hashed: it is not 32 hex digits"
        component = Component(
            what="fingerprint", text=checksum[:200], contributes=True, why=f"checksum, {why}"
        )
        return self._grouping([checksum if whole else _hash([checksum])], "checksum", (component,))

    def by_fingerprint(self, fingerprint: tuple[str, ...], rule: FingerprintRule | None) -> Grouping:
        parts = [self._part(part) for part in fingerprint]
        shown = [component for _, component in parts]
        if rule is not None:
            shown.insert(0, Component(what="rule", text=rule.text, contributes=True, why=f"line {rule.line}"))
        variants = self._defaults()
        if any(value is None for value, _ in parts):
            # Where the default stands, its own values stand; each variant has a hash of its own.
            values = [variant.values for variant in variants] or [()]
            hashes = [
                _hash(one for value, _ in parts for one in (own if value is None else (value,)))
                for own in values
            ]
            shown.extend(variants[0].components if variants else ())
        else:
            hashes = [_hash(value for value, _ in parts if value is not None)]
        name = "fingerprint-rule" if rule is not None else "custom-fingerprint"
        return self._grouping(hashes, name, tuple(shown), rule)

    def by_default(self, rule: FingerprintRule | None) -> Grouping:
        variants = self._defaults()
        if not variants:
            nothing = Component(what="message", text="", contributes=False, why=_FALLBACK)
            return self._grouping([_hash(())], "fallback", (nothing,), rule)
        hashes = [_hash(variant.values) for variant in variants]
        return self._grouping(hashes, variants[0].name, variants[0].components, rule)

    def _grouping(
        self,
        hashes: Iterable[str],
        variant: str,
        components: tuple[Component, ...],
        rule: FingerprintRule | None = None,
    ) -> Grouping:
        if rule is not None and rule.title is not None:
            title = filled_in(rule.title, self._subject)
        else:
            title = title_of(self.facts, self._main_problem, self._subject)
        return Grouping(
            hashes=tuple(dict.fromkeys(hashes)),
            variant=variant,
            title=title,
            culprit=culprit_of(self.facts, self._main),
            components=components,
        )

    def _part(self, part: str) -> tuple[str | None, Component]:
        """The value of one part of a fingerprint, None for the default; and how it came about."""
        name = variable_of(part)
        if name == "default":
            return None, Component(
                what="fingerprint", text=part, contributes=True, why="the default grouping"
            )
        if name is not None:
            value, why = resolved(name, self._subject), f"from {part}"
        elif part in self._texts():
            # An SDK that puts the text of the error into the fingerprint means the kind of error.
            value, why = parameterise(part), "the text of the event, parameterised"
        else:
            value, why = part, ""
        return value, Component(what="fingerprint", text=value[:200], contributes=True, why=why)

    def _texts(self) -> set[str | None]:
        facts = self.facts
        return {facts.message, facts.template, *(problem.value for problem in facts.problems)} - {None}

    def _defaults(self) -> list[_Variant]:
        """How the event is grouped without a fingerprint, what decides first; none when nothing is known of it."""
        facts = self.facts
        variants = self._of_exceptions()
        if not variants:
            variants = self._of_frames(_deciding_frames(facts.threads)) or self._of_frames(facts.frames)
        if not variants:
            variants = self._of_message()
        return variants

    def _of_exceptions(self) -> list[_Variant]:
        found = []
        for name in _BOTH:
            values: list[str] = []
            components: list[Component] = []
            has_stack = False
            for problem in self._taking_part:
                has_stack |= self._add(problem, name, values, components)
            found.append((has_stack, _Variant(name, tuple(values), tuple(components))))
        with_stack = [variant for has_stack, variant in found if has_stack]
        if with_stack:
            return with_stack
        variant = found[0][1]
        return [_Variant("exception", variant.values, variant.components)] if variant.values else []

    def _add(self, problem: Problem, name: _Name, values: list[str], components: list[Component]) -> bool:
        """Adds what one exception gives to a variant; whether it gives a stack trace."""
        side = getattr(self._stack(problem.frames, problem), name) if problem.frames else None
        if problem.type is not None:
            why = "made up by the SDK to get a stack trace" if problem.synthetic else ""
            components.append(Component(what="type", text=problem.type, contributes=not why, why=why))
            if not why:
                values.append(problem.type)
        by_stack = side is not None and side.contributes
        if problem.value is not None:
            if by_stack:
                why = "the stack trace takes precedence"
                components.append(
                    Component(what="value", text=problem.value[:200], contributes=False, why=why)
                )
            else:
                text = self._value(problem.value)
                why = "parameterised" if text != problem.value else ""
                components.append(Component(what="value", text=text[:200], contributes=bool(text), why=why))
                values.extend([text] if text else ())
        if side is not None:
            components.extend(side.components)
            values.extend(side.values)
        return by_stack

    def _of_frames(self, frames: Frames) -> list[_Variant]:
        if not frames:
            return []
        stack = self._stack(frames, None)
        sides = [("app", stack.app), ("system", stack.system)]
        return [_Variant(name, side.values, side.components) for name, side in sides if side.contributes]

    def _of_message(self) -> list[_Variant]:
        facts = self.facts
        raw = facts.template or facts.message
        text = self._value(raw) if raw else ""
        if not text:
            return []
        why = "the template of the message" if facts.template else ("parameterised" if text != raw else "")
        return [
            _Variant(
                "message", (text,), (Component(what="message", text=text[:500], contributes=True, why=why),)
            )
        ]

    def _stack(self, frames: Frames, problem: Problem | None) -> Stack:
        # By identity within one event: to look equal frames up, all of them must be hashed.
        found = self._found.get(id(frames))
        if found is None:
            found = self._found[id(frames)] = self._config.stacks.of(frames, self.facts.platform, problem)
        return found

    def _value(self, text: str) -> str:
        found = self._values.get(text)
        if found is None:
            found = self._values[text] = for_grouping(text)
        return found

    def _likeness(self, problem: Problem) -> Hashable:
        value = self._value(problem.value) if problem.value else ""
        if not problem.frames:
            return problem.type, value
        stack = self._stack(problem.frames, problem)
        return problem.type, value, stack.app.values, stack.system.values


def _deciding_frames(threads: tuple[Thread, ...]) -> Frames:
    """Of the one thread that crashed, of the one that was running, or of the only one."""
    for chosen in (
        [thread for thread in threads if thread.crashed],
        [thread for thread in threads if thread.current],
        threads,
    ):
        if len(chosen) == 1:
            return chosen[0].frames
    return ()


def _hash(values: Iterable[str]) -> str:
    return hashlib.md5("".join(values).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
