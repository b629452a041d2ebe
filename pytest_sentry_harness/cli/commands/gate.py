"""Options and help of ``gate``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("gate")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SCENARIO...")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the plan, instead of the scenario's own.")
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where run folders are made.  [default: .sentry-harness/runs]",
)
@click.option("--twin", metavar="NAME", help="Run this twin: the scenario with its planted defect.")
@click.option(
    "--count",
    type=click.Choice(["instructions"]),
    help="Count instructions instead of measuring time, in scenarios with [overhead]: the same on any machine.",
)
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Also write JUnit XML here.")
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Also write Markdown here.")
def command(
    paths: tuple[Path, ...],
    seed: int | None,
    runs: Path | None,
    twin: str | None,
    count: str | None,
    junit: Path | None,
    markdown: Path | None,
) -> int:
    """Run scenarios and judge them: the CI gate.

    SCENARIO is a scenario file, or a folder whose *.toml files are run one after the other (not
    those of folders within it). The worst verdict is the exit code.

    \b
    sentry-harness gate scenarios/capture.toml
    sentry-harness gate scenarios/ --junit junit.xml --markdown "$GITHUB_STEP_SUMMARY"
    """  # noqa: D301 - click reads the backslash as "keep these lines"
    from ..gate import gate_paths

    return gate_paths(
        paths, seed=seed, runs=runs, junit=junit, markdown=markdown, twin=twin, counting=count is not None
    )
