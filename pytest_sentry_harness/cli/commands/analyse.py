"""Options and help of ``analyse``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("analyse")
@click.argument("run", required=False, type=click.Path(path_type=Path), metavar="[RUN]")
@click.option(
    "--store",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Look at this store, as serve or exec --keep leave it, instead of a run.",
)
@click.option(
    "--objectives",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="A TOML file with [[objective]] tables, instead of those of the run's scenario.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
def command(run: Path | None, store: Path | None, objectives: Path | None, as_json: bool) -> int:
    """Look at what arrived: how often things fail over time, where that leaps up, what the errors have in common.

    RUN is a folder under .sentry-harness/runs; or name a --store, and no scenario is needed. Shown are error rates with
    trend and spikes, objectives with error budget and burn alerts, what stands out of the largest issues, and the
    kinds of errors. Nothing is judged: a gate on objectives belongs into a scenario.

    Exit codes: 0 shown, 11 nothing arrived, 12 store or ledger cannot be read, 2 usage.

    \b
    sentry-harness analyse .sentry-harness/runs/20260131-080000-a1b2c3
    sentry-harness analyse --store .sentry-harness/store
    sentry-harness analyse --store .sentry-harness/store --objectives slo.toml --json
    """  # noqa: D301 - click reads the backslash as "keep these lines"
    from ..analyse import analyse

    return analyse(run, store=store, objectives=objectives, as_json=as_json)
