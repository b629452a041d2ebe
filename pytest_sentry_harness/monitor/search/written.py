"""One condition as it is written, before it means anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from ...errors import SearchError
from ..fields import Kind
from .search import Condition, Test


class Written:
    """One condition as it is written, and what is needed to complain about it."""

    __slots__ = ("key", "kind", "negated", "operator", "position", "text", "values", "where")

    def __init__(
        self,
        *,
        text: str,
        position: int,
        key: str,
        operator: str,
        values: Sequence[str],
        negated: bool,
        kind: Kind | None,
        where: str | None,
    ) -> None:
        self.text, self.position, self.key, self.operator = text, position, key, operator
        self.values, self.negated = tuple(values), negated
        self.kind, self.where = kind, where

    def refuse(self, what: str, hint: str | None = None) -> NoReturn:
        """Raise with this condition's place."""
        raise SearchError(f"{self.text!r}: {what}", position=self.position, where=self.where, hint=hint)

    def condition(self, test: Test, *, number: float | None = None, relative: bool = False) -> Condition:
        """The condition whose test, before negation, is ``test``."""
        tested: Test = (lambda fields, now: not test(fields, now)) if self.negated else test
        return Condition(
            text=self.text,
            position=self.position,
            key=self.key,
            operator=self.operator,
            negated=self.negated,
            values=self.values,
            number=number,
            relative=relative,
            test=tested,
        )
