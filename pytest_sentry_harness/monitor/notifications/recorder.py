"""The audit trail and the state it makes: nothing changes that is not on record first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

from ...model.notified import Noted
from .settings import Notifications
from .state import State


class Recorder:
    """Writes records, keeps them if it is to, and applies them. ``write`` comes first: a record that it refuses does not count."""

    def __init__(
        self,
        settings: Notifications,
        seed: str,
        write: Callable[[Noted], None] | None,
        trail: Iterable[Noted],
        *,
        keep: bool = True,
    ) -> None:
        self.settings, self.seed = settings, seed
        self._write = write
        self.state = State(settings)
        self.trail: list[Noted] | None = [] if keep else None
        for record in trail:
            self._take(record)

    def note(self, kind: type[Noted], now: float, alert_id: str, channel: str = "", **fields: Any) -> None:
        """One record of type ``kind``."""
        record = kind(at=now, alert_id=alert_id, channel=channel, **fields)
        if self._write is not None:
            self._write(record)
        self._take(record)

    def _take(self, record: Noted) -> None:
        if self.trail is not None:
            self.trail.append(record)
        self.state.apply(record)

    def new_id(self, what: str) -> str:
        """32 hex digits for the next alert or summary; the same for the same seed and trail."""
        number = self.state.raised + self.state.summaries
        return blake2b(f"{self.seed}\0{what}\0{number}".encode(), digest_size=16).hexdigest()
