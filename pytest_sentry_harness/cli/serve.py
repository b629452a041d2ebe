"""``serve``: the embedded server in the foreground."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import HarnessError
from ..model.verdict import EXIT_CODES, EXIT_USAGE, Verdict

_STORE = Path(".sentry-harness") / "store"


def serve_forever(*, store: Path | None, host: str, port: int, allow_remote: bool, parent_pipe: bool) -> int:
    """Run the server; returns its exit code."""
    try:
        from ..server.process import serve
        from ..server.settings import ServerOptions
    except ImportError as error:
        print(
            f"sentry-harness: {error.name} is not installed; the server needs its extra\n"
            "  hint: pip install 'pytest-sentry-harness[server]'",
            file=sys.stderr,
        )
        return EXIT_USAGE
    options = ServerOptions(
        store=store or _STORE, host=host, port=port, allow_remote=allow_remote, parent_pipe=parent_pipe
    )
    try:
        return serve(options)
    except HarnessError as error:
        print(f"sentry-harness: {error}", file=sys.stderr)
        return EXIT_CODES[Verdict.ERROR]
