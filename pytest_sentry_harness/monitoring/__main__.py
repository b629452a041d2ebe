"""``python -m pytest_sentry_harness.monitoring config.json``: the live monitor. The harness starts it."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import HarnessError
from .config import read_config
from .process import run


def main(arguments: list[str]) -> int:
    """The exit code."""
    try:
        path = Path(arguments[0])
        config = read_config(path)
        path.unlink()  # it holds secrets: nobody needs it any more, however harness and monitor end
        return run(config)
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
