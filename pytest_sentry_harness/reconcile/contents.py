"""Whether the exceptions in an event are the injected one: by type and message, as far as those survive. Pure."""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = "\x1f"
"""Between the values of one event's exceptions, in the column ``texts``."""
_MOST_TEXT = 200
_LEAST_PREFIX = 8
_CUT = "..."
"""With this the SDK ends a value it cut off."""
_HOSTILE = "<str() raised "
"""So the ledger writes down the message of an exception that gives none."""


def texts_of(values: Iterable[str]) -> str:
    """The column ``texts``: the beginning of each value."""
    return SEPARATOR.join(
        value if len(value) <= _MOST_TEXT else value[:_MOST_TEXT] + _CUT for value in values
    )


def holds(exception: str | None, message: str | None, names: str | None, texts: str | None) -> bool:
    """Whether the event may hold the injected exception: its type is there, or else its message.

    ``names`` and ``texts`` are columns of ``arrival``. Lenient: hooks rename types and shorten messages.
    """
    if exception is None or exception == names:  # nearly always, and there may be a million
        return True
    wanted = _last(exception)
    if names and any(_last(name) == wanted for name in names.split("\n")):
        return True
    if not names and not texts:
        return False
    if message is not None and message.startswith(_HOSTILE):
        return True  # nothing to compare with
    return bool(message) and any(
        _same_text(message or "", text) or (message or "")[:_MOST_TEXT] in text
        for text in (texts or "").split(SEPARATOR)
    )


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
