"""What a master must not leave to the workers it forks: one function for each defect."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import HttpTransport
from sentry_sdk.types import Event, Hint

INHERITED = ("own-thread", "lock-at-fork", "no-flush-before-fork")
"""Defects that come of workers which go on with the master's client."""
_LOCK = threading.Lock()


def options(defect: str) -> dict[str, Any]:
    """What the defect changes in the master's set-up."""
    if defect == "own-thread":
        return {"transport": ThreadedTransport}
    if defect == "lock-at-fork":
        threading.Thread(target=hold_lock, daemon=True).start()
        return {"before_send": counted}
    if defect == "no-flush-before-fork":
        # What was being sent at the fork counts as unfinished in the workers for ever: they wait that long at exit.
        return {"shutdown_timeout": 3}
    return {}


class ThreadedTransport(HttpTransport):
    """Sends from a thread it starts once: a fork does not take threads along."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self._waiting: queue.Queue[Envelope] = queue.Queue()
        threading.Thread(target=self._send_all, daemon=True).start()

    def capture_envelope(self, envelope: Envelope) -> None:
        """Leave the envelope to the thread."""
        self._waiting.put(envelope)

    def _send_all(self) -> None:
        while True:
            super().capture_envelope(self._waiting.get())


def hold_lock() -> None:
    """Some work of the master's under a lock; who forks meanwhile gets a lock that nobody will ever release."""
    while True:
        with _LOCK:
            time.sleep(0.05)


def counted(event: Event, _hint: Hint) -> Event:
    """A hook that needs the lock."""
    with _LOCK:
        return event
