"""Finds the effect of a term."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...errors import InjectionError, did_you_mean
from ...plan.terms import Term
from .burn import Burn
from .effect import Effect
from .exit import Exit
from .noop import Noop
from .raise_ import Raise
from .return_ import Return
from .sleep import Sleep

STANDARD: tuple[type[Effect], ...] = (Raise, Sleep, Burn, Return, Exit, Noop)


@dataclass(frozen=True, slots=True)
class OwnEffect:
    """A kind that is not ours: its constructor refuses terms that are not valid."""

    check: Callable[[Term], object]


class Effects:
    """The kinds of faults by name."""

    def __init__(self, kinds: tuple[type[Effect], ...] = STANDARD) -> None:
        self._kinds: dict[str, type[Effect]] = {}
        for kind in kinds:
            self.register(kind)

    def register(self, kind: type[Effect]) -> None:
        """Add a kind. Raises ``InjectionError`` when its name is taken."""
        taken = self._kinds.get(kind.KIND)
        if taken is not None:
            raise InjectionError(
                f"the fault kind {kind.KIND!r} is already {taken.__module__}.{taken.__qualname__}",
                hint="give the new kind a name of its own",
            )
        self._kinds[kind.KIND] = kind

    @property
    def own(self) -> dict[str, OwnEffect]:
        """The kinds that were added to ours, as terms know them."""
        standard = {kind.KIND for kind in STANDARD}
        return {name: OwnEffect(kind) for name, kind in self._kinds.items() if name not in standard}

    def of(self, term: Term) -> Effect:
        """The effect ``term`` asks for. Raises ``InjectionError`` for an unknown kind."""
        kind = self._kinds.get(term.kind)
        if kind is None:
            raise InjectionError(
                f"there is no fault kind {term.kind!r}", hint=did_you_mean(term.kind, self._kinds)
            )
        return kind(term)
