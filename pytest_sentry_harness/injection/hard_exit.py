"""Notes who ends the process by ``os._exit``: no exit hook will tell.

Children of ``multiprocessing``, RQ's work horses and many daemons end so, and take along whatever the SDK had
not sent yet.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn

from ..model.ledger import HardExit
from .recorder import Recorder
from .sdk_watch.describe import calling_place
from .sdk_watch.patches import Patches


class HardExits:
    """Stands before ``os._exit``. ``last_words`` writes what is known only now; it must not raise."""

    def __init__(self, recorder: Recorder, last_words: Callable[[], None]) -> None:
        self._recorder = recorder
        self._last_words = last_words
        self._patches = Patches()

    def install(self) -> None:
        """Note calls of ``os._exit`` from now on; those by a name taken earlier go unnoticed."""
        self._patches.wrap(os, "_exit", self._exit)

    def uninstall(self) -> None:
        """Put ``os._exit`` back."""
        self._patches.undo()

    def _exit(self, original: Callable[[int], NoReturn]) -> Any:
        def _exit(status: int) -> NoReturn:
            """Exit to the system with specified status, without normal exit processing."""
            try:
                self._last_words()
                self._recorder.write(HardExit, code=int(status), place=calling_place())
            finally:
                original(status)  # whatever happens: the caller relies on it

        _exit.__module__, _exit.__qualname__ = "os", "_exit"  # pools send functions by name
        return _exit
