"""Which alerts were delivered, how late, and why not: for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..criteria.verdict import show
from ..model.alerted import AlertingInfo, AlertTold, ChannelTold, ExtraTold, Legs, RuleTold
from .lines import printable

_LEGS = ("received", "issue", "rule", "sent", "delivered")
_RULES = (
    "rule",
    "expected",
    "delivered",
    "missed",
    "late",
    "duplicate",
    "false",
    "median",
    "max",
    " + ".join(_LEGS),
)
_CHANNELS = ("channel", "received", "refused tries", "given up", "bad signatures", "median", "max")
_ALERTS = ("latency", "rule", "channel", "fault", "what happened", " + ".join(_LEGS))
_EXTRA = ("count", "rule", "channel", "fault", "what it is", "why")
_MOST_SHOWN = 20
_MOST_LINES = 10
_MOST_NAMED = 5
_NO_TIME = "-"
Tables = Iterator[tuple[tuple[str, ...], list[tuple[str, ...]]]]


def print_alerting(info: AlertingInfo, console: Console) -> None:
    """Print the sums, a row for each rule and channel, and what was slow, missed or too much."""
    for line in lines_of(info):
        console.print(Text(printable(line)), soft_wrap=True)
    for head, rows in _tables(info):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name in head:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        console.print(table)


def alerting_lines(info: AlertingInfo, row: Callable[..., str], cell: Callable[[str], str]) -> list[str]:
    """The same in Markdown; ``row`` and ``cell`` make text of the target harmless."""
    lines = ["", *(f"{cell(line)}  " for line in lines_of(info)), ""]
    for head, rows in _tables(info):
        lines += [row(*head), "|---" * len(head) + "|", *(row(*each) for each in rows), ""]
    return lines


def lines_of(info: AlertingInfo) -> list[str]:
    """The account in sentences: both sums, and by what events were grouped."""
    lines = [
        _faults(info),
        f"alerting: {info.received} notifications received = {_notifications(info)}",
        f"alerting: {info.expected} expected, of {info.incidents} incidents = {info.delivered} delivered "
        f"({info.late} of them after {show(info.within, 'seconds')}) + {info.missed} missed",
        f"issues grouped by {info.config}",
        f"delays of the backend: {info.delays}",
    ]
    if info.untimed:
        rules = ", ".join(repr(each) for each in info.untimed[:_MOST_NAMED])
        more = f" and {len(info.untimed) - _MOST_NAMED} more" if len(info.untimed) > _MOST_NAMED else ""
        lines.append(
            f"metric rules that decided at once, as Sentry's do not (once a minute): {rules}{more}; "
            'delays = "sentry", or metric_every, shows how late they are'
        )
    if info.dead:
        lines.append(f"notifications that were given up, of any kind: {info.dead}")
    if info.refused:
        lines.append(f"tries that were refused: {info.refused}; they are in no sum")
    reached_nobody = sum(row.metric == "alerting.false" and not row.count for row in info.extra)
    if reached_nobody:
        lines.append(f"alerts of what should not alert, which reached nobody: {reached_nobody}")
    lines += [f"still under way at the end: {each}" for each in info.pending[:_MOST_LINES]]
    lines += [f"rule file {each}" for each in info.warnings[:_MOST_LINES]]
    if len(info.warnings) > _MOST_LINES:
        lines.append(f"{len(info.warnings) - _MOST_LINES} more warnings about rules are in run.json")
    return lines


def _faults(info: AlertingInfo) -> str:
    parts = [f"{info.alerted} alerted"]
    parts += [f"{count} missed ({reason.replace('_', ' ')})" for reason, count in info.faults_missed.items()]
    silent = f"; {info.silent} more must not alert" if info.silent else ""
    return f"alerting: {info.faults} faults that should alert = {' + '.join(parts)}{silent}"


def _notifications(info: AlertingInfo) -> str:
    counts = {
        "expected": info.delivered,
        "duplicate": info.duplicates,
        "false": info.false,
        "of a resolution": info.resolutions,
        "of an escalation": info.escalations,
        "summaries": info.summaries,
        "of what was missed, at a lesser status": info.lesser,
        "unknown": info.unknown,
    }
    return " + ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"


def _tables(info: AlertingInfo) -> Tables:
    """Heads and rows of all tables that have any."""
    for head, rows in (
        (_RULES, [_rule(each) for each in info.rules]),
        (_CHANNELS, [_channel(each) for each in info.channels]),
        (_ALERTS, [_alert(each) for each in info.table]),
        (_EXTRA, [_extra(each) for each in info.extra]),
    ):
        if rows:
            yield head, rows[:_MOST_SHOWN]


def _rule(row: RuleTold) -> tuple[str, ...]:
    counts = (row.expected, row.delivered, row.missed, row.late, row.duplicate, row.false)
    return row.rule, *map(str, counts), _time(row.p50), _time(row.max), _legs(row.legs)


def _channel(row: ChannelTold) -> tuple[str, ...]:
    counts = (row.received, row.refused, row.dead, row.signature_invalid)
    return row.channel, *map(str, counts), _time(row.p50), _time(row.max)


def _alert(row: AlertTold) -> tuple[str, ...]:
    what = ": ".join(part for part in (row.reason.replace("_", " "), row.because) if part)
    told = ", ".join(filter(None, (what, row.where, *_looked_at(row.issues, row.events)))) if what else ""
    latency = "missed" if row.latency is None else f"{_time(row.latency)}{' late' if row.late else ''}"
    return latency, row.rule, row.channel, f"{row.fault} ({row.incident})", told, _legs(row.legs)


def _extra(row: ExtraTold) -> tuple[str, ...]:
    issues = (row.issue,) if row.issue is not None else ()
    why = ", ".join((row.because, *_looked_at(issues, (row.event_id,))))
    return str(row.count), row.rule, row.channel, row.fault, row.reason.replace("_", " "), why


def _looked_at(issues: Sequence[int], events: Sequence[str]) -> Iterator[str]:
    if issues:
        yield f"issue {', '.join(map(str, issues))}"
    if events and events[0]:
        yield f"e.g. event {events[0]}"


def _legs(legs: Legs | None) -> str:
    return "" if legs is None else " + ".join(_time(getattr(legs, name)) for name in _LEGS)


def _time(seconds: float | None) -> str:
    return _NO_TIME if seconds is None else show(seconds, "seconds")
