"""``burn(200ms)``: the function keeps the processor busy, then does its work.

The duration is processor time of the calling thread: on a busy machine, or while other threads compute, it takes
longer, as a slow computation would; ``finished`` in the ledger says how long it truly took. In asynchronous functions
the event loop is blocked meanwhile.
"""

from __future__ import annotations

from typing import ClassVar

from ...plan.terms import Term, duration
from .effect import Action


class Burn:
    """Compute for ``seconds`` of processor time."""

    KIND: ClassVar[str] = "burn"

    def __init__(self, term: Term) -> None:
        self.seconds = duration(term.arguments)

    def action(self) -> Action:
        """A computation."""
        return Action(busy=self.seconds)
