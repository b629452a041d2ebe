"""The grid of a dashboard: six columns, any number of rows. Sentry API reference, ``layout`` of a widget."""

from __future__ import annotations

from collections.abc import Sequence

from .keys import Keys
from .model import COLUMNS, Layout, Widget


def layout_of(keys: Keys) -> Layout | None:
    """The ``layout`` of a widget. Raises ``RulesError`` for a place outside of the grid."""
    content = keys.mapping("layout")
    if content is None:
        return None
    place = Keys(content, keys.name, f"{keys.path}.layout")
    x, y = place.whole("x", 0, COLUMNS - 1), place.whole("y", 0, None)
    w, h = place.whole("w", 1, COLUMNS), place.whole("h", 1, None)
    least = place.whole("minH", 1, None)
    place.rest(())
    missing = [
        name for name, value in (("x", x), ("y", y), ("w", w), ("h", h), ("minH", least)) if value is None
    ]
    if missing or x is None or y is None or w is None or h is None or least is None:
        place.refuse("", f"{', '.join(missing)} missing", "a layout has x, y, w, h and minH")
    if x + w > COLUMNS:
        place.refuse(
            "w", f"x {x} and w {w} reach beyond the {COLUMNS} columns", f"use w of {COLUMNS - x} or less"
        )
    return Layout(x=x, y=y, w=w, h=h, min_h=least)


def overlaps(widget: Widget, others: Sequence[Widget]) -> int | None:
    """Index of the first of ``others`` that shares a cell with ``widget``; None when none does. O(others)."""
    own = widget.layout
    if own is None:
        return None
    for index, other in enumerate(others):
        place = other.layout
        if (
            place is not None
            and own.x < place.x + place.w
            and place.x < own.x + own.w
            and own.y < place.y + place.h
            and place.y < own.y + own.h
        ):
            return index
    return None


def placed(sizes: Sequence[tuple[int, int]]) -> list[Layout]:
    """Places for widgets of ``(columns, rows)``, from left to right and top to bottom."""
    found: list[Layout] = []
    x = y = tallest = 0
    for w, h in sizes:
        if x + w > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        found.append(Layout(x=x, y=y, w=w, h=h, min_h=min(h, 2)))
        x, tallest = x + w, max(tallest, h)
    return found
