"""Title and culprit of an event, as Sentry shows them in its list of issues.

Sentry docs, "Issue Details", and "Event Payloads: transaction": the title is the type and the first line of the value of the
main exception, or the first line of the message; the culprit is the transaction, or else the function where it happened.
"""

from __future__ import annotations

from .facts import Facts, Frame, Problem
from .stack import Stack
from .stack_rules import family_of
from .variables import Subject

TITLE_LENGTH = 256
"""Characters of a message that fit into a title."""
CULPRIT_LENGTH = 200


def title_of(facts: Facts, main: Problem | None, subject: Subject) -> str:
    """``main`` is the exception the title speaks of: the one that was raised, unless a group stands for a single one."""
    if main is not None:
        if main.synthetic:
            frame = subject.crash
            return (frame.function if frame else None) or "<unknown>"
        name = (main.type or "Error")[:128]
        return f"{name}: {_first_line(main.value)}" if main.value and main.value.strip() else name
    if facts.message and facts.message.strip():
        return _first_line(facts.message)
    return "<unlabeled event>"


def culprit_of(facts: Facts, main: Stack | None) -> str:
    """What is to blame: ``transaction``, ``module in function`` of the newest in-app frame, or the URL."""
    named = facts.text("culprit") or facts.text("transaction")
    if named is None and main is not None:
        named = _of_stack(main, facts.platform)
    return _cut(named or facts.url or "", CULPRIT_LENGTH)


def _of_stack(stack: Stack, platform: str | None) -> str | None:
    default = None
    for frame, in_app in zip(reversed(stack.frames), reversed(stack.in_app), strict=True):
        if not in_app and default is not None:
            continue
        culprit = _of_frame(frame, frame.platform or platform)
        if in_app and culprit:
            return culprit
        default = default if default is not None else culprit
    return default


def _of_frame(frame: Frame, platform: str | None) -> str:
    function = frame.function or "?"
    family = family_of(platform)
    if family == "native":
        return function
    place = frame.module or frame.filename
    if not place:
        return ""
    return f"{function}({place})" if family == "javascript" else f"{place} in {function}"


def _first_line(text: str) -> str:
    return _cut(text[: TITLE_LENGTH * 8].strip().splitlines()[0], TITLE_LENGTH)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
