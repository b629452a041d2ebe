"""Rows of which only the fields that somebody asks for are kept: a run may have a million, and their payloads take gigabytes.

The fields are columns: 8 bytes for each value, and the value itself once, however often it occurs. A field that nobody
foresaw is read in another pass over the payloads, so that every answer is that of the whole row.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import overload

from .catalogue import Kind
from .reading import Row

_SAMPLE = 2000
"""Rows, the newest, whose fields and tags are listed when somebody asks which there are."""
_MOST_SHARED = 100_000
"""Different values of one field that are kept once only; ids have as many as there are rows."""


class KeptRows(Sequence[Row]):
    """Rows of one kind, in the order they arrived.

    ``read`` gives them all, each time it is called; ``foreseen`` are fields that will be asked for. One pass over the rows,
    and another one for each field beyond. About 16 bytes and 8 for each field of a row, and its values.
    """

    def __init__(self, kind: Kind, read: Callable[[], Iterable[Row]], foreseen: Iterable[str]) -> None:
        self.kind: Kind = kind
        self._read = read
        self._at, self._received = array("d"), array("d")
        self._projects: list[str] = []
        self._columns: dict[str, list[Sequence[object]]] = {}
        self._units: dict[str, list[str]] = {}
        self._names: tuple[str, ...] | None = None
        self._load(dict.fromkeys(foreseen), first=True)

    def __len__(self) -> int:
        return len(self._at)

    def __iter__(self) -> Iterator[Row]:
        for number in range(len(self._at)):
            yield KeptRow(self, number)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        numbers = range(len(self._at))[index]
        return (
            KeptRow(self, numbers) if isinstance(numbers, int) else [KeptRow(self, each) for each in numbers]
        )

    def values(self, name: str) -> list[Sequence[object]]:
        """The values of a field, row by row."""
        found = self._columns.get(name)
        if found is None:
            self._load([name])
            found = self._columns[name]
        return found

    def units(self, name: str) -> list[str]:
        """The unit in which the values of a field were sent, row by row."""
        if name not in self._units:
            self._units[name] = [row.unit(name) for row in self._read()]
        return self._units[name]

    def names(self) -> tuple[str, ...]:
        """Fields and tags that have a value in one of the newest rows."""
        if self._names is None:
            found: dict[str, None] = {}
            for row in deque(self._read(), _SAMPLE):
                found.update(dict.fromkeys(row.names()))
            self._names = tuple(found)
        return self._names

    def _load(self, names: Iterable[str], *, first: bool = False) -> None:
        columns: list[tuple[str, list[Sequence[object]], dict[object, Sequence[object]]]] = [
            (name, [], {}) for name in names
        ]
        for row in self._read():
            if first:
                self._at.append(row.at)
                self._received.append(row.received_at)
                self._projects.append(row.project)
            for name, column, shared in columns:
                values = row(name)
                if len(shared) < _MOST_SHARED:
                    # 1, 1.0 and True are equal, and are told apart by their types.
                    key = values and (
                        values,
                        values[0].__class__,
                        len(values) > 1 and tuple(map(type, values)),
                    )
                    values = shared.setdefault(key, values)
                column.append(values)
        self._columns.update({name: column for name, column, _ in columns})


class KeptRow(Row):
    """One of them, for as long as somebody looks at it."""

    __slots__ = ("_number", "_rows")

    def __init__(self, rows: KeptRows, number: int) -> None:
        self._rows, self._number = rows, number
        self.kind = rows.kind
        self.at = rows._at[number]
        self.received_at = rows._received[number]
        self.project = rows._projects[number]

    def __call__(self, name: str) -> Sequence[object]:
        """The values of a field or tag."""
        columns = self._rows._columns
        return (columns[name] if name in columns else self._rows.values(name))[self._number]

    def names(self) -> tuple[str, ...]:
        """The fields and tags that have a value in this row or another one: which it is, is not kept."""
        return self._rows.names()

    def unit(self, name: str) -> str:
        """The unit in which the values of a field were sent, such as ``byte``; ``""`` when they have none."""
        return self._rows.units(name)[self._number]


class Joined(Sequence[Row]):
    """Rows of several kinds, one kind after the other, without a copy of them."""

    def __init__(self, parts: Sequence[Sequence[Row]]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[Row]:
        return chain.from_iterable(self._parts)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        numbers = range(len(self))[index]
        return self._at(numbers) if isinstance(numbers, int) else [self._at(each) for each in numbers]

    def _at(self, number: int) -> Row:
        for part in self._parts:
            if number < len(part):
                return part[number]
            number -= len(part)
        raise IndexError(number)
