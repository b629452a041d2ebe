"""``python -m pytest_sentry_harness.cli``: the command line without its console script."""

from __future__ import annotations

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())
