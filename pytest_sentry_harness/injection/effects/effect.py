"""The contract of an effect, and what one firing of it comes to.

Duties of an effect: build everything fresh for each firing; do nothing before it is told to (a
firing is written to the ledger first); waits must be interruptible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ...plan.terms import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One firing: wait, compute, run, then end the function by raising or returning, each if given."""

    seconds: float = 0.0
    """Wait so long first; asynchronous functions do so without blocking their event loop."""
    busy: float = 0.0
    """Then compute for so many seconds of the thread's processor time; event loops are blocked."""
    run: Callable[[], None] | None = None
    exception: BaseException | None = None
    followed: bool = False
    """The exception is a fault of its own: what becomes of it goes to the ledger."""
    returns: bool = False
    value: object = None


class Effect(Protocol):
    """One kind of fault."""

    KIND: ClassVar[str]

    def __init__(self, term: Term) -> None:
        """Read the settings from ``term``. Raises ``TermError``."""
        ...

    def action(self) -> Action:
        """What the next firing does. Raises ``InjectionError`` when it cannot be built: nothing fires."""
        ...
