"""What can be set about the server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..protocol.envelope import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """Bounds of one request. Sizes in bytes."""

    compressed_bytes: int = 20 << 20
    """Body as received; more is a 413."""
    kept_bytes: int = 64 << 10
    """How much of a body over that limit is kept in the store, as evidence."""
    protocol: Limits = DEFAULT_LIMITS
    """Bounds after decompression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How to run the server."""

    store: Path
    """Folder of the store; made when missing, continued when it holds one."""
    host: str = "127.0.0.1"
    port: int = 0
    """0: a free one."""
    token: str | None = None
    """Of the control API; None: a new one for each start."""
    parent_pipe: bool = False
    """End when standard input reaches its end, that is, when the parent is gone for whatever reason."""
    allow_remote: bool = False
    """Permit a host that other machines can reach."""
    ingest: IngestSettings = IngestSettings()
