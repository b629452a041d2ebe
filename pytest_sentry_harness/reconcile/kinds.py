"""What many rows have in common, numbered, and written once for each number."""

from __future__ import annotations

import sqlite3
from itertools import count
from typing import Any

_MOST = 20_000
"""Kinds that are remembered."""


class Kinds(dict[tuple[Any, ...], int]):
    """``kinds[values]`` is the number of the row with ``values`` in the table, which is written when it is new."""

    def __init__(self, database: sqlite3.Connection, table: str) -> None:
        super().__init__()
        self._database = database
        self._table = table
        self._numbers = count()

    def __missing__(self, values: tuple[Any, ...]) -> int:
        if len(self) >= _MOST:
            self.clear()  # for little memory: one that comes again is written again, under another number
        number = self[values] = next(self._numbers)
        marks = ",".join("?" * (1 + len(values)))
        # The table name is a literal of ``evidence.py``, never input.
        self._database.execute(f"INSERT INTO {self._table} VALUES ({marks})", (number, *values))  # noqa: S608 - our own name
        return number
