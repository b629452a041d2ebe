"""Starts the agent in a target: reads what it is told, opens the journal, and hands over to ``agent``."""

from __future__ import annotations

import os
import sys

from ..errors import InjectionError
from ..ledger.journal import Journal
from ..model.arming import ArmedMeasuring, Arming
from ..model.ledger import Note
from ..plan.arming_file import ENVIRONMENT_VARIABLE, read_arming
from .recorder import QuietRecorder, complain


def start() -> None:
    """Start the agent as the environment says. What goes wrong is recorded, said on stderr, and not raised."""
    try:
        arming = read_arming(os.environ[ENVIRONMENT_VARIABLE])
        if arming.measuring is not None:
            _measured(arming, arming.measuring)
            return
        journal = Journal(arming.journal_dir, run_id=arming.run_id, role="target")
    except (InjectionError, OSError) as error:
        complain(f"the agent stays out: {error}")
        return
    try:
        from .agent import Agent  # needs wrapt; its absence goes to the journal that is open now

        Agent(arming, journal).start()
    except Exception as error:  # noqa: BLE001 - the target must start, whatever is wrong with the agent
        text = f"the agent cannot start: {_explain(error)}"
        complain(text)
        QuietRecorder(journal).write(Note, level="error", text=text)


def _measured(arming: Arming, measuring: ArmedMeasuring) -> None:
    """The process is measured: nothing of the agent but what flushes the SDK, and no journal."""
    try:
        from .measured import Measured

        Measured(arming, measuring).start()
    except Exception as error:  # noqa: BLE001 - the target must start, whatever is wrong with the agent
        complain(f"the agent cannot start: {_explain(error)}")


def _explain(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == "wrapt":
        return f"wrapt is not installed for {sys.executable}; install it there: python -m pip install wrapt"
    return f"{type(error).__name__}: {error}"
