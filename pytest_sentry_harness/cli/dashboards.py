"""``dashboards``: templates printed, files checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from ..errors import HarnessError, RulesError
from ..model.verdict import EXIT_CODES, EXIT_USAGE, Verdict
from ..monitor.dashboards import Dashboard, dashboard_json, load_dashboard, template
from ..report.lines import printable


def print_template(name: str, *, environment: Sequence[str], period: str, slow_ms: int, business: str) -> int:
    """Print the template ``name`` as JSON."""
    try:
        made = template(name, environment=environment, period=period, slow_ms=slow_ms, business=business)
    except HarnessError as error:
        return _refused(error)
    click.echo(dashboard_json(made), nl=False)
    return 0


def check_dashboards(paths: Sequence[Path]) -> int:
    """Read all ``paths``, and print which of their widgets are not valid."""
    try:
        found = [(path, load_dashboard(_text(path), str(path))) for path in paths]
    except HarnessError as error:
        return _refused(error)
    console = Console(soft_wrap=True)
    for path, dashboard in found:
        _show(console, path, dashboard)
    invalid = any(not each.unsupported for _, dashboard in found for each in dashboard.refused)
    return EXIT_CODES[Verdict.FAIL] if invalid else 0


def _show(console: Console, path: Path, dashboard: Dashboard) -> None:
    for warning in dashboard.warnings:
        console.print(Text(printable(f"doubt {warning}"), style="yellow"))
    for refused in dashboard.refused:
        word, style = ("unsupported", "yellow") if refused.unsupported else ("INVALID", "bold red")
        console.print(Text(printable(f"{word} {refused.title!r}: {refused.error}"), style=style))
    for widget in dashboard.widgets:
        for doubt in (doubt for query in widget.queries for doubt in query.search.doubts):
            console.print(Text(printable(f"doubt {widget.title!r}: {doubt}"), style="yellow"))
    total = len(dashboard.widgets) + len(dashboard.refused)
    valid = len(dashboard.widgets) + sum(each.unsupported for each in dashboard.refused)
    said = f"{path}: {valid} of {total} widgets of {dashboard.title!r} are valid"
    console.print(Text(printable(said)))


def _refused(error: HarnessError) -> int:
    Console(stderr=True, soft_wrap=True).print(Text(printable(f"sentry-harness: {error}")))
    return EXIT_USAGE


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RulesError(f"the dashboard cannot be read: {why}", where=str(path)) from error
