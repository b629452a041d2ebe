"""What a monitor is told when it starts: a JSON file, which only its owner may read, and which the monitor removes then."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ..errors import UsageError
from ..model.delays import NO_DELAYS, Delays


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorConfig:
    """Paths are absolute."""

    store: str
    """Folder of the store that is followed. It exists already."""
    folder: str
    """Where the monitor writes."""
    seed: str
    """Decides ids of alerts and pauses between tries."""
    rules: tuple[str, ...]
    notify: str = ""
    """Empty: the built-in settings."""
    fingerprint_rules: str = ""
    stack_rules: str = ""
    categories: str = ""
    delays: Delays = NO_DELAYS
    archived: tuple[str, ...] = ()
    patience: float = 120.0
    project: str = ""
    """Of alerts that no event belongs to."""
    ports: dict[str, int] = field(default_factory=dict)
    """Of the receivers, by channel."""
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """By channel."""


def write_config(config: MonitorConfig, path: Path) -> None:
    """Write it for its owner alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(config))


def read_config(path: Path) -> MonitorConfig:
    """Read it back. Raises ``UsageError``."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=MonitorConfig)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(
            f"the monitor's configuration cannot be read: {error}",
            where=str(path),
            hint="the harness writes it when it starts a run with [alerting]",
        ) from error
