"""The compact notation of series, as promtool has it, and times such as ``1h30m``.

Values are separated by blanks; each stands for one step.

=========  =====================================================
``5``      5
``5x3``    5, and 5 again 3 times: 4 steps, as in promtool
``0+2x3``  0 2 4 6: 3 steps of +2 after the first
``9-3x2``  9 6 3
``_``      nothing; ``_x3`` nothing for 3 steps
=========  =====================================================
"""

from __future__ import annotations

import re

MOST_STEPS = 100_000
_ITEM = re.compile(
    r"(?P<first>\d+(?:\.\d+)?)(?:(?P<sign>[+-])(?P<step>\d+(?:\.\d+)?))?(?:x(?P<times>\d{1,6}))?"
)
_NOTHING = re.compile(r"_(?:x(?P<times>\d{1,6}))?")
_TIME = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|min|m|h|d|w))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min|m|h|d|w)")
_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


class SeriesError(ValueError):
    """The notation is not valid; the text says why, and what is allowed."""


def parse_series(text: str) -> tuple[float, ...]:
    """Values by step. Raises ``SeriesError``."""
    values: list[float] = []
    for item in text.split():
        nothing = _NOTHING.fullmatch(item)
        match = _ITEM.fullmatch(item)
        if nothing is not None:
            values += [0.0] * int(nothing["times"] or 1)
        elif match is not None and (match["step"] is None or match["times"] is not None):
            values += _expanded(item, match)
        else:
            raise SeriesError(f"{item!r} is no item of a series; write 5, 5x3, 0+2x10, 10-1x5, _ or _x3")
        if len(values) > MOST_STEPS:
            raise SeriesError(f"more than {MOST_STEPS} steps; take a longer interval")
    if not values:
        raise SeriesError("the series is empty; write such as 0 0 5x3")
    return tuple(values)


def _expanded(item: str, match: re.Match[str]) -> list[float]:
    first, step, times = float(match["first"]), float(match["step"] or 0), int(match["times"] or 0)
    if match["sign"] == "-":
        step = -step
    if first + step * times < 0:
        raise SeriesError(f"{item!r} goes below 0")
    if times > MOST_STEPS:
        raise SeriesError(f"{item!r} has more than {MOST_STEPS} steps")
    return [first + step * number for number in range(times + 1)]


def parse_time(text: str) -> float:
    """Seconds of ``90s``, ``3m``, ``1h30m``, ``0``. Raises ``SeriesError``: other numbers need a unit."""
    text = text.strip()
    if text == "0":
        return 0.0
    if not _TIME.fullmatch(text):
        raise SeriesError(f"{text!r} is not a time; write a number and a unit: 500ms, 90s, 3m, 1h30m, 2d")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def clock(seconds: float) -> str:
    """``5400`` as ``1h30m``."""
    rest, parts = round(seconds, 3), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        whole, rest = divmod(rest, size)
        if whole:
            parts.append(f"{whole:.0f}{unit}")
    if rest or not parts:
        parts.append(f"{round(rest, 3):g}s")
    return "".join(parts)
