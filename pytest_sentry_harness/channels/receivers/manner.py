"""How a receiver answers, one delivery after the other."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """One answer."""

    status: int = 0
    """HTTP status or SMTP reply code; 0: all is well, in the words of the protocol."""
    delay: float = 0.0
    """Seconds between the last byte and the answer."""
    hang: bool = False
    """Never answer; the connection stays open until the receiver is closed."""
    retry_after: int | None = None
    """``Retry-After`` of HTTP."""
    body: str = ""


class Manners:
    """The answers to come; the last one stays. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: deque[Manner] = deque([Manner()])

    def set(self, manners: tuple[Manner, ...]) -> None:
        """From now on; none: all is well."""
        with self._lock:
            self._next = deque(manners or (Manner(),))

    def take(self) -> Manner:
        """The next."""
        with self._lock:
            return self._next.popleft() if len(self._next) > 1 else self._next[0]
