"""Settings of the reference service, read from the environment once."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

IN_MEMORY = ":memory:"


def _temporary_database() -> str:
    return str(Path(tempfile.mkdtemp(prefix="reference-trading-")) / "trading.sqlite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What differs between a test, a developer's machine and a deployment."""

    database: str = field(default_factory=_temporary_database)
    """Path of the SQLite file, or ``:memory:``."""
    quotes_url: str | None = None
    """Base URL of the quote service; None: the application starts its own on a loopback port."""
    secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    """Signs access tokens. Give one when several processes serve the same users."""
    seed: int = 1
    """Seed of the made-up users and instruments."""
    users: int = 20
    instruments: int = 24
    history: int = 0
    """Settled orders that each made-up user begins with."""
    sweep_seconds: float = 5.0
    """Pause between two sweeps for orders that were not settled at once."""
    flush_seconds: float = 30.0
    """How long the shutdown waits for the last events to be sent."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Settings from ``REFERENCE_DATABASE``, ``REFERENCE_QUOTES_URL``, ``REFERENCE_SECRET``, ``REFERENCE_SEED``,
        ``REFERENCE_INSTRUMENTS``, ``REFERENCE_HISTORY`` and ``REFERENCE_SWEEP_SECONDS``.

        Raises ``ValueError`` when seed, instruments or history is not a whole number, or the pause between sweeps not a number.
        """
        given: dict[str, str] = {}
        for name in ("database", "quotes_url", "secret"):
            value = environment.get(f"REFERENCE_{name.upper()}")
            if value:
                given[name] = value
        return cls(
            seed=int(environment.get("REFERENCE_SEED", "1")),
            instruments=int(environment.get("REFERENCE_INSTRUMENTS", "24")),
            history=int(environment.get("REFERENCE_HISTORY", "0")),
            sweep_seconds=float(environment.get("REFERENCE_SWEEP_SECONDS", "5")),
            **given,  # type: ignore[arg-type]
        )
