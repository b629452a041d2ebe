"""Objectives held against a run: for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..criteria.objectives import burn_line, joined_line, pattern_line
from ..criteria.verdict import show
from ..model.objectives import ObjectivesInfo, ObjectiveTold, Side
from .lines import printable

_HEAD = ("objective", "by", "requests", "bad", "good", "95 % bounds", "shall be", "budget left", "")
_RIGHT = ("requests", "bad", "good", "shall be", "budget left")
_MOST_SHOWN = 20


def print_objectives(info: ObjectivesInfo, console: Console) -> None:
    """Print two rows for each objective, what was and what Sentry shows, and what lies behind them."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in _HEAD:
        table.add_column(name, justify="right" if name in _RIGHT else "left", overflow="fold")
    for told in info.objectives[:_MOST_SHOWN]:
        for cells in _rows(told):
            table.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(table)
    for line in _lines(info):
        console.print(Text(printable(line)), soft_wrap=True)


def objectives_lines(info: ObjectivesInfo, row: Callable[..., str], cell: Callable[[str], str]) -> list[str]:
    """The same in Markdown; ``row`` and ``cell`` make text of the target harmless."""
    ruler = "|" + "|".join("---:" if name in _RIGHT else "---" for name in _HEAD) + "|"
    rows = [row(*cells) for told in info.objectives[:_MOST_SHOWN] for cells in _rows(told)]
    return ["", row(*_HEAD), ruler, *rows, "", *(f"{cell(line)}  " for line in _lines(info)), ""]


def _rows(told: ObjectiveTold) -> list[tuple[str, ...]]:
    target = show(told.target, "ratio")
    if told.threshold is not None:
        target += f" below {show(told.threshold, 'seconds')}"
    rows = []
    if told.known is not None:
        rows.append((told.name, "load generator", *_cells(told, told.known, target)))
    sentry = "Sentry" if told.by == "transactions" else f"Sentry ({told.by})"
    rows.append(("" if rows else told.name, sentry, *_cells(told, told.seen, target)))
    return rows


def _cells(told: ObjectiveTold, side: Side, target: str) -> tuple[str, ...]:
    if side.share is None:
        return (str(side.requests), str(side.bad), "-", "", target, "-", side.state)
    bounds = f"{100 * side.low:.4g} … {100 * side.high:.4g} %"
    return (
        str(side.requests),
        str(side.bad),
        show(side.share, "ratio"),
        bounds,
        target,
        f"{100 * (side.budget or 0.0):.3g} %",
        side.state,
    )


def _lines(info: ObjectivesInfo) -> list[str]:
    lines = []
    for told in info.objectives[:_MOST_SHOWN]:
        lines += [f"{told.name}: {line}" for line in _of(told)]
    if len(info.objectives) > _MOST_SHOWN:
        lines.append(f"{len(info.objectives) - _MOST_SHOWN} more objectives are in run.json")
    if info.dropped:
        dropped = ", ".join(f"{count} {reason}" for reason, count in info.dropped)
        lines.append(f"transactions that the SDK says it dropped: {dropped}")
    return lines


def _of(told: ObjectiveTold) -> list[str]:
    """What lies behind one objective; nothing where all is well."""
    lines = [f"doubt: {each}" for each in told.doubts]
    for of, side in (("", told.known), ("in Sentry ", told.seen)):
        if side is not None:
            lines += [f"{of}{burn_line(burn)}" for burn in side.burns if burn.fired]
    lines += [
        f"{burn.name} cannot fire: above {burn.burn:.3g}, and when every request is bad it is {1 / (1 - told.target):.3g}"
        for burn in told.judged.burns
        if burn.never
    ]
    if told.off:
        line = joined_line(told)
        lines.append(f"Sentry is off by {show(told.off, 'ratio')}{': ' if line else ''}{line}")
    side = told.judged
    if side.bad:
        lines.append(f"{told.bad_with_error} of {side.bad} bad requests have an error event")
        lines += [f"stands out: {pattern_line(pattern)}" for pattern in told.patterns]
        if not told.patterns:
            lines.append("nothing stands out of the bad requests")
    elif side.share is not None:
        few = needed(told.target)
        if side.requests < few:
            lines.append(
                f"none of {side.requests} requests was bad, which proves {show(side.low, 'ratio')}; {few} would prove the target"
            )
    return lines


def needed(target: float) -> int:
    """So many requests without a bad one prove ``target``, with 95 % confidence: n = z² target / (1 - target), Wilson's bound."""
    z = 1.959963984540054
    return int(z * z * target / (1 - target) + 0.999999)
