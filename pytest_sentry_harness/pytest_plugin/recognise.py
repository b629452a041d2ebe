"""Tells scenarios from other TOML files, which pytest offers too. Apart, because every project has some TOML."""

from __future__ import annotations

import re
from pathlib import Path

_TABLE = re.compile(rb"^\s*\[\s*scenario\s*\]", re.MULTILINE)
_OTHER_TABLE = re.compile(rb"^\s*\[\s*(?:target|load|gates|\[\s*fault\s*\])\s*\]", re.MULTILINE)


def is_scenario(path: Path) -> bool:
    """Whether the file has ``[scenario]`` and a table that goes with it. Other TOML is none of our business."""
    try:
        text = path.read_bytes()
    except OSError:
        return False
    return bool(_TABLE.search(text) and _OTHER_TABLE.search(text))
