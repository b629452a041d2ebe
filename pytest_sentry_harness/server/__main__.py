"""``python -m pytest_sentry_harness.server``: run the embedded server."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import HarnessError, UsageError
from ..model.verdict import EXIT_CODES, EXIT_USAGE, Verdict
from .process import serve
from .settings import ServerOptions

TOKEN_VARIABLE = "SENTRY_HARNESS_SERVER_TOKEN"  # noqa: S105 - the name of a variable


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, serve, and return the exit code: 0, 2 for wrong usage, 12 when it breaks."""
    given = _parser().parse_args(arguments)
    try:
        return serve(
            ServerOptions(
                store=given.store,
                host=given.host,
                port=given.port,
                token=_token(given.token_file),
                parent_pipe=given.parent_pipe,
                allow_remote=given.allow_remote,
            )
        )
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CODES[Verdict.ERROR]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pytest_sentry_harness.server",
        description="Receive what Sentry SDKs send, keep it, and answer as Sentry does.",
    )
    parser.add_argument(
        "--store", type=Path, required=True, help="folder of the store; continued when it holds one"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--parent-pipe", action="store_true", help="end when standard input ends")
    parser.add_argument("--allow-remote", action="store_true", help="permit a host other machines can reach")
    parser.add_argument(
        "--token-file",
        type=Path,
        help=f"file with the token of the control API (default: ${TOKEN_VARIABLE}, else a new one)",
    )
    return parser


def _token(path: Path | None) -> str | None:
    """The token from the file or the environment; None: make one."""
    if path is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the token cannot be read: {error}", where=str(path), hint="give a file with one line"
        ) from error
    if not token or not token.isascii() or any(character.isspace() for character in token):
        raise UsageError("the token must be one line of ASCII without blanks", where=str(path))
    return token


if __name__ == "__main__":
    sys.exit(main())
