"""The two side tables of a code object, read and written: source positions and exception handlers.

Formats: CPython ``Objects/locations.md`` and ``InternalDocs/exception_handling.md``; the same in 3.11 to 3.14.
All offsets here count code units of two bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from types import CodeType
from typing import NamedTuple

Position = tuple[int | None, int | None, int | None, int | None]
"""Line, end line, column, end column; as ``CodeType.co_positions`` gives them."""

_NO_LOCATION = 15
_LONG = 14
_NO_COLUMNS = 13
_MOST_UNITS = 8


class Handler(NamedTuple):
    """Exceptions raised in [start, end) continue at ``target`` with the stack cut to ``depth``."""

    start: int
    end: int
    target: int
    depth: int
    lasti: bool


def positions(code: CodeType) -> list[Position]:
    """The source position of each code unit."""
    return list(code.co_positions())


def encode_positions(units: Sequence[Position], first_line: int) -> bytes:
    """A ``co_linetable`` for code whose units have these positions."""
    out = bytearray()
    line = first_line
    for position, group in groupby(units):
        left = sum(1 for _ in group)
        while left:
            length = min(left, _MOST_UNITS)
            left -= length
            line = _encode_entry(out, position, length, line)
    return bytes(out)


def read_handlers(table: bytes) -> list[Handler]:
    """The entries of a ``co_exceptiontable``, in order."""
    values = iter(table)
    handlers = []
    for first in values:
        start = _read_varint(first, values)
        length, target, depth = (_read_varint(next(values), values) for _ in range(3))
        handlers.append(Handler(start, start + length, target, depth >> 1, bool(depth & 1)))
    return handlers


def write_handlers(handlers: Iterable[Handler]) -> bytes:
    """A ``co_exceptiontable`` with these entries, which must not overlap."""
    out = bytearray()
    for handler in sorted(handlers):
        mark = 0x80
        for value in (
            handler.start,
            handler.end - handler.start,
            handler.target,
            handler.depth << 1 | handler.lasti,
        ):
            digits = [value & 63]
            while value := value >> 6:
                digits.append(value & 63 | 64)
            digits.reverse()
            digits[0] |= mark
            mark = 0
            out += bytes(digits)
    return bytes(out)


def _encode_entry(out: bytearray, position: Position, length: int, line: int) -> int:
    start, end, column, end_column = position
    if start is None:
        out.append(0x80 | _NO_LOCATION << 3 | length - 1)
        return line
    if end is None or column is None or end_column is None:
        out.append(0x80 | _NO_COLUMNS << 3 | length - 1)
        _signed(out, start - line)
        return start
    out.append(0x80 | _LONG << 3 | length - 1)
    _signed(out, start - line)
    for value in (end - start, column + 1, end_column + 1):
        _unsigned(out, value)
    return start


def _signed(out: bytearray, value: int) -> None:
    _unsigned(out, -value << 1 | 1 if value < 0 else value << 1)


def _unsigned(out: bytearray, value: int) -> None:
    while value >= 64:
        out.append(value & 63 | 64)
        value >>= 6
    out.append(value)


def _read_varint(first: int, rest: Iterable[int]) -> int:
    value, byte = first & 63, first
    while byte & 64:
        byte = next(iter(rest))
        value = value << 6 | byte & 63
    return value
