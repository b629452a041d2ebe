"""How far reported durations are off, operation by operation: for the terminal and for Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..criteria.verdict import show
from ..model.timing import TimingInfo, TimingRow
from ..statistics.quantiles import samples_for_quantile
from .lines import printable

_HEAD = (
    "operation",
    "kind",
    "told in",
    "matched",
    "took",
    "off by (median)",
    "p50",
    "p95",
    "p99",
    "starts p99",
)
_LEFT = 3
"""Columns that hold words; the others hold numbers."""
_MOST_REASONS = 20
_ENOUGH = samples_for_quantile(0.95)
"""Calls by which an operation shows that 95 % of them are right."""


def print_timing(timing: TimingInfo, console: Console) -> None:
    """Print the account of measured durations, and a row for each operation."""
    console.print(Text(printable(account_line(timing))), soft_wrap=True)
    for line in notes(timing):
        console.print(Text(printable(line), "dim"), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(_HEAD):
        table.add_column(name, justify="left" if number < _LEFT else "right", overflow="fold")
    for row in _rows(timing):
        table.add_row(*(Text(printable(cell)) for cell in _cells(row)))
    if table.row_count:
        console.print(table)


def timing_lines(timing: TimingInfo, row: Callable[..., str], cell: Callable[[str], str]) -> list[str]:
    """The same in Markdown; ``row`` and ``cell`` make text of the target harmless."""
    lines = [f"**{cell(account_line(timing))}**", *(f"\n{cell(line)}" for line in notes(timing)), ""]
    rows = [row(*_cells(each)) for each in _rows(timing)]
    if rows:
        ruler = "|---" * _LEFT + "|---:" * (len(_HEAD) - _LEFT) + "|"
        lines += [row(*_HEAD), ruler, *rows, ""]
    return lines


def account_line(timing: TimingInfo) -> str:
    """What became of all measured durations, in one line."""
    parts = [f"{count} {state.replace('_', ' ')}" for state, count in timing.states.items() if count]
    return f"{timing.measured} durations measured = " + (" + ".join(parts) or "nothing")


def notes(timing: TimingInfo) -> list[str]:
    """Why some were not told, and how traces were sampled; a line each."""
    reasons = [f"{count} x {reason.replace('_', ' ')}" for reason, count in timing.reasons.items()]
    lines = [f"not told: {', '.join(reasons[:_MOST_REASONS])}"] if reasons else []
    if timing.oversampled or timing.undersampled:
        lines.append(
            f"sampling at {show(timing.rate, 'ratio')}: {timing.oversampled} traces arrived, and {timing.undersampled} "
            "were left out, against what their sample_rand demands"
        )
    return lines + _too_few(timing) + list(timing.notes)


def _too_few(timing: TimingInfo) -> list[str]:
    """Which operations have too few calls for a verdict on each by itself, however many all together have."""
    matched: Counter[str] = Counter()
    for row in timing.operations:
        matched[row.operation] += row.matched
    few = [f"{name} ({count})" for name, count in matched.items() if 0 < count < _ENOUGH]
    if not few:
        return []
    return [
        f"too few calls to judge p95 and p99 of {', '.join(few[:_MOST_REASONS])}: {_ENOUGH} of each operation have to "
        "be matched, so send more requests that reach it"
    ]


def _rows(timing: TimingInfo) -> Iterator[TimingRow]:
    """A row for each operation, then one for each kind that several of them are of."""
    yield from timing.operations
    several = {row.kind for row in timing.kinds} - {
        kind
        for kind in {row.kind for row in timing.kinds}
        if len({row.operation for row in timing.operations if row.kind == kind}) < 2
    }
    yield from (row for row in timing.kinds if row.kind in several)


def _cells(row: TimingRow) -> tuple[str, ...]:
    return (
        row.operation or f"all {row.kind}",
        row.kind,
        row.mode or "-",
        f"{row.matched} of {row.measured}",
        show(row.true, "seconds"),
        signed(row.bias),
        *(show(value, "seconds") for value in (row.p50, row.p95, row.p99, row.start_p99)),
    )


def signed(value: float | None) -> str:
    """A difference of times, with its sign: ``+1.2 ms``."""
    return show(value, "seconds") if value is None or value < 0 else f"+{show(value, 'seconds')}"
