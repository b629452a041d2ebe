"""What a test's SDK sent, and waiting for more of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from .. import clock
from ..injection.recorder import agent_working
from .inbox import Inbox
from .sdk_tap import SdkTap

T = TypeVar("T")
FLUSH_SECONDS = 2.0
_LOOK_SECONDS = 0.05


class Sent:
    """The inbox of one test, and the tap that fills it."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        self.tap = SdkTap(self.inbox)

    def flush(self, timeout: float = FLUSH_SECONDS) -> int:
        """Make the SDK send what it holds. Gives how many envelopes it still has not dealt with after ``timeout`` seconds."""
        return self.tap.flush(timeout)

    def payloads(self, kind: str) -> list[dict[str, Any]]:
        """The items of one type so far, decoded. Nothing is flushed."""
        with agent_working():  # the test may have armed what is used here
            return [item.json() for item in self.inbox.items(kind)]

    def until(self, found: Callable[[], T | None], timeout: float) -> T | None:
        """What ``found`` gives, as soon as it is not None; None when that is never so within ``timeout`` seconds."""
        deadline = clock.monotonic() + timeout
        while True:
            left = deadline - clock.monotonic()
            self.flush(min(FLUSH_SECONDS, max(left, _LOOK_SECONDS)))
            seen = self.inbox.requests
            result = found()
            if result is not None or left <= 0:
                return result
            # Woken by the next arrival; and now and then, since the SDK may hold something to flush by then.
            self.inbox.wait_for_more(than=seen, timeout=min(_LOOK_SECONDS, left))


def on_event_loop() -> bool:
    """Whether this thread runs an event loop right now, which a wait would stop."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None
