"""Slow operations, N+1 queries and profiles: for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..criteria.verdict import show
from ..model.profiling import OperationTold, ProfilesTold, ProfilingInfo, QueriesTold
from .lines import printable, short_path

_HEAD = ("operation", "should be in", "slow", "found there", "on top of its profile")
_LEFT = 2
"""Columns that hold words; the others hold numbers."""
_MOST_QUERIES = 20
_MOST_TEXT = 120


def print_profiling(info: ProfilingInfo, console: Console) -> None:
    """Print what became of slow operations."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(_HEAD):
        table.add_column(name, justify="left" if number < _LEFT else "right", overflow="fold")
    for operation in info.operations:
        table.add_row(*(Text(printable(cell)) for cell in _cells(operation)))
    if table.row_count:
        console.print(table)
    for line in _notes(info):
        console.print(Text(printable(line)), soft_wrap=True)


def profiling_lines(info: ProfilingInfo, row: Callable[..., str], cell: Callable[[str], str]) -> list[str]:
    """The same in Markdown; ``row`` and ``cell`` make text of the target harmless."""
    lines: list[str] = []
    if info.operations:
        lines += ["", row(*_HEAD), "|" + "---|" * _LEFT + "---:|" * (len(_HEAD) - _LEFT)]
        lines += [row(*_cells(operation)) for operation in info.operations]
    return [*lines, "", *(f"- {cell(line)}" for line in _notes(info)), ""]


def _cells(operation: OperationTold) -> tuple[str, ...]:
    on_top = f"{operation.on_top} of {operation.burnt}" if operation.burnt else "-"
    found = f"{operation.attributed} of {operation.slow}" if operation.slow else "-"
    return operation.name, operation.expected, f"{operation.slow} of {operation.calls}", found, on_top


def _notes(info: ProfilingInfo) -> list[str]:
    unread = f", {info.unread} items could not be read" if info.unread else ""
    notes = [f"slow operations: {info.transactions} transactions{unread}"]
    notes += [_queries(queries) for queries in info.n_plus_one[:_MOST_QUERIES]]
    if len(info.n_plus_one) > _MOST_QUERIES:
        notes.append(f"{len(info.n_plus_one) - _MOST_QUERIES} more N+1 queries in run.json")
    return [*notes, _profiles(info.profiles)]


def _queries(queries: QueriesTold) -> str:
    name = queries.name or "not declared"
    asked = (
        f"asked at {short_path(queries.place.file)}:{queries.place.line}" if queries.place else "no line told"
    )
    query = queries.query if len(queries.query) <= _MOST_TEXT else queries.query[: _MOST_TEXT - 1] + "…"
    return (
        f"N+1 queries ({name}) on {queries.route}: {queries.count} times {query}, {show(queries.seconds, 'seconds')} "
        f"together, in {queries.transactions} transactions, {asked}"
    )


def _profiles(profiles: ProfilesTold) -> str:
    parts = [f"profiles: {profiles.profiled} of {profiles.transactions} transactions that could have one"]
    if profiles.promised:
        parts.append(f"{show(profiles.promised, 'ratio')} promised")
    if profiles.short:
        parts.append(f"{profiles.short} too short")
    parts += [f"{count} dropped by the SDK ({reason})" for reason, count in profiles.lost.items()]
    return ", ".join(parts)
