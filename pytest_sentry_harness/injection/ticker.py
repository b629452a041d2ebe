"""A thread that does small things regularly, also in forked children.

It is none of ``threading``'s: the program's own account of its threads stays as it is, and libraries that replace
``threading`` (gevent) do not come in between.
"""

from __future__ import annotations

import _thread
import contextlib
import importlib
import os
from collections.abc import Callable

from .recorder import agent_working


class Ticker:
    """Calls ``tick`` every ``seconds`` until stopped."""

    def __init__(self, tick: Callable[[], None], seconds: float, failed: Callable[[Exception], None]) -> None:
        """``failed`` is given what a tick raises; the next one comes all the same."""
        self._tick = tick
        self._failed = failed
        self._seconds = seconds
        self._stopped = False
        # Held until it is time to stop: whoever gets it, ends.
        self._hold = _thread.allocate_lock()
        # Children have no thread but the one that forked.
        os.register_at_fork(after_in_child=self._after_fork)

    def start(self) -> None:
        """Start ticking."""
        # A thread that ends makes glibc load this library, and abort the process when a jail hides it by then.
        with contextlib.suppress(ImportError, OSError):
            importlib.import_module("ctypes").CDLL("libgcc_s.so.1")
        self._hold.acquire()
        # A new thread has an empty context: it takes no part in the request that happens to start it.
        _thread.start_new_thread(self._run, (self._hold,))

    def stop(self) -> None:
        """Stop; does not wait for a tick under way."""
        if not self._stopped:
            self._stopped = True
            if self._hold.locked():
                self._hold.release()

    def _run(self, hold: _thread.LockType) -> None:
        with agent_working():
            while not hold.acquire(timeout=self._seconds):
                try:
                    self._tick()
                except Exception as error:  # noqa: BLE001 - the lease must be watched whatever else breaks
                    self._failed(error)

    def _after_fork(self) -> None:
        if not self._stopped:
            self._hold = _thread.allocate_lock()
            self.start()
