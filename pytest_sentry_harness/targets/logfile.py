"""The end of a log file, for error messages."""

from __future__ import annotations

from pathlib import Path

_TAIL_BYTES = 16_384


def last_lines(path: Path, most: int = 15) -> str:
    """The last ``most`` lines of ``path``, indented; says so when there are none."""
    if not path.exists():
        return "  (it wrote nothing)"
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return "\n".join(f"  | {line}" for line in lines[-most:]) or "  (it wrote nothing)"
