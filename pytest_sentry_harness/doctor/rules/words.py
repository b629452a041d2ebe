"""Wording that rules share."""

from __future__ import annotations

import re

from ...report.lines import short_path
from ..evidence import Evidence, Lost

_PLACE = re.compile(r"\((/[^():]+):(\d+)\)")


def seen_at(place: str) -> str:
    """A place for people: relative to the working directory when it lies below it."""
    path, colon, line = place.rpartition(":")
    return f"{short_path(path)}{colon}{line}" if colon else place or "an unknown place"


def shortened(text: str) -> str:
    """``text`` with the places in it, such as ``(file:line)``, relative to the working directory."""
    return _PLACE.sub(lambda found: f"({short_path(found[1])}:{found[2]})", text)


def in_force(evidence: Evidence) -> str:
    """Where the options judged come from."""
    init = evidence.init
    if init is None or not init.place:
        return "read from the client in force"
    return f"read from the client in force after {seen_at(init.place)}"


def version_of(text: str) -> tuple[int, ...]:
    """``2.75.0`` as numbers; empty when it is not one."""
    numbers = []
    for part in text.split(".")[:2]:
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def probes_lost(lost: tuple[Lost, ...]) -> str:
    """``3 probes: before_send=app.scrub at app.py:3``."""
    return "; ".join(
        f"{each.count} probe{'s' if each.count > 1 else ''}"
        + (f": {each.culprit}" if each.culprit else "")
        + (f" at {seen_at(each.place)}" if each.place else "")
        for each in lost
    )
