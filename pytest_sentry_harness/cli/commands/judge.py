"""Options and help of ``judge``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("judge")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
def command(run: Path) -> int:
    """Judge a finished run again, from its folder alone.

    RUN is a folder under .sentry-harness/runs. Its run.json, junit.xml and summary.md are written
    anew; they come out the same wherever the folder lies.
    """
    from .. import gate

    return gate.judge_run_folder(run)
