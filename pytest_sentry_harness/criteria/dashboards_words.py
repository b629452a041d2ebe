"""Numbers of widgets, as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from .verdict import show


def number(value: float | None, unit: str) -> str:
    """A number of a widget with its unit; ``nothing`` when it shows none."""
    if value is None or not math.isfinite(value):
        return "nothing"
    if unit == "ratio":
        return show(value, "ratio")
    if unit == "milliseconds":
        return f"{value:.4g} ms"
    if unit in ("per minute", "per second"):
        return f"{value:.4g} {unit}"
    if unit == "seconds":
        # Since the epoch: what a function such as last_seen() gives.
        return (
            datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
            if abs(value) < 1e11
            else f"{value:.0f} s"
        )
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"
