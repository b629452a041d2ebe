"""Options and help of ``dashboards``."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("dashboards")
def command() -> None:
    """Dashboards in Sentry's JSON: begin with a template, check before they are imported."""


@command.command("template")
@click.argument("name", metavar="NAME")
@click.option("--environment", multiple=True, metavar="NAME", help="Show only this one; may be given again.")
@click.option("--period", default="24h", show_default=True, metavar="PERIOD", help="As 30m, 24h, 14d, 2w.")
@click.option(
    "--slow-ms", type=click.IntRange(1), default=500, show_default=True, help="What takes longer is slow."
)
@click.option("--business", default="", metavar="SEARCH", help="The transactions the business lives on.")
def template_command(
    name: str, environment: tuple[str, ...], period: str, slow_ms: int, business: str
) -> int:
    """Print a dashboard: errors, performance, release-health or business.

    The JSON is what Sentry's API takes at POST /api/0/organizations/ORG/dashboards/, and what [dashboards] in a
    scenario reads.

    \b
    sentry-harness dashboards template errors --environment production > errors.json
    """  # noqa: D301 - click reads the backslash as "keep these lines"
    from ..dashboards import print_template

    return print_template(name, environment=environment, period=period, slow_ms=slow_ms, business=business)


@command.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
def check_command(paths: tuple[Path, ...]) -> int:
    """Say which widgets of dashboards are not valid.

    FILE is a dashboard in Sentry's own JSON, as its API gives it. Whether a widget shows the truth takes data:
    name the file under [dashboards] in a scenario.

    Exit codes: 0 all widgets are valid, 10 one is not, 2 a file is no dashboard.

    \b
    sentry-harness dashboards check dashboards/*.json
    """  # noqa: D301 - click reads the backslash as "keep these lines"
    from ..dashboards import check_dashboards

    return check_dashboards(paths)
