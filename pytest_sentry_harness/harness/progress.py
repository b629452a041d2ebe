"""How a run tells what it is doing. The command line shows it; tests and plugins stay quiet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..model.live import Live


class Progress(Protocol):
    """Receives the stages of a run as they begin, and news within them."""

    def stage(self, title: str) -> None:
        """A new stage begins."""

    def news(self, text: str, done: float | None = None) -> None:
        """Something changed within the stage; ``done`` is its share from 0 to 1, when known."""

    def live(self, look: Callable[[], Live]) -> None:
        """The run goes on, and can be looked at; called a few times a second while load is driven."""


class Quiet:
    """Says nothing."""

    def stage(self, title: str) -> None:
        """Say nothing."""

    def news(self, text: str, done: float | None = None) -> None:
        """Say nothing."""

    def live(self, look: Callable[[], Live]) -> None:
        """Do not look, which costs nothing then."""
