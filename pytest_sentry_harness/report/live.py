"""A run that goes on, in words: for a panel, for a web page, and for one line of a log."""

from __future__ import annotations

from ..model.live import Live
from .lines import printable

MOST_LOSSES = 8
"""Reasons shown one by one."""


def live_rows(live: Live, most: int = MOST_LOSSES) -> list[tuple[str, str]]:
    """Figures and their values, in the order in which they are shown. Nothing in them can steer a terminal."""
    rows = [
        ("requests", f"{live.requests} sent, {live.request_rate:.1f} a second"),
        ("latency", _latency(live)),
        ("faults", f"{live.fired} fired, {live.fired_rate:.1f} a second"),
        ("captured", f"{live.captured} of {live.expected}{_share(live)}"),
        ("on their way", str(live.outstanding)),
        ("overdue", str(live.overdue)),
        ("lost", str(live.lost)),
    ]
    rows += [(f"lost: {_line(reason)}", str(count)) for reason, count in live.losses[:most]]
    further = live.losses[most:]
    if further:
        total = sum(count for _, count in further)
        rows.append((f"lost: {len(further)} further reasons", str(total)))
    if live.behind:
        rows.append(("behind", "more comes in than is shown at once"))
    if live.unreadable:
        rows.append(("unreadable", f"{live.unreadable} times something could not be read"))
    return rows


def live_line(live: Live) -> str:
    """The same in one line."""
    parts = [
        f"{live.request_rate:.1f} requests/s",
        f"latency {_latency(live)}",
        f"{live.fired} faults ({live.fired_rate:.1f}/s)",
        f"{live.captured} of {live.expected} captured{_share(live)}",
        f"{live.outstanding} on their way",
    ]
    if live.overdue:
        parts.append(f"{live.overdue} overdue")
    parts += [f"{count} lost: {_line(reason)}" for reason, count in live.losses[:2]]
    if live.losses[2:]:
        parts.append(f"{sum(count for _, count in live.losses[2:])} lost for other reasons")
    return ", ".join(parts)


def _share(live: Live) -> str:
    settled = live.captured + live.lost + live.overdue
    # In whole per mille, rounded down: 999 of 1000 must not look like all.
    return f" ({live.captured * 1000 // settled / 10:.1f} % of those settled)" if settled else ""


def _latency(live: Live) -> str:
    if live.latency_p50 is None or live.latency_p95 is None:
        return "not known yet"
    return f"p50 {_milliseconds(live.latency_p50)}, p95 {_milliseconds(live.latency_p95)}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"


def _line(text: str) -> str:
    return printable(text).replace("\n", " ").replace("\t", " ")
