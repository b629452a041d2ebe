"""What Sentry costs, kind by kind and arm by arm, beside what arrived and what was lost: for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..criteria.verdict import show
from ..model.overhead import WITHOUT, ArmAccount, Cost, OverheadInfo
from .lines import printable

_COLUMNS = {
    "overhead.cpu": "CPU",
    "overhead.latency.p50": "p50",
    "overhead.latency.p99": "p99",
    "overhead.throughput": "throughput lost",
}
_COUNTED = {"overhead.instructions": "instructions"}
"""The columns of a run that counted instead of measuring time."""
_LEFT = 2
"""Columns that hold words; the others hold numbers."""
_MOST = 5


def print_overhead(info: OverheadInfo, console: Console) -> None:
    """Print a row for each kind of request and arm, and the account of each arm."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(("request", "arm", *_columns(info).values())):
        table.add_column(name, justify="left" if number < _LEFT else "right", overflow="fold")
    for row in rows(info):
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)
    for line in notes(info):
        console.print(Text(printable(line), "dim"), soft_wrap=True)


def overhead_lines(info: OverheadInfo, row: Callable[..., str], cell: Callable[[str], str]) -> list[str]:
    """The same as Markdown; ``row`` and ``cell`` make text of the target harmless."""
    columns = _columns(info)
    lines = ["", row("request", "arm", *columns.values()), "|---" * _LEFT + "|---:" * len(columns) + "|"]
    lines += [row(*cells) for cells in rows(info)]
    return [*lines, "", *(f"- {cell(line)}" for line in notes(info)), ""]


def rows(info: OverheadInfo) -> list[tuple[str, ...]]:
    """The cells: first what a request costs without Sentry, then what each arm adds to it, with the bounds."""
    costs = {(cost.kind, cost.arm, cost.metric): cost for cost in info.costs}
    arms = list(dict.fromkeys(cost.arm for cost in info.costs))
    found: list[tuple[str, ...]] = []
    for base in info.baseline:
        if base.instructions is not None:
            found.append((base.kind, WITHOUT, show(base.instructions, "count")))
        else:
            found.append((base.kind, WITHOUT, show(base.cpu, "seconds"), show(base.p50, "seconds"), "", ""))
        for arm in arms:
            cells = [_bounded(costs.get((base.kind, arm, metric))) for metric in _columns(info)]
            found.append(("", arm, *cells))
    return found


def _columns(info: OverheadInfo) -> dict[str, str]:
    counted = any(base.instructions is not None for base in info.baseline)
    return _COUNTED if counted else _COLUMNS


def notes(info: OverheadInfo) -> list[str]:
    """How it was measured, what the arms hold in memory, and what became of what they sent."""
    requests = sum(base.requests for base in info.baseline)
    how = [
        f"{info.launches} launches, {requests} requests measured in each arm",
        info.clock,
        info.pinning or "not pinned",
    ]
    lines = [f"{', '.join(how)}; {info.stopped}"]
    growth = {cost.arm: cost for cost in info.costs if cost.metric == "growth"}
    for cost in info.costs:
        if cost.metric == "overhead.memory":
            more = growth[cost.arm]
            lines.append(
                f"arm {cost.arm}: {_bounded(cost)} more memory ({info.memory}), "
                f"{show(more.value, more.unit)} of it grown while it was measured"
            )
    return [*lines, *(_account(account) for account in info.accounts)]


def _bounded(cost: Cost | None) -> str:
    if cost is None:
        return "-"
    value = show(cost.value, cost.unit)
    if cost.low is None or cost.high is None:
        return value
    low, high = show(cost.low, cost.unit), show(cost.high, cost.unit)
    unit = " %" if cost.unit == "change" else " MiB"
    return f"{value.removesuffix(unit)} [{low.removesuffix(unit)}, {high.removesuffix(unit)}]{unit}"


def _account(account: ArmAccount) -> str:
    sent = _counted(account.items) or "nothing"
    parts = [f"arm {account.arm}: {sent} arrived"]
    if account.raised:
        parts.append(f"{account.errors} of {account.raised} errors among them")
    if account.refused:
        parts.append(f"the server refused {_counted(_by_answer(account.refused))}")
    if account.discarded:
        parts.append(f"the SDK says it dropped {_counted(account.discarded)}")
    if account.lost:
        least = "at least " if account.refused else ""
        parts.append(f"{least}{account.lost} lost: what is not sent costs less")
    return "; ".join(parts)


def _by_answer(refused: dict[str, int]) -> dict[str, int]:
    """``500/transaction`` as ``transaction (500)``."""
    parts = ((name.partition("/"), count) for name, count in refused.items())
    return {f"{what} ({how})": count for (how, _, what), count in parts}


def _counted(counts: dict[str, int]) -> str:
    shown = [f"{count} {name}" for name, count in list(counts.items())[:_MOST]]
    more = len(counts) - _MOST
    return ", ".join(shown) + (f" and {more} more kinds" if more > 0 else "")
