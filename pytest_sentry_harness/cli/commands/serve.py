"""Options and help of ``serve``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("serve")
@click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the store; continued when it holds one.  [default: .sentry-harness/store]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option("--allow-remote", is_flag=True, help="Permit a host that other machines can reach.")
@click.option(
    "--parent-pipe",
    is_flag=True,
    help="End when standard input reaches its end, that is, with the parent process.",
)
def command(store: Path | None, host: str, port: int, allow_remote: bool, parent_pipe: bool) -> int:
    """Run the embedded server until SIGINT or SIGTERM.

    Prints one JSON line when it is ready: its URL, and the token of its control API. Ask that API
    for a project to get a DSN.
    """
    from ..serve import serve_forever

    return serve_forever(
        store=store, host=host, port=port, allow_remote=allow_remote, parent_pipe=parent_pipe
    )
