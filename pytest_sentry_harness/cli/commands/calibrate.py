"""Options and help of ``calibrate``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("calibrate")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SCENARIO...")
@click.option("--only", metavar="TWIN", help="Run this twin alone, without the healthy scenario.")
@click.option(
    "--healthy-runs",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="How often the healthy scenario is run.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Runs side by side.")
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where run folders are made.  [default: .sentry-harness/runs]",
)
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the table of twins here.",
)
@click.option(
    "--stories",
    type=(
        click.Path(dir_okay=False, exists=True, path_type=Path),
        click.Path(dir_okay=False, path_type=Path),
    ),
    metavar="STORIES TABLE",
    help="Read the list of real failures, and write the table of those reproduced.",
)
def command(
    paths: tuple[Path, ...],
    only: str | None,
    healthy_runs: int,
    jobs: int,
    runs: Path | None,
    markdown: Path | None,
    stories: tuple[Path, Path] | None,
) -> int:
    """Prove that scenarios can fail: run each, and each of its twins with its planted defect.

    The healthy scenario must pass without a loss. A twin must not pass, and every fault it loses must be
    reported for the cause that was planted. Exit code 0 when all of it came out so, else 10.

    \b
    sentry-harness calibrate scenarios/causes/
    sentry-harness calibrate scenarios/processes/jobs.toml --only killed --healthy-runs 0
    """  # noqa: D301 - click reads the backslash as "keep these lines"
    from ..calibrate import calibrate_paths

    return calibrate_paths(
        paths,
        only=only,
        healthy_runs=healthy_runs,
        jobs=jobs,
        runs=runs,
        markdown=markdown,
        stories=stories,
    )
