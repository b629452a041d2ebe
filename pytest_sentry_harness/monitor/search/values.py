"""Values of a search: patterns, numbers, durations, percentages, booleans and times. Sentry docs, "Search"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from ...protocol.event_fields import seconds_of

_NUMBER = re.compile(r"(-?\d+(?:\.\d*)?)([kmb]?)")
_DURATION = re.compile(r"(\d+(?:\.\d*)?)(ms|s|min|m|hr|h|day|d|wk|w)")
_PERCENTAGE = re.compile(r"(\d+(?:\.\d*)?)%")
_RELATIVE = re.compile(r"([+-])(\d+)([mhdw])")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})?")
_FACTORS = {"": 1, "k": 1e3, "m": 1e6, "b": 1e9}
_MILLISECONDS = {
    "ms": 1.0,
    "s": 1e3,
    "m": 6e4,
    "min": 6e4,
    "h": 3.6e6,
    "hr": 3.6e6,
    "d": 8.64e7,
    "day": 8.64e7,
    "w": 6.048e8,
    "wk": 6.048e8,
}
_STEPS = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_WILDCARD = re.compile(r"(?<!\\)(?:\\\\)*\*")
_PIECES = re.compile(r"\\(.)|(\*)|([^\\*]+|\\)", re.DOTALL)
DAY = 86400.0
# A moment without a comparison is taken as the minutes around it: hardly any event is that exact.
AROUND = (-300.0, 360.0)

HINTS = {
    "number": "write a number, such as 5, 1.5 or 10k",
    "duration": "write a number and a unit: 250ms, 1.5s, 2min, 1h, 1d, 1w; a number alone is in milliseconds",
    "boolean": "write true, false, 1 or 0",
    "date": "write 2023-09-28, 2023-09-28T00:00:00+00:00, or a time before now as in -24h (newer) and +24h (older)",
    "percentage": "write a number between 0 and 1, or a percentage such as 5%",
}


def number_value(text: str) -> float | None:
    """``5``, ``-1.5``, ``10k``; None for anything else."""
    match = _NUMBER.fullmatch(text)
    return float(match[1]) * _FACTORS[match[2]] if match else None


def duration_value(text: str) -> float | None:
    """Milliseconds of ``5s`` or ``250``; None for anything else."""
    match = _DURATION.fullmatch(text)
    return float(match[1]) * _MILLISECONDS[match[2]] if match else number_value(text)


def percentage_value(text: str) -> float | None:
    """The share of ``5%`` or ``0.05``; None for anything else."""
    match = _PERCENTAGE.fullmatch(text)
    return float(match[1]) / 100 if match else number_value(text)


def boolean_value(text: str) -> bool | None:
    """``true``, ``1``, ``false``, ``0``; None for anything else."""
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())


def relative_value(text: str) -> tuple[bool, float] | None:
    """``-24h``: newer than, seconds before now; ``+24h``: older than. None for anything else."""
    match = _RELATIVE.fullmatch(text)
    if match is None or len(match[2]) > 9:
        return None
    return match[1] == "-", int(match[2]) * _STEPS[match[3]]


def date_value(text: str) -> tuple[float, float, float] | None:
    """A time in seconds since the epoch, and from when to when it is meant without a comparison; None for anything else."""
    if _DATE.fullmatch(text):
        try:
            start = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        except ValueError:
            return None
        return start, start, start + DAY
    seconds = seconds_of(text, "", []) if _MOMENT.fullmatch(text) else None
    return None if seconds is None else (seconds, seconds + AROUND[0], seconds + AROUND[1])


def has_wildcard(text: str) -> bool:
    r"""Whether there is a ``*`` that no backslash takes the meaning of."""
    return _WILDCARD.search(text) is not None


def unescaped(text: str) -> str:
    r"""``\*`` as a plain asterisk."""
    return text.replace("\\*", "*")


def pattern(text: str) -> Callable[[str], bool]:
    """Whether a text matches ``text``, where ``*`` stands for anything; capitals do not matter.

    Pieces between asterisks are searched one after the other: the time is linear in the text for each piece,
    however many asterisks there are.
    """
    pieces = [""]
    for match in _PIECES.finditer(text):
        if match[2]:
            pieces.append("")
        else:
            pieces[-1] += (match[1] or match[3]).lower()
    head, tail, middle = pieces[0], pieces[-1], [piece for piece in pieces[1:-1] if piece]

    def matches(found: str) -> bool:
        low = found.lower()
        if len(low) < len(head) + len(tail) or not low.startswith(head) or not low.endswith(tail):
            return False
        at, end = len(head), len(low) - len(tail)
        for piece in middle:
            at = low.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True

    return matches


def version_key(text: str) -> tuple[tuple[int, ...], int, str]:
    """A key by which versions such as ``1.10.0-rc1`` are ordered: a pre-release before its release."""
    version = text.rpartition("@")[2].partition("+")[0]
    numbers, _, pre = version.partition("-")
    parts = [int(part) if part.isdecimal() and len(part) < 18 else 0 for part in numbers.split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts), 0 if pre else 1, pre
