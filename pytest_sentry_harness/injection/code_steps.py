"""A function's code as a list of instructions that can be added to, and back.

Jumps and exception handlers name the instruction they lead to, so that nothing has to be counted until the end.
Since Python 3.11 all jumps are relative; a jump's distance is counted from behind its inline caches.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ..errors import InjectionError
from .code_tables import Handler, Position, encode_positions, positions, read_handlers, write_handlers

_CACHE = dis.opmap["CACHE"]
_EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]
_BACKWARD = frozenset(
    number for name, number in dis.opmap.items() if "BACKWARD" in name or name == "END_ASYNC_FOR"
)


@dataclass(slots=True, eq=False)
class Step:
    """One instruction with its inline caches."""

    opcode: int
    argument: int
    caches: int
    position: Position
    target: Step | None = None
    """Where it jumps to."""
    catch: Catch | None = None
    """Where exceptions raised in it go on; None: out of the function."""


@dataclass(frozen=True, slots=True)
class Catch:
    """Exceptions go on at ``step``, with the stack cut to ``depth``; ``lasti``: the place they came from on top."""

    step: Step
    depth: int
    lasti: bool


def read_steps(code: types.CodeType) -> list[Step]:
    """The instructions of ``code``."""
    raw, where = code.co_code, positions(code)
    units = len(raw) // 2
    starts: dict[int, Step] = {}
    ends: dict[int, int] = {}
    unit = 0
    while unit < units:
        start, argument = unit, 0
        while raw[2 * unit] == _EXTENDED_ARG:
            argument = (argument | raw[2 * unit + 1]) << 8
            unit += 1
        step = Step(raw[2 * unit], argument | raw[2 * unit + 1], 0, where[unit])
        unit += 1
        while unit < units and raw[2 * unit] == _CACHE:
            step.caches += 1
            unit += 1
        starts[start], ends[start] = step, unit
    for start, step in starts.items():
        if step.opcode in dis.hasjrel:
            distance = -step.argument if step.opcode in _BACKWARD else step.argument
            step.target = _at(starts, ends[start] + distance, code)
    for handler in read_handlers(code.co_exceptiontable):
        catch = Catch(_at(starts, handler.target, code), handler.depth, handler.lasti)
        for start, step in starts.items():
            if handler.start <= start < handler.end:
                step.catch = catch
    return list(starts.values())


def write_steps(
    code: types.CodeType, steps: Sequence[Step], constants: tuple[object, ...], stack: int
) -> types.CodeType:
    """``code`` with these instructions and constants. Raises ``InjectionError`` when a jump leads nowhere."""
    starts = _lay_out(steps, code)
    body = bytearray()
    where: list[Position] = []
    for step in steps:
        for shift in range(8 * _extras(step.argument), 0, -8):
            body += bytes((_EXTENDED_ARG, step.argument >> shift & 255))
        body += bytes((step.opcode, step.argument & 255)) + bytes(2 * step.caches)
        where += [step.position] * (len(body) // 2 - len(where))
    return code.replace(
        co_code=bytes(body),
        co_consts=constants,
        co_linetable=encode_positions(where, code.co_firstlineno),
        co_exceptiontable=write_handlers(_handlers(steps, starts)),
        co_stacksize=stack,
    )


def _at(starts: dict[int, Step], unit: int, code: types.CodeType) -> Step:
    step = starts.get(unit)
    if step is None:
        raise InjectionError(
            f"{code.co_qualname} leads into the middle of an instruction", where=code.co_filename
        )
    return step


def _extras(argument: int) -> int:
    """How many ``EXTENDED_ARG`` it takes."""
    return max(0, (argument.bit_length() + 7) // 8 - 1)


def _lay_out(steps: Sequence[Step], code: types.CodeType) -> dict[Step, int]:
    """Where each instruction begins, in units; the distances of jumps are filled in."""
    widths = {step: 1 + step.caches + (0 if step.target else _extras(step.argument)) for step in steps}
    while True:
        starts: dict[Step, int] = {}
        unit = 0
        for step in steps:
            starts[step] = unit
            unit += widths[step]
        jumps = [(step, step.target) for step in steps if step.target is not None]
        grown = False
        for step, target in jumps:
            if target not in starts:
                raise InjectionError(f"a jump in {code.co_qualname} leads nowhere", where=code.co_filename)
            distance = starts[target] - starts[step] - widths[step]
            step.argument = -distance if step.opcode in _BACKWARD else distance
            if step.argument < 0:
                raise InjectionError(f"a jump in {code.co_qualname} is turned round", where=code.co_filename)
            width = 1 + step.caches + _extras(step.argument)
            if width > widths[step]:
                widths[step], grown = width, True
        if not grown:
            if any(widths[step] != 1 + step.caches + _extras(step.argument) for step, _ in jumps):
                raise InjectionError(f"{code.co_qualname} cannot be laid out", where=code.co_filename)
            return starts


def _handlers(steps: Sequence[Step], starts: dict[Step, int]) -> list[Handler]:
    found: list[Handler] = []
    for catch, group in groupby(steps, key=lambda step: step.catch):
        if catch is None:
            continue
        covered = list(group)
        last = covered[-1]
        end = starts[last] + 1 + last.caches + _extras(last.argument)
        found.append(Handler(starts[covered[0]], end, starts[catch.step], catch.depth, catch.lasti))
    return found
