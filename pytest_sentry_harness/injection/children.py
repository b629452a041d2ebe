"""Notes how child processes ended, wherever this process waits for them: a killed child cannot say it itself.

``multiprocessing``, ``subprocess``, ``asyncio`` and pre-fork servers all come down to ``os.waitpid`` and its kin.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from ..model.ledger import ChildEnded
from .recorder import Recorder
from .sdk_watch.patches import Patches

_STATUS = ("wait", "wait3", "wait4", "waitpid")  # each gives the pid, then the status


class Children:
    """Stands behind the system calls that collect children."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._patches = Patches()

    def install(self) -> None:
        """Note the endings of children from now on."""
        for name in _STATUS:
            self._patches.wrap(os, name, self._collecting(_by_status))
        if hasattr(os, "waitid"):
            self._patches.wrap(os, "waitid", self._collecting(_by_info))

    def uninstall(self) -> None:
        """Put everything back."""
        self._patches.undo()

    def _collecting(self, read: Callable[[Any], dict[str, Any] | None]) -> Callable[[Any], Any]:
        def make(original: Callable[..., Any]) -> Any:
            def collect(*args: Any) -> Any:
                result = original(*args)
                try:
                    ending = read(result)
                    if ending is not None:
                        self._recorder.write(ChildEnded, **ending)
                except Exception as error:  # noqa: BLE001 - whoever waits for a child must get its status
                    print(f"sentry-harness: the ledger cannot be written: {error!r}", file=sys.stderr)
                return result

            collect.__module__ = "os"  # pools send functions by name
            collect.__name__ = collect.__qualname__ = original.__name__
            collect.__doc__ = original.__doc__
            return collect

        return make


def signal_name(number: int) -> str:
    """The name of a signal; real-time signals have none of their own."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _by_status(result: Any) -> dict[str, Any] | None:
    pid, status = result[0], result[1]
    if pid <= 0:
        return None  # none has ended yet
    if os.WIFSIGNALED(status):
        return {"pid": pid, "signal": signal_name(os.WTERMSIG(status))}
    return {"pid": pid, "exit_code": os.WEXITSTATUS(status)} if os.WIFEXITED(status) else None


def _by_info(result: Any) -> dict[str, Any] | None:
    if result is None or result.si_pid <= 0:
        return None
    if result.si_code == os.CLD_EXITED:
        return {"pid": result.si_pid, "exit_code": result.si_status}
    if result.si_code in (os.CLD_KILLED, os.CLD_DUMPED):
        return {"pid": result.si_pid, "signal": signal_name(result.si_status)}
    return None  # it was stopped, or goes on
