"""What functions keep while they go over rows. Each reads a row once and keeps numbers, not rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from ..fields import Fields
from ..fields.reading import first_text, number_of

Reduction = Literal["avg", "min", "max", "sum", "any"]


class Accumulator(Protocol):
    """What an aggregate knows so far."""

    def add(self, row: Fields) -> None:
        """Take one more row into account."""

    def value(self, seconds: float | None = None) -> float | None:
        """The result over ``seconds`` of time; None when there is no data that could give one."""


class Count:
    """Rows, or what ``amount`` makes of each."""

    __slots__ = ("_amount", "_total")

    def __init__(self, amount: Callable[[Fields], float] | None = None) -> None:
        self._amount, self._total = amount, 0.0

    def add(self, row: Fields) -> None:
        """Add what the row amounts to."""
        self._total += 1 if self._amount is None else self._amount(row)

    def value(self, seconds: float | None = None) -> float | None:
        """The sum; 0 without rows."""
        return self._total


class Rate:
    """Rows per ``span`` seconds."""

    __slots__ = ("_rows", "_span")

    def __init__(self, span: float) -> None:
        self._span, self._rows = span, 0

    def add(self, row: Fields) -> None:
        """Count the row."""
        self._rows += 1

    def value(self, seconds: float | None = None) -> float | None:
        """Rows per span; None when the time is not known."""
        return self._rows * self._span / seconds if seconds else None


class Share:
    """What ``part`` makes of the rows, of what ``whole`` makes of them; None without any."""

    __slots__ = ("_part", "_parts", "_whole", "_wholes")

    def __init__(
        self, part: Callable[[Fields], float], whole: Callable[[Fields], float] | None = None
    ) -> None:
        self._part, self._whole = part, whole
        self._parts = self._wholes = 0.0

    def add(self, row: Fields) -> None:
        """Add to part and whole."""
        self._parts += self._part(row)
        self._wholes += 1 if self._whole is None else self._whole(row)

    def value(self, seconds: float | None = None) -> float | None:
        """Part by whole; None when there is nothing of the whole."""
        return self._parts / self._wholes if self._wholes else None


class Complement:
    """One minus another rate."""

    __slots__ = ("_of",)

    def __init__(self, of: Accumulator) -> None:
        self._of = of

    def add(self, row: Fields) -> None:
        """Pass the row on."""
        self._of.add(row)

    def value(self, seconds: float | None = None) -> float | None:
        """What the rate lacks to one."""
        rate = self._of.value(seconds)
        return None if rate is None else 1 - rate


class Distinct:
    """Different values of a field among the rows that ``where`` lets through."""

    __slots__ = ("_name", "_seen", "_where")

    def __init__(self, name: str, where: Callable[[Fields], bool] | None = None) -> None:
        self._name, self._where, self._seen = name, where, set[str]()

    def add(self, row: Fields) -> None:
        """Note the value of the field."""
        if self._where is None or self._where(row):
            text = first_text(row(self._name))
            if text is not None:
                self._seen.add(text)

    def value(self, seconds: float | None = None) -> float | None:
        """How many different values there were."""
        return float(len(self._seen))


class DistinctShare:
    """Distinct values among the chosen rows, of those among all."""

    __slots__ = ("_all", "_chosen")

    def __init__(self, name: str, where: Callable[[Fields], bool]) -> None:
        self._chosen, self._all = Distinct(name, where), Distinct(name)

    def add(self, row: Fields) -> None:
        """Note the value, and whether the row is chosen."""
        self._chosen.add(row)
        self._all.add(row)

    def value(self, seconds: float | None = None) -> float | None:
        """Chosen by all; None without any value."""
        every = self._all.value() or 0
        return (self._chosen.value() or 0) / every if every else None


class Values:
    """The numbers of a field, put together by ``reduce`` at the end."""

    __slots__ = ("_name", "_reduce", "_values")

    def __init__(self, name: str, reduce: Callable[[list[float]], float]) -> None:
        self._name, self._reduce, self._values = name, reduce, list[float]()

    def add(self, row: Fields) -> None:
        """Keep the numbers of the field."""
        for each in row(self._name):
            number = number_of(each)
            if number is not None:
                self._values.append(number)

    def value(self, seconds: float | None = None) -> float | None:
        """The numbers reduced; None without any."""
        return self._reduce(self._values) if self._values else None


class Running:
    """Sum, least, most and number of the values of a field, without keeping them."""

    __slots__ = ("_count", "_least", "_most", "_name", "_sum", "_what")

    def __init__(self, name: str, what: Reduction) -> None:
        self._name, self._what = name, what
        self._count, self._sum = 0, 0.0
        self._least, self._most = float("inf"), float("-inf")

    def add(self, row: Fields) -> None:
        """Go on with the numbers of the field."""
        for each in row(self._name):
            number = number_of(each)
            if number is not None:
                self._count += 1
                self._sum += number
                self._least = min(self._least, number)
                self._most = max(self._most, number)

    def value(self, seconds: float | None = None) -> float | None:
        """Average, least, most or sum; None without a number."""
        if not self._count:
            return None
        found = {"avg": self._sum / self._count, "min": self._least, "max": self._most, "sum": self._sum}
        return found.get(self._what, self._least)
