"""The fingerprint rule that decides, found without asking every rule about every event.

What rules say of frames is kept, for each frame and for each stack trace; rules that ask for one type of exception by
its whole name are only asked about events that have it. Left to ask each time are rules without either.
"""

from __future__ import annotations

from collections.abc import Sequence

from .fingerprint_rules import FingerprintRule
from .matchers import AppFrame, Things
from .stack import KEPT_STACKS, Stack

KEPT_FRAMES = 20_000
"""Frames for which it is kept which rules they fit."""

_GLOB = frozenset("*?[]{}\\")
_Numbers = frozenset[int]
_NONE: _Numbers = frozenset()


class RuleIndex:
    """Rules, in their order."""

    def __init__(self, rules: Sequence[FingerprintRule]) -> None:
        self._rules = rules
        self._on_frames = [number for number, rule in enumerate(rules) if "frame" in rule.by_kind]
        self._by_type: dict[str, list[int]] = {}
        self._each_time: list[int] = []
        for number, rule in enumerate(rules):
            names = _types_asked_for(rule)
            if names:
                self._by_type.setdefault(names[0], []).append(number)
            elif "frame" not in rule.by_kind:
                self._each_time.append(number)
        self._of_frame: dict[AppFrame, _Numbers] = {}
        self._of_stack: dict[int, tuple[Stack, _Numbers]] = {}

    def first_match(self, things: Things) -> FingerprintRule | None:
        """The rule that decides about an event, if any."""
        if not self._rules:
            return None
        on_frames = self._fitting(things.stacks()) if self._on_frames else _NONE
        types = {problem.type for problem in things.of("exception")} if self._by_type else ()
        asked = {number for name in types if name for number in self._by_type.get(name, ())}
        for number in sorted({*self._each_time, *asked, *on_frames}):
            rule = self._rules[number]
            if "frame" in rule.by_kind and number not in on_frames:
                continue
            if rule.holds_outside_frames(things):
                return rule
        return None

    def _fitting(self, stacks: Sequence[Stack]) -> _Numbers:
        """The rules whose matchers of frames all hold for one frame."""
        found = [self._fitting_stack(stack) for stack in stacks]
        return found[0] if len(found) == 1 else _NONE.union(*found)

    def _fitting_stack(self, stack: Stack) -> _Numbers:
        # By identity: stacks are made once for equal frames. The stack is kept with it, so that its id stays its own.
        known = self._of_stack.get(id(stack))
        if known is not None:
            return known[1]
        found = _NONE.union(
            *map(self._fitting_frame, dict.fromkeys(zip(stack.frames, stack.in_app, strict=True)))
        )
        if len(self._of_stack) >= KEPT_STACKS:
            self._of_stack.clear()
        self._of_stack[id(stack)] = (stack, found)
        return found

    def _fitting_frame(self, frame: AppFrame) -> _Numbers:
        found = self._of_frame.get(frame)
        if found is None:
            found = frozenset(
                number for number in self._on_frames if self._rules[number].holds_for_frame(frame)
            )
            if len(self._of_frame) >= KEPT_FRAMES:
                self._of_frame.clear()
            self._of_frame[frame] = found
        return found


def _types_asked_for(rule: FingerprintRule) -> list[str]:
    """Types without which the rule cannot match."""
    return [
        one.pattern
        for one in rule.by_kind.get("exception", ())
        if one.name in ("error.type", "type") and not one.negated and not _GLOB & set(one.pattern)
    ]
