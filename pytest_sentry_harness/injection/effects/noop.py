"""``off``: does nothing, and is what every other effect is compared with."""

from __future__ import annotations

from typing import ClassVar

from ...plan.terms import Term
from .effect import Action


class Noop:
    """Nothing happens; the function goes on."""

    KIND: ClassVar[str] = "off"

    def __init__(self, term: Term) -> None:
        pass

    def action(self) -> Action:
        """An action without any part."""
        return Action()
