"""Issues held against root causes: for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Callable, Collection

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..criteria.verdict import show
from ..model.noise import IssueTold, NoiseInfo
from .lines import printable

_HEAD = ("issue", "events", "title", "root causes", "wrong", "why")
_NUMBERS = 2
"""Columns that hold numbers; the others hold words."""
_MOST_SHOWN = 20
_MOST_CAUSES = 8
_MOST_TITLE = 80


def print_noise(info: NoiseInfo, console: Console) -> None:
    """Print how events were grouped, and a row for each issue, the worst first."""
    for line in lines_of(info):
        console.print(Text(printable(line)), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(_HEAD):
        table.add_column(name, justify="right" if number < _NUMBERS else "left", overflow="fold")
    foreign = {each.issue for each in info.foreign}
    for row in info.table[:_MOST_SHOWN]:
        table.add_row(*(Text(printable(cell)) for cell in _cells(row, "\n", foreign)))
    if table.row_count:
        console.print(table)


def noise_lines(info: NoiseInfo, row: Callable[..., str], cell: Callable[[str], str]) -> list[str]:
    """The same in Markdown; ``row`` and ``cell`` make text of the target harmless."""
    lines = ["", *(f"{cell(line)}  " for line in lines_of(info)), ""]
    foreign = {each.issue for each in info.foreign}
    if info.table:
        ruler = "|" + "---:|" * _NUMBERS + "---|" * (len(_HEAD) - _NUMBERS)
        lines += [
            row(*_HEAD),
            ruler,
            *(row(*_cells(each, "; ", foreign)) for each in info.table[:_MOST_SHOWN]),
            "",
        ]
    return lines


def lines_of(info: NoiseInfo) -> list[str]:
    """The account in sentences: what was grouped by what, and what is in no figure."""
    causes = sum(cause.events > 0 for cause in info.causes)
    precision, recall = (show(share, "ratio") for share in (info.precision, info.recall))
    lines = [
        f"noise: {info.events} events of {causes} root causes in {info.issues} issues, {show(info.reduction, 'ratio')} fewer; "
        f"pairwise precision {precision}, recall {recall}",
        f"grouped by {info.config}",
    ]
    if info.notified is not None:
        lines.append(
            f"{info.notifications} notifications were received: {show(info.notified, 'ratio')} of the events of faults"
        )
    if info.by_trace:
        lines.append(
            f"{info.by_trace} of them are of a fault by their request alone: the agent saw none in them"
        )
    if info.unlabelled:
        lines.append(
            f"{info.unlabelled} events more are of no fault, or of several at once, and are in no figure of noise"
        )
    lines += [
        f"{cause.name}: {cause.shared} of these may be of {', '.join(cause.shared_with[:_MOST_CAUSES])} just as well"
        for cause in info.causes[:_MOST_SHOWN]
        if cause.shared
    ]
    if len(info.table) > _MOST_SHOWN:
        lines.append(
            f"the worst {_MOST_SHOWN} of {info.issues} issues follow; {len(info.table)} are in run.json"
        )
    return lines


def _cells(row: IssueTold, between: str, foreign: Collection[int]) -> tuple[str, ...]:
    causes = [f"{count} {cause}" for cause, count in row.causes[:_MOST_CAUSES]]
    if len(row.causes) > _MOST_CAUSES:
        causes.append(f"{len(row.causes) - _MOST_CAUSES} more")
    if row.foreign:
        causes.append(f"{row.foreign} of no fault")
    wrong = [
        word
        for word, is_so in (
            ("merged", row.merged),
            ("split", bool(row.split)),
            ("foreign", row.number in foreign),
        )
        if is_so
    ]
    title = row.title if len(row.title) <= _MOST_TITLE else row.title[: _MOST_TITLE - 1] + "…"
    return (
        str(row.number),
        str(row.events),
        title,
        between.join(causes),
        " and ".join(wrong),
        between.join(row.because),
    )
