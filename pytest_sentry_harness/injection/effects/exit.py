"""``exit(3)``, ``exit(os._exit, 3)``, ``exit(SIGKILL)``, ``exit(SIGTERM)``: the process ends, gently or not.

``sys.exit`` raises ``SystemExit`` in the function under fault, so that only the main thread ends the
process by it, as in real life. ``os._exit`` and ``SIGKILL`` leave no time for anything. ``SIGTERM`` is
handled as the process pleases; the function goes on.
"""

from __future__ import annotations

import os
import signal
from typing import ClassVar

from ...plan.terms import Term, exit_arguments
from .effect import Action

# Kept from before anything is armed: a fault on os.kill must not save the process.
_EXIT = os._exit
_KILL = os.kill


class Exit:
    """End the process."""

    KIND: ClassVar[str] = "exit"

    def __init__(self, term: Term) -> None:
        self._exit = exit_arguments(term)

    def action(self) -> Action:
        """The end."""
        if self._exit.how == "sys.exit":
            return Action(exception=SystemExit(self._exit.code))
        return Action(run=self._now)

    def _now(self) -> None:
        if self._exit.how == "os._exit":
            _EXIT(self._exit.code)
        _KILL(os.getpid(), getattr(signal, self._exit.how))
