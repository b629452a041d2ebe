"""How a receiver answers, one delivery after the other."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """One answer."""

    status: int = 0
    """HTTP status or SMTP reply code; 0: all is well, in the words of the protocol."""
    reset: bool = False
    """The connection is reset as soon as it stands; nothing is taken."""
    takes: float = 0.0
    """Seconds until it takes what is sent: the receipt's time is after them."""
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
            return self._take()

    def take_reset(self) -> bool:
        """Whether the next is to reset the connection; it is used up then."""
        with self._lock:
            return self._next[0].reset and self._take().reset

    def _take(self) -> Manner:
        return self._next.popleft() if len(self._next) > 1 else self._next[0]


def reset(connection: socket.socket) -> None:
    """Close it so that the other side is told of a reset, and not of an end."""
    with contextlib.suppress(OSError):  # it went away first
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
