"""Options and help of ``exec``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("exec", context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD...")
@click.option("--json", "as_json", is_flag=True, help="Stream one JSON object per line instead of text.")
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append the stream to this file instead of writing it to stderr.",
)
@click.option("--quiet", is_flag=True, help="Only the account at the end.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Value of {port} in CMD.  [default: a free port]",
)
@click.option(
    "--redirect",
    is_flag=True,
    help="Send what goes to a DSN that CMD sets itself to the embedded server, too.",
)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep what arrived and the journals in this folder.  [default: thrown away]",
)
def command(
    words: tuple[str, ...],
    as_json: bool,
    to: Path | None,
    quiet: bool,
    port: int | None,
    redirect: bool,
    keep: Path | None,
) -> int:
    """Run CMD with a Sentry of its own, and see what arrives there.

    SENTRY_DSN is set to the embedded server, the agent watches the SDK from inside, and each item that
    arrives or is dropped is one line on stderr. CMD stays in the foreground: it has the terminal, gets
    the signals, and its exit code is the exit code (128 + n when signal n ended it). Nothing is
    injected, and nothing leaves for any other Sentry.

    In CMD, {port}, {dsn}, {python}, {run_dir}, {sentry_host} and {project} are filled in.

    \b
    sentry-harness exec -- python job.py
    sentry-harness exec -- pytest -x tests/
    sentry-harness exec --port 8000 -- uvicorn shop.app:app --port {port}
    sentry-harness exec --json --to sentry.jsonl -- celery -A shop worker
    sentry-harness exec --redirect -- python has_its_own_dsn.py
    """  # noqa: D301 - click reads the backslash as "keep these lines"
    from ..exec_ import exec_command

    return exec_command(words, as_json=as_json, to=to, quiet=quiet, port=port, redirect=redirect, keep=keep)
