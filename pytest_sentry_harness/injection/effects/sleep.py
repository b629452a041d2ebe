"""``sleep(250ms)``: the function takes longer than it should, then does its work.

Blocks the thread in plain functions and generators, as a slow call would; in asynchronous functions
and generators the task sleeps and the event loop goes on. Generators sleep before their first value.
"""

from __future__ import annotations

from typing import ClassVar

from ...plan.terms import Term, duration
from .effect import Action


class Sleep:
    """Wait ``seconds``."""

    KIND: ClassVar[str] = "sleep"

    def __init__(self, term: Term) -> None:
        self.seconds = duration(term.arguments)

    def action(self) -> Action:
        """A wait."""
        return Action(seconds=self.seconds)
