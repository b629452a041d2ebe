"""Whether the exceptions in an event are the injected one: by type and message, as far as those survive. Pure."""

from __future__ import annotations

from collections.abc import Sequence

SEPARATOR = "\x1f"
"""Between the values of one event's exceptions, in the column ``texts``."""
_MOST_TEXT = 200
_LEAST_PREFIX = 8
_CUT = "..."
"""With this the SDK ends a value it cut off."""
_HOSTILE = "<str() raised "
"""So the ledger writes down the message of an exception that gives none."""


def names_of(exceptions: Sequence[tuple[str, str]]) -> str:
    """The column ``exceptions``: the type of each ``(type, value)``."""
    if len(exceptions) == 1:  # nearly always, and there may be a million
        return exceptions[0][0]
    return "\n".join([name for name, _ in exceptions])


def texts_of(exceptions: Sequence[tuple[str, str]]) -> str:
    """The column ``texts``: the beginning of the value of each ``(type, value)``."""
    if len(exceptions) == 1 and len(exceptions[0][1]) <= _MOST_TEXT:
        return exceptions[0][1]
    return SEPARATOR.join(
        [value if len(value) <= _MOST_TEXT else value[:_MOST_TEXT] + _CUT for _, value in exceptions]
    )


def holds(exception: str | None, message: str | None, names: str | None, texts: str | None) -> bool:
    """Whether the event may hold the injected exception: its type is there, or else its message.

    ``names`` and ``texts`` are columns of ``arrival``. Lenient: hooks rename types and shorten messages.
    """
    if exception is None or has_type(exception, names):
        return True
    if not names and not texts:
        return False
    if message is not None and message.startswith(_HOSTILE):
        return True  # nothing to compare with
    return bool(message) and any(
        _same_text(message or "", text) or (message or "")[:_MOST_TEXT] in text
        for text in (texts or "").split(SEPARATOR)
    )


def has_type(exception: str | None, names: str | None) -> bool:
    """Whether one of the event's exceptions is of the type of the injected one, if that is known."""
    if exception is None or exception == names:
        return True
    wanted = _last(exception)
    return bool(names) and any(_last(name) == wanted for name in (names or "").split("\n"))


def is_copy(exception: str, message: str | None, names: str, texts: str) -> bool:
    """Whether one of the event's exceptions has both the type and the message of the injected one."""
    if message is None or message.startswith(_HOSTILE):
        return False
    wanted = _last(exception)
    pairs = zip(names.split("\n"), texts.split(SEPARATOR), strict=False)
    return any(_last(name) == wanted and _same_text(message, text) for name, text in pairs)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _same_text(message: str, text: str) -> bool:
    if message == text:
        return True
    begun = text.removesuffix(_CUT)
    return begun != text and len(begun) >= _LEAST_PREFIX and message.startswith(begun)
