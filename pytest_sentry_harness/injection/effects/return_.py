"""``return({'price': 0})``: the function answers at once, and wrongly.

Asynchronous functions give the value to whoever awaits them. Generators end before their first
value (the value is what ``yield from`` evaluates to); asynchronous generators just end.
"""

from __future__ import annotations

from typing import ClassVar

from ...plan.terms import Term, return_value
from .effect import Action


class Return:
    """Return a value, built anew each time so that changing it changes nothing else."""

    KIND: ClassVar[str] = "return"

    def __init__(self, term: Term) -> None:
        return_value(term)  # a term that is not valid is refused now, not at the first firing
        self._term = term

    def action(self) -> Action:
        """The end of the function, with its value."""
        return Action(returns=True, value=return_value(self._term))
