"""Where plans that lost an event are kept: as scenario files, below the working directory."""

from __future__ import annotations

import os
import re
from pathlib import Path

PLANS = Path(".sentry-harness") / "plans"


def keep(text: str, name: str) -> Path:
    """Write the scenario ``text`` under ``name``, in place of an older one; gives its path."""
    PLANS.mkdir(parents=True, exist_ok=True)
    ignore = PLANS.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    path = PLANS / f"{_file_name(name)}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_name() -> str:
    """The test that runs at present, as pytest tells it; without one, just ``plan``."""
    return os.environ.get("PYTEST_CURRENT_TEST", "plan").rpartition(" (")[0].rpartition("::")[2] or "plan"


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:100] or "plan"
