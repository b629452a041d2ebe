"""What a search is once it is read: conditions on rows, conditions on aggregates, and doubts about either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ...errors import UsageError
from ..aggregates import Aggregate
from ..fields import Fields

Test = Callable[[Fields, float], bool]
"""Fields of a row, and now in seconds since the epoch → whether the row meets the condition."""
_NO_NOW = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition on a row, such as ``!level:fatal``; free text is one too."""

    text: str
    """As it is written."""
    position: int
    """Of its first character, from 1."""
    key: str
    """Empty for free text."""
    operator: str
    """``=``, ``>``, ``>=``, ``<``, ``<=``, ``in``, ``has`` or ``contains``; the negation is apart."""
    negated: bool
    values: tuple[str, ...]
    """As written, quotes removed."""
    number: float | None = None
    """What is compared with, in the unit of the field, when that is a number."""
    relative: bool = False
    """It depends on what time it is."""
    test: Test = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Having:
    """A condition on an aggregate, such as ``count():>5``."""

    text: str
    position: int
    aggregate: Aggregate
    operator: str
    number: float
    negated: bool = False

    def holds(self, value: float | None) -> bool:
        """Whether the aggregate's value meets it; without a value nothing does."""
        if value is None:
            return False
        met = {
            "=": value == self.number,
            ">": value > self.number,
            ">=": value >= self.number,
            "<": value < self.number,
            "<=": value <= self.number,
        }[self.operator]
        return met != self.negated


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the conditions that all must hold: a condition, or a group with ``OR``."""

    text: str
    conditions: tuple[Condition, ...]
    """Those it consists of."""
    test: Test = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search. ``doubts`` are sentences on what is allowed and yet unlikely to be meant."""

    text: str
    parts: tuple[Part, ...]
    having: tuple[Having, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All conditions on rows, in the order they are written."""
        return tuple(condition for part in self.parts for condition in part.conditions)

    @property
    def relative(self) -> bool:
        """Whether a condition depends on what time it is."""
        return any(condition.relative for condition in self.conditions)

    def matches(self, fields: Fields, *, now: float | None = None) -> bool:
        """Whether a row meets all conditions on rows. O(conditions).

        ``now``, in seconds since the epoch, is needed by relative times such as ``age:-24h``. Raises ``UsageError`` when
        it is needed and not given.
        """
        if now is None:
            if self.relative:
                raise UsageError(f"{self.text!r} has a relative time: matches() needs now")
            now = _NO_NOW
        return all(part.test(fields, now) for part in self.parts)

    def holds(self, value_of: Callable[[Aggregate], float | None]) -> bool:
        """Whether the conditions on aggregates hold, given their values."""
        return all(condition.holds(value_of(condition.aggregate)) for condition in self.having)
