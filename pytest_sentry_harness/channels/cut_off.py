"""Ends a conversation at its deadline, however slowly the other side keeps it going.

A socket's time-out begins anew with each byte; this one does not.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable


class CutOff:
    """Within ``with``: after ``seconds``, shuts down the socket that ``current`` names. Leaving raises ``TimeoutError`` then."""

    def __init__(self, seconds: float, current: Callable[[], socket.socket | None]) -> None:
        self._seconds, self._current = seconds, current
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._fired = threading.Event()

    def __enter__(self) -> CutOff:
        self._timer.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._timer.cancel()
        # Without an error, too: an answer that was cut off in its middle may look like a whole one.
        cut = self._fired.is_set() and (error is None or isinstance(error, Exception))
        if cut or isinstance(error, TimeoutError):
            raise TimeoutError(f"no answer within {self._seconds:g} s") from error

    def _cut(self) -> None:
        self._fired.set()
        current = self._current()
        if current is None:
            return  # not connected yet: connecting has its own time-out
        try:
            # That of the base class: of an encrypted socket it ends what lies below, which is safe from another thread.
            socket.socket.shutdown(current, socket.SHUT_RDWR)
        except OSError:
            return  # closed meanwhile, which is as good
