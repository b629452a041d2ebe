"""From the frames of a stack trace to what is hashed of them. Sentry docs, "Issue Grouping: Grouping by Stack Trace".

A frame is its module, or else the lower-cased base name of its file; its function; and, for languages whose source
is known, the line of code with its white space evened out, unless it is longer than 120 characters. Line numbers never
count. A frame that repeats the one before it exactly, line number included, is recursion and is skipped.

Two variants are made: ``app`` of the frames that belong to the application, ``system`` of all.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

from ...model.monitored import Component
from .facts import Frame, Frames, Problem
from .stack_rules import Ruled, StackRules, family_of

LONGEST_LINE = 120
"""Characters of a line of source that still counts."""
KEPT_STACKS = 512
"""Stack traces whose result is kept: the same place in the code sends the same frames again and again."""

_WITH_SOURCE = frozenset({"javascript", "node", "python", "php", "ruby"})
_SEPARATOR = re.compile(r"[/\\]")
_SPAWN = "from multiprocessing.spawn import spawn_main; spawn_main("
_DIGITS = re.compile(r"\d+")
_ANONYMOUS = frozenset({"?", "<anonymous function>", "<anonymous>", "Anonymous function"})
_NO_CODE = frozenset({"[native code]", "native code", "eval code", "<anonymous>"})
_NOT_IN_APP = "not in-app"


@dataclass(frozen=True, slots=True)
class Side:
    """One variant of a stack trace."""

    values: tuple[str, ...]
    """What is hashed; empty when the variant does not take part."""
    components: tuple[Component, ...]
    """All frames, oldest first."""

    @property
    def contributes(self) -> bool:
        """Some frame takes part."""
        return bool(self.values)


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack trace with its rules applied."""

    frames: Frames
    in_app: tuple[bool, ...]
    app: Side
    system: Side


class Stacks:
    """Makes ``Stack`` of frames, once for equal frames."""

    def __init__(self, rules: StackRules) -> None:
        self._rules = rules
        self._kept: OrderedDict[tuple[object, ...], Stack] = OrderedDict()

    def of(self, frames: Frames, platform: str | None, problem: Problem | None) -> Stack:
        """Linear in the number of frames; a lookup when the same frames were seen before."""
        about = (
            (problem.type, problem.value, problem.mechanism)
            if problem and self._rules.about_exception
            else None
        )
        key = (frames, platform, about)
        found = self._kept.get(key)
        if found is None:
            found = self._made(frames, platform, problem)
            self._kept[key] = found
            if len(self._kept) > KEPT_STACKS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return found

    def _made(self, frames: Frames, platform: str | None, problem: Problem | None) -> Stack:
        in_app, matched = self._rules.in_app(frames, platform, problem)
        values = [_values(frame, frame.platform or platform) for frame in frames]
        reasons = [_ignored(frames, index, platform, bool(values[index])) for index in range(len(frames))]
        system = self._rules.ruled(matched, problem, [not reason for reason in reasons])
        candidates = [own and not reason for own, reason in zip(in_app, reasons, strict=True)]
        app = self._rules.ruled(matched, problem, candidates)
        texts = [_text(frame) for frame in frames]
        return Stack(
            frames,
            tuple(in_app),
            _side(texts, values, reasons, app, in_app),
            _side(texts, values, reasons, system, None),
        )


def _side(
    texts: list[str],
    values: list[tuple[str, ...]],
    reasons: list[str],
    ruled: Ruled,
    in_app: list[bool] | None,
) -> Side:
    """``in_app`` is given for the variant of which frames outside of the application are never part."""
    found: list[tuple[str, ...]] = []
    components = []
    for index, text in enumerate(texts):
        outside = in_app is not None and not in_app[index]
        contributes = ruled.contributes[index] and not outside and bool(values[index])
        why = ruled.why[index] or reasons[index] or (_NOT_IN_APP if outside else "")
        if contributes and ruled.all_ignored:
            contributes, why = False, ruled.all_ignored
        if contributes:
            found.append(values[index])
        components.append(Component(what="frame", text=text, contributes=contributes, why=why))
    if ruled.inverted:
        found.reverse()
    return Side(tuple(value for frame in found for value in frame), tuple(components))


def _values(frame: Frame, platform: str | None) -> tuple[str, ...]:
    place = frame.module or _file(frame)
    line = _line(frame, platform)
    return tuple(value for value in (place, _function(frame, platform), line) if value)


def _file(frame: Frame) -> str | None:
    if frame.filename is None or _is_url(frame.abs_path):
        return None
    name = _SEPARATOR.split(frame.filename)[-1].lower()
    return None if name in ("<anonymous>", "[native code]") else name


def _function(frame: Frame, platform: str | None) -> str | None:
    if frame.function is None or family_of(platform) != "javascript":
        return frame.function
    # Browsers do not agree whether a method is called ``Order.save`` or ``save``.
    name = frame.function.rsplit(".", 1)[-1]
    return None if name in _ANONYMOUS or name.endswith("/<") else name


def _line(frame: Frame, platform: str | None) -> str | None:
    if frame.context_line is None or platform not in _WITH_SOURCE or len(frame.context_line) > LONGEST_LINE:
        return None
    if family_of(platform) == "javascript" and not frame.function and _is_url(frame.abs_path):
        return None
    line = " ".join(frame.context_line.split())
    # The handles in it differ from process to process.
    return _DIGITS.sub("<int>", line) if line.startswith(_SPAWN) else line or None


def _is_url(path: str | None) -> bool:
    return path is not None and path.startswith(("http:", "https:", "applewebdata:", "blob:", "file:"))


def _ignored(frames: Frames, index: int, platform: str | None, has_values: bool) -> str:
    """Why a frame does not take part before any rule was asked, or nothing."""
    frame = frames[index]
    if index and _same_call(frame, frames[index - 1]):
        return "recursion: the same as the frame before"
    if not has_values:
        return "nothing is known of it"
    if family_of(frame.platform or platform) == "javascript":
        called = (frame.function or "").rsplit(".", 1)[-1]
        if called == "eval" or frame.abs_path in _NO_CODE:
            return "a frame of low quality"
    return ""


def _same_call(frame: Frame, before: Frame) -> bool:
    return (
        frame.lineno == before.lineno
        and frame.function == before.function
        and frame.module == before.module
        and frame.filename == before.filename
        and frame.abs_path == before.abs_path
        and frame.package == before.package
        and frame.colno == before.colno
    )


def _text(frame: Frame) -> str:
    """``shop.orders in save: raise Full()``, for people."""
    text = f"{frame.module or frame.filename or '?'} in {frame.function or '?'}"
    line = " ".join(frame.context_line[:LONGEST_LINE].split()) if frame.context_line else ""
    return f"{text}: {line}" if line else text
