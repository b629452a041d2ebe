"""Rates, patterns and kinds of errors: for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from ..criteria.objectives import pattern_line
from ..criteria.verdict import show
from ..model.analysis import AnalysisInfo, PatternsInfo, RatesInfo, SpikeTold, TrendTold
from .lines import printable

_BARS = " ▁▂▃▄▅▆▇█"
_MOST_SPIKES = 5
_MOST_CLASSES = 8
_MOST_TITLE = 80
_OF = {"errors": "errors", "transactions": "failed transactions", "requests": "failed requests"}


def print_analysis(info: AnalysisInfo, console: Console) -> None:
    """Print it in lines, which are bounded."""
    for line in analysis_lines(info):
        console.print(Text(printable(line)), soft_wrap=True)


def analysis_markdown(info: AnalysisInfo, cell: Callable[[str], str]) -> list[str]:
    """The same in Markdown; ``cell`` makes text of the target harmless."""
    return ["", *(f"{cell(line)}  " for line in analysis_lines(info)), ""]


def analysis_lines(info: AnalysisInfo) -> list[str]:
    """Rates, then kinds, then patterns."""
    lines = ["nothing arrived that could be counted"] if info.rates is None else rates_lines(info.rates)
    if info.classes:
        shown = ", ".join(
            f"{each.events} {each.category} ({each.severity})" for each in info.classes[:_MOST_CLASSES]
        )
        more = len(info.classes) - _MOST_CLASSES
        lines.append(f"kinds of errors: {shown}" + (f" and {more} more" if more > 0 else ""))
    lines += patterns_lines(info.patterns)
    for count, what in (
        (info.quieter, "events are below level error, and in none of these figures"),
        (info.unread, "events and transactions could not be read"),
        (info.not_compared, "events and transactions were not looked at for patterns: there are too many"),
    ):
        if count:
            lines.append(f"  {count} {what}")
    return lines


def rates_lines(info: RatesInfo) -> list[str]:
    """The series as bars, trends, and spikes."""
    parts = [
        f"{info.errors} errors",
        f"{info.transactions_failed} of {info.transactions} transactions failed",
    ]
    if info.requests is not None:
        parts.append(f"{info.requests_failed} of {info.requests} requests failed")
    lines = [
        f"rates: {', '.join(parts)}, in {len(info.series)} intervals of {show(info.interval, 'seconds')}"
    ]
    if info.errors:
        lines.append(f"  errors [{bars([each.errors for each in info.series])}]")
    transactions = [each.transactions_failed for each in info.series]
    requests = [each.requests_failed for each in info.series]
    failed = any(transactions) or any(requests)
    if any(requests):
        lines.append(f"  failed requests [{bars(requests)}]")
    if any(transactions) and info.transactions_failed != info.requests_failed:
        lines.append(f"  failed transactions [{bars(transactions)}]")
    minutes = len(info.series) * info.interval / 60
    lines += [f"  {_trend(each, minutes)}" for each in info.trends]
    lines += [f"  {spike_line(each)}" for each in info.spikes[:_MOST_SPIKES]]
    more = info.spikes_left_out + max(len(info.spikes) - _MOST_SPIKES, 0)
    if more:
        lines.append(f"  {more} spikes more are in run.json, or too many for it")
    if not info.spikes and (info.errors or failed):
        judged = len(info.series) - info.not_judged
        lines.append(
            f"  no spike in the {judged} intervals after the first {info.not_judged}"
            if judged > 0
            else "  too few intervals to tell a spike"
        )
    return lines


def bars(counts: Sequence[int]) -> str:
    """One character for each count, relative to the largest."""
    most = max(counts, default=0)
    if not most:
        return _BARS[0] * len(counts)
    # Whatever is above 0 is seen.
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in counts)


def _trend(trend: TrendTold, minutes: float) -> str:
    """In what it comes to over the whole time: of a run of seconds, the change in a minute would say nothing."""
    scale, unit = (minutes, "a minute") if trend.of == "errors" else (100 * minutes, "percentage points")
    low, high, chance = trend.low * scale, trend.high * scale, max(trend.chance, 1e-300)
    if trend.direction == "none":
        return f"trend of {_OF[trend.of]}: none (over the whole time {low:+.3g} to {high:+.3g} {unit}, p {chance:.1g})"
    return (
        f"trend of {_OF[trend.of]}: {trend.direction}, over the whole time by {trend.per_minute * scale:+.3g} {unit} "
        f"(95 % bounds {low:+.3g} to {high:+.3g}, p {chance:.1g})"
    )


def spike_line(spike: SpikeTold) -> str:
    """One spike: when, how large, how sure, and what it consists of."""
    line = (
        f"spike of {_OF[spike.of]} from {spike.begin:.3g} s to {spike.end:.3g} s: {spike.count}, {spike.expected:.3g} expected "
        f"(chance {max(spike.chance, 1e-300):.1g}, counts in clusters){', and it stays' if spike.stays else ''}"
    )
    if spike.issues:
        issues = ", ".join(f"{count} of {title[:_MOST_TITLE]}" for title, count in spike.issues)
        kinds = ", ".join(f"{count} {name}" for name, count in spike.categories)
        line += f"; errors in it: {issues}; {kinds}"
    return line


def patterns_lines(info: PatternsInfo) -> list[str]:
    """What stands out of the largest issues, or that nothing does."""
    if not info.issues:
        return []
    if info.compared_with == "nothing":
        return [
            "patterns: one issue and too few transactions without an error: there is nothing to compare it with"
        ]
    whom = (
        f"{info.others} transactions without an error"
        if info.compared_with == "transactions"
        else "other issues"
    )
    lines = [
        f"patterns of the largest issues, compared with {whom} ({info.compared} comparisons, corrected for)"
    ]
    for row in info.table:
        lines.append(
            f"  issue {row.issue}, {row.events} events, {row.category}, {row.severity}: {row.title[:_MOST_TITLE]}"
        )
        lines += [f"    {pattern_line(each)}" for each in row.found]
        if row.left_out:
            lines.append(f"    {row.left_out} more")
        if not row.found:
            lines.append("    nothing stands out")
    if info.issues > len(info.table):
        lines.append(f"  {info.issues - len(info.table)} smaller issues are not shown")
    return lines
