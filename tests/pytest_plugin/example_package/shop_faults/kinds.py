"""Fault kinds of the shop. Also imported in targets, so this module needs nothing of the application."""

from __future__ import annotations

import time
from typing import ClassVar

from pytest_sentry_harness.errors import TermError
from pytest_sentry_harness.injection.effects.effect import Action
from pytest_sentry_harness.plan.terms import Term, duration


class DeadlockError(Exception):
    """What the shop's database driver raises."""


class Deadlock:
    """``deadlock(orders)``: the database gives up on a table."""

    KIND: ClassVar[str] = "deadlock"

    def __init__(self, term: Term) -> None:
        self._table = term.arguments
        if not self._table.isidentifier():
            raise TermError(f"deadlock({self._table}) names no table", hint="write deadlock(orders)")

    def action(self) -> Action:
        """A fresh exception; ``followed``, so that its fate is accounted for."""
        return Action(exception=DeadlockError(f"deadlock detected on {self._table}"), followed=True)


class Crunch:
    """``crunch(20ms)``: the function computes so long before it does its work."""

    KIND: ClassVar[str] = "crunch"

    def __init__(self, term: Term) -> None:
        self._seconds = duration(term.arguments)

    def action(self) -> Action:
        """Work for the processor."""
        return Action(run=self._crunch)

    def _crunch(self) -> None:
        end = time.process_time() + self._seconds
        while time.process_time() < end:
            pass
