"""Options and help of ``rules``."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("rules")
def command() -> None:
    """Test alert rules before they are deployed."""


@command.command("test")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--only", metavar="TEXT", help="Only tests whose name contains this.")
@click.option("--coverage", is_flag=True, help="List what no test has shown.")
@click.option(
    "--coverage-min",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Fail below: of the rules that fired, and of the outcomes of conditions; the lower one counts.",
)
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Also write JUnit XML here.")
@click.option("--strict", is_flag=True, help="Warnings about rules make the exit code 10, too.")
def test_command(
    paths: tuple[Path, ...],
    only: str | None,
    coverage: bool,
    coverage_min: float | None,
    junit: Path | None,
    strict: bool,
) -> int:
    """Run tests of alert rules on synthetic series, with a virtual clock.

    FILE is a TOML file of tests; it names files of rules in Sentry's own JSON, as its API gives them: issue
    alerts, metric alerts, workflows, detectors. Notifications must come exactly as expected: none
    missing, none besides. Rules that would never fire are warned of.

    Exit codes: 0 all tests pass, 10 one fails or coverage is too low, 2 a file is not valid.

    \b
    sentry-harness rules test alerts.test.toml
    sentry-harness rules test monitoring/*.test.toml --junit junit.xml --coverage-min 90
    """  # noqa: D301 - click reads the backslash as "keep these lines"
    from ..rules import run_rule_tests

    return run_rule_tests(
        paths, only=only, coverage=coverage, coverage_min=coverage_min, junit=junit, strict=strict
    )
