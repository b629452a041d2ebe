"""How a run tells what it is doing. The command line shows it; tests and plugins stay quiet."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the stages of a run as they begin, and news within them."""

    def stage(self, title: str) -> None:
        """A new stage begins."""

    def news(self, text: str, done: float | None = None) -> None:
        """Something changed within the stage; ``done`` is its share from 0 to 1, when known."""


class Quiet:
    """Says nothing."""

    def stage(self, title: str) -> None:
        """Say nothing."""

    def news(self, text: str, done: float | None = None) -> None:
        """Say nothing."""
