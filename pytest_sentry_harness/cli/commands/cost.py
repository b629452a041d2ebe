"""Options and help of ``cost``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("cost")
@click.argument("path", type=click.Path(dir_okay=False, exists=True, path_type=Path), metavar="SCENARIO")
@click.option(
    "--minutes",
    type=click.FloatRange(0.1, 600),
    default=8.0,
    show_default=True,
    help="How long it may take, roughly; the longer, the narrower the intervals.",
)
@click.option(
    "--launches",
    type=click.IntRange(1, 30),
    default=5,
    show_default=True,
    help="Launches it is divided into; with fewer than three, nothing can be said of most options.",
)
@click.option(
    "--only", metavar="OPTION", multiple=True, help="Toggle only this one. May be given several times."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the tables here. A file that holds the lines <!-- cost --> and <!-- /cost --> keeps all else.",
)
def command(
    path: Path,
    minutes: float,
    launches: int,
    only: tuple[str, ...],
    as_json: bool,
    markdown: Path | None,
) -> int:
    """Break down what Sentry costs, option by option.

    SCENARIO has an [overhead] table with [[overhead.option]]s. The target is started without Sentry, as configured, and
    once for each option with that option toggled, all side by side, in several launches. One table for each kind of request
    says what every option costs or saves, in CPU time, with 95 % intervals.

    Ctrl-C ends it and prints what is known so far. Exit codes: 0 measured, 11 not one launch was complete, 12 a target or
    the harness broke, 2 usage.

    \b
    sentry-harness cost scenarios/overhead-reference.toml
    sentry-harness cost scenarios/overhead-reference.toml --only locals --only all-integrations --minutes 3
    sentry-harness cost scenarios/overhead-reference.toml --markdown docs/explanation/overhead.md
    """  # noqa: D301 - click reads the backslash as "keep these lines"
    from ..cost import cost_of

    return cost_of(path, minutes=minutes, launches=launches, only=only, as_json=as_json, markdown=markdown)
