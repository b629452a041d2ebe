"""A daemon thread that does small things regularly, also in forked children."""

from __future__ import annotations

import contextvars
import os
import sys
import threading
from collections.abc import Callable

from .recorder import agent_working


class Ticker:
    """Calls ``tick`` every ``seconds`` until stopped."""

    def __init__(self, tick: Callable[[], None], seconds: float) -> None:
        self._tick = tick
        self._seconds = seconds
        self._stopped = threading.Event()
        # Children have no thread but the one that forked.
        os.register_at_fork(after_in_child=self._after_fork)

    def start(self) -> None:
        """Start ticking."""
        # An empty context: the thread must not take part in the request that happens to start it.
        contextvars.Context().run(
            threading.Thread(target=self._run, name="sentry-harness-agent", daemon=True).start
        )

    def stop(self) -> None:
        """Stop; does not wait for a tick under way."""
        self._stopped.set()

    def _run(self) -> None:
        with agent_working():
            while not self._stopped.wait(self._seconds):
                try:
                    self._tick()
                except Exception as error:  # noqa: BLE001 - the lease must be watched whatever else breaks
                    print(f"sentry-harness: {type(error).__name__}: {error}", file=sys.stderr)

    def _after_fork(self) -> None:
        if not self._stopped.is_set():
            self._stopped = threading.Event()
            self.start()
