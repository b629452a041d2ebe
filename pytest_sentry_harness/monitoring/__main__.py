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
        return run(read_config(Path(arguments[0])))
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
