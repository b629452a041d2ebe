"""What the harness tells the code inside: one JSON file, named by an environment variable."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

ENVIRONMENT_VARIABLE = "SENTRY_HARNESS_INSIDE"
FOLDER = Path(__file__).parent
"""Where the code inside lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is to be done inside."""

    folder: str
    """Where notebooks are written and questions are asked."""
    redirect: str | None = None
    """DSN that replaces DSNs of hosts other than ``hosts``; None: they are left as they are."""
    hosts: tuple[str, ...] = ()
    examine: bool = False
    """Survey the SDK's set-up, and send probes when asked."""
    lease: str = ""
    """A file that is there while the harness lives."""


def write_settings(settings: Settings, path: Path) -> None:
    """Write ``settings`` to ``path``."""
    path.write_text(json.dumps(asdict(settings)), encoding="utf-8")


def read_settings(path: str) -> Settings:
    """Read ``path``. Raises ``OSError``, ``ValueError`` or ``TypeError`` when it is not what it must be."""
    document = json.loads(Path(path).read_text(encoding="utf-8"))
    document["hosts"] = tuple(document["hosts"])
    return Settings(**document)
