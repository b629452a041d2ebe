"""The breakdown of Sentry's cost as tables: for the terminal and for Markdown."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..model.cost import Bounded, CostTable, KindCost, OptionCost
from .lines import printable

_HEAD = ("toggled", "CPU per request, µs", "of the request")
_MOST_DOUBTS = 6


def print_cost(table: CostTable, console: Console) -> None:
    """Print one table for each kind of request."""
    for kind in table.kinds:
        shown = Table(
            title=Text(printable(title(kind))), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
        )
        for number, name in enumerate(_HEAD):
            shown.add_column(name, justify="right" if number else "left", no_wrap=True)
        for row in rows(kind):
            shown.add_row(*(Text(printable(cell)) for cell in row))
        console.print(shown)
    for name, advice in advices(table):
        console.print(Text.assemble((printable(name), "bold"), printable(f": {advice}")), soft_wrap=True)
    for line in notes(table):
        console.print(Text(printable(line), "dim"), soft_wrap=True)


def cost_markdown(table: CostTable) -> str:
    """The same as Markdown."""
    lines: list[str] = []
    for kind in table.kinds:
        lines += ["", f"**{_cell(title(kind))}**", "", _row(_HEAD), "|---|---:|---:|"]
        lines += [_row(row) for row in rows(kind)]
    lines += ["", *(f"- **{_cell(name)}**: {_cell(advice)}" for name, advice in advices(table))]
    return "\n".join([*lines, "", *(f"- {_cell(line)}" for line in notes(table)), ""]).lstrip("\n")


def title(kind: KindCost) -> str:
    """What the request is, and costs by itself."""
    return f"{kind.kind}: {kind.without * 1e6:,.0f} µs of CPU without Sentry".replace(",", " ")


def rows(kind: KindCost) -> list[tuple[str, str, str]]:
    """The cells: first Sentry as configured, then what toggling each option changes, dearest first."""
    return [_cells(each) for each in (kind.configured, *kind.options)]


def notes(table: CostTable) -> list[str]:
    """How it was measured, and what is doubtful."""
    requests = sum(kind.requests for kind in table.kinds)
    how = (
        f"{table.launches} launches of all arms side by side, {requests} requests measured in each arm, "
        f"{table.seconds:.0f} s; {table.how}; {table.stopped}"
    )
    return [
        how,
        "first row: against no Sentry; others: against Sentry as configured; in brackets: 95 % interval of the mean over "
        "launches; ~ when it holds zero",
        *table.doubts[:_MOST_DOUBTS],
        *(
            [f"and {len(table.doubts) - _MOST_DOUBTS} more of the kind"]
            if len(table.doubts) > _MOST_DOUBTS
            else []
        ),
    ]


def advices(table: CostTable) -> list[tuple[str, str]]:
    """What to do about each option, those first that cost or save the largest share of any kind of request."""
    weights: dict[tuple[str, str], float] = {}
    for kind in table.kinds:
        for each in kind.options:
            if each.advice:
                key = each.option, each.advice
                weights[key] = max(weights.get(key, 0.0), abs(each.share.value))
    return sorted(weights, key=lambda key: -weights[key])


def _cells(cost: OptionCost) -> tuple[str, str, str]:
    mark = "" if cost.cpu.told_apart else "~ "
    return (
        cost.option,
        mark + _bounds(cost.cpu, 1e6, "{:+,.0f}"),
        _bounds(cost.share, 100, "{:+.1f}") + " %",
    )


def _bounds(value: Bounded, factor: float, form: str) -> str:
    def show(number: float) -> str:
        return form.format(number * factor).replace(",", " ")

    if value.low is None or value.high is None:
        return show(value.value)
    return f"{show(value.value)} [{show(value.low)}, {show(value.high)}]"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    """``text`` in a cell: nothing in it is markup."""
    text = printable(text).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
    return text.replace("<", "&lt;").replace("`", "'").replace("~", "\\~")
