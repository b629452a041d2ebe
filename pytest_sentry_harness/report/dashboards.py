"""Widgets, what they show and what is known of it: for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..criteria.dashboards_words import number
from ..criteria.verdict import show
from ..model.dashboards import DashboardsInfo, Held, WidgetTold
from .lines import printable

_HEAD = ("widget", "status", "shows", "known", "why")
_MOST_SHOWN = 60
_MOST_NUMBERS = 3
_MOST_NAME = 40
_MOST_SENTENCES = 3
_MOST_SENTENCE = 300
_MOST_NOTES = 10
_MOST_GROUP = 60
_MOST_ROW = 120


def print_dashboards(info: DashboardsInfo, console: Console) -> None:
    """Print how many widgets are well, and a row for each, the worst first."""
    for line in lines_of(info):
        console.print(Text(printable(line)), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in _HEAD:
        table.add_column(name, overflow="fold")
    for widget in info.widgets[:_MOST_SHOWN]:
        table.add_row(*(Text(printable(cell)) for cell in _cells(widget, "\n")))
    if table.row_count:
        console.print(table)


def dashboards_lines(info: DashboardsInfo, row: Callable[..., str], cell: Callable[[str], str]) -> list[str]:
    """The same in Markdown; ``row`` and ``cell`` make text of the target harmless."""
    lines = ["", *(f"{cell(line)}  " for line in lines_of(info)), ""]
    if info.widgets:
        shown = info.widgets[:_MOST_SHOWN]
        lines += [row(*_HEAD), "|---" * len(_HEAD) + "|", *(row(*_cells(each, "; ")) for each in shown), ""]
    return lines


def lines_of(info: DashboardsInfo) -> list[str]:
    """The account in sentences: how many widgets there are of each sort, and how far they are behind."""
    counts = [f"{count} {status.replace('_', ' ')}" for status, count in info.statuses.items() if count]
    total = sum(info.statuses.values())
    behind = (
        "none shows anything" if info.behind is None else f"at most {show(info.behind, 'seconds')} behind"
    )
    rows = ", ".join(f"{count} {kind} rows" for kind, count in info.rows.items())
    lines = [
        f"dashboards: {total} widgets of {len(info.dashboards)} dashboards = {' + '.join(counts) or 'nothing'}; "
        f"{info.compared} held against the ledger; {behind}; over {rows or 'nothing'}"
    ]
    if total > _MOST_SHOWN:
        lines.append(
            f"the worst {_MOST_SHOWN} of {total} widgets follow; {len(info.widgets)} are in run.json"
        )
    lines += [f"! {note}" for note in info.notes[:_MOST_NOTES]]
    return lines


def _cells(widget: WidgetTold, between: str) -> tuple[str, ...]:
    shown = [_shown(each.group, each.aggregate, each.shown, each.unit) for each in widget.held]
    if not shown:
        shown = [
            _shown(each.group, each.aggregate, each.value, each.unit) for each in widget.shown[:_MOST_NUMBERS]
        ]
        if len(widget.shown) > _MOST_NUMBERS:
            shown.append("…")
    if widget.matched and not widget.held and not any(each.aggregate for each in widget.shown):
        shown = [f"{widget.matched} rows", *(f"the first: {each}" for each in shown)]
    because = [*widget.because[:_MOST_SENTENCES], *(f"doubt: {each}" for each in widget.doubts[:1])]
    status = widget.status.replace("_", " ") + (
        f": {widget.reason.replace('_', ' ')}" if widget.reason else ""
    )
    return (
        f"{widget.dashboard} / {widget.title}",
        status,
        between.join(shown),
        between.join(map(_known, widget.held)),
        between.join(_short(each, _MOST_SENTENCE) for each in because),
    )


def _shown(group: str, aggregate: str, value: float | None, unit: str) -> str:
    if not aggregate:
        return _short(group, _MOST_ROW)
    name = _short(aggregate.removeprefix("equation|"), _MOST_NAME)
    return f"{f'{_short(group, _MOST_GROUP)}: ' if group else ''}{name} {number(value, unit)}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _known(held: Held) -> str:
    group = f"{_short(held.group, _MOST_GROUP)}: " if held.group else ""
    within = f" ± {held.within}" if held.within else ""
    return f"{group}{number(held.known, held.unit)}{within} ({held.source})"
