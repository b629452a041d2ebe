"""Puts a few instructions in front of a function's own: the fault point inside the function itself.

The function object stays the same, and so do its signature, kind, names and lines: every reference to
it reaches the fault point, no frame is added to any call or traceback, and an injected exception is
raised by the function under fault, at the line of its ``def``. Putting the old ``__code__`` back
leaves no trace.

The instructions are not assembled by hand. A template is compiled by the running interpreter, so
that calls, ``await`` and their caches come out right for its version, and its body is spliced in
right after the function's ``RESUME``. Since Python 3.11 all jumps are relative, so only the position
and exception tables need shifting (``code_tables``).
"""

from __future__ import annotations

import dis
import inspect
import linecache
import re
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import InjectionError
from .code_tables import Handler, encode_positions, positions, read_handlers, write_handlers

_SYNC = """
def template():
    'documentation'
{padding}
    x = 'START'
    if 'gate'() is not None:
        if 'enter'():
            if 'raises'():
                raise 'take'()
            return 'take'()
    x = 'END'
"""
_COROUTINE = """
async def template():
    'documentation'
{padding}
    x = 'START'
    if 'gate'() is not None:
        if 'waits'():
            await 'wait'()
        if 'enter'():
            if 'raises'():
                raise 'take'()
            return 'take'()
    x = 'END'
"""
# An asynchronous generator ends without a value.
_ASYNC_GENERATOR = _COROUTINE.replace("return 'take'()", "'take'()\n            return") + "    yield\n"

_LOAD_CONST = dis.opmap["LOAD_CONST"]
_EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]
_JUMP_FORWARD = dis.opmap["JUMP_FORWARD"]
_RESUME = dis.opmap["RESUME"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What the instructions in front of a function call.

    ``gate`` decides cheaply whether to look closer (None: no). ``waits`` tells whether the coroutine
    ``wait`` is to be awaited first (asynchronous functions only). ``enter`` does what is to be done and
    tells whether the function ends here; then ``raises`` tells how, and ``take`` gives the
    exception or the value.
    """

    gate: Callable[[], object]
    waits: Callable[[], bool]
    wait: Callable[[], Any]
    enter: Callable[[], bool]
    raises: Callable[[], bool]
    take: Callable[[], Any]


def with_prologue(code: types.CodeType, hooks: Hooks) -> types.CodeType:
    """``code`` with the fault point in front. Raises ``InjectionError`` when it cannot be spliced in."""
    template, begin = _template(code)
    body = bytearray(template.co_code[2 * begin :])
    _exit_to_end(body, template, begin)
    at = _body_start(code)
    units = len(body) // 2
    line = def_line(code)
    where = positions(code)
    where[at:at] = [(line, line, None, None)] * units
    return code.replace(
        co_code=code.co_code[: 2 * at] + bytes(body) + code.co_code[2 * at :],
        co_consts=_constants(code, template, hooks),
        co_linetable=encode_positions(where, code.co_firstlineno),
        co_exceptiontable=write_handlers(_handlers(code, template, at, begin, units)),
        co_stacksize=max(code.co_stacksize, template.co_stacksize),
    )


def def_line(code: types.CodeType) -> int:
    """The line of the function's ``def``: ``co_firstlineno`` is that of its first decorator."""
    pattern = re.compile(rf"\s*(async\s+)?def\s+{re.escape(code.co_name)}\b")
    last = min((line for _, _, line in code.co_lines() if line and line > code.co_firstlineno), default=0)
    for line in range(code.co_firstlineno, last + 1):
        if pattern.match(linecache.getline(code.co_filename, line)):
            return line
    return code.co_firstlineno


def _template(code: types.CodeType) -> tuple[types.CodeType, int]:
    """The compiled template for the kind of ``code``, and the unit where its body begins."""
    if code.co_flags & inspect.CO_ASYNC_GENERATOR:
        source = _ASYNC_GENERATOR
    elif code.co_flags & inspect.CO_COROUTINE:
        source = _COROUTINE
    else:
        source = _SYNC
    # Constants are addressed by index, so the template's own have to come after those of the function.
    padding = "\n".join(f"    x = 'pad {index}'" for index in range(len(code.co_consts)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # "'str' object is not callable": it never is called
        module = compile(source.format(padding=padding), "<fault point>", "exec", dont_inherit=True)
    (template,) = (constant for constant in module.co_consts if isinstance(constant, types.CodeType))
    begin = _unit_of(template, "START")[1] + 1  # behind the assignment
    for instruction in dis.get_instructions(template):
        if instruction.offset < 2 * begin:
            continue
        if instruction.opcode in dis.hasconst and instruction.arg < len(code.co_consts):  # type: ignore[operator]
            raise InjectionError(f"constant {instruction.argval!r} of the fault point is out of place")
    return template, begin


def _unit_of(template: types.CodeType, constant: str) -> tuple[int, int]:
    """First unit of the instruction that loads ``constant``, and the unit behind the instruction."""
    first = 0
    for instruction in dis.get_instructions(template):
        if instruction.opcode == _EXTENDED_ARG:
            continue
        unit = instruction.offset // 2
        if instruction.opcode == _LOAD_CONST and instruction.argval == constant:
            extra = 0
            while template.co_code[2 * (unit - extra - 1)] == _EXTENDED_ARG:
                extra += 1
            first = unit - extra
            return first, unit + 1
    raise InjectionError(f"the fault point's marker {constant!r} is missing from the compiled template")


def _exit_to_end(body: bytearray, template: types.CodeType, begin: int) -> None:
    """Let the template's normal end jump to the function's own first instruction."""
    unit = _unit_of(template, "END")[0] - begin
    distance = len(body) // 2 - unit - 2  # from behind the two units written here
    body[2 * unit : 2 * unit + 4] = bytes((_EXTENDED_ARG, distance >> 8, _JUMP_FORWARD, distance & 255))


def _body_start(code: types.CodeType) -> int:
    """The unit behind ``RESUME``: cells are made, the generator is, and the first line has not begun."""
    for unit in range(len(code.co_code) // 2):
        if code.co_code[2 * unit] == _RESUME:
            return unit + 1
    raise InjectionError(f"{code.co_qualname} has no RESUME instruction", where=code.co_filename)


def _constants(code: types.CodeType, template: types.CodeType, hooks: Hooks) -> tuple[object, ...]:
    added = template.co_consts[len(code.co_consts) :]
    return code.co_consts + tuple(
        getattr(hooks, constant) if isinstance(constant, str) and constant in Hooks.__slots__ else constant
        for constant in added
    )


def _handlers(
    code: types.CodeType, template: types.CodeType, at: int, begin: int, units: int
) -> list[Handler]:
    """The handlers of both, moved to where their instructions are now."""
    added = [
        handler._replace(
            start=max(handler.start, begin) + at - begin,
            end=handler.end + at - begin,
            target=handler.target + at - begin,
        )
        for handler in read_handlers(template.co_exceptiontable)
        if handler.end > begin
    ]
    own: list[Handler] = []
    for handler in read_handlers(code.co_exceptiontable):
        target = handler.target + units
        if handler.start >= at:
            own.append(handler._replace(start=handler.start + units, end=handler.end + units, target=target))
        elif handler.end <= at:
            own.append(handler._replace(target=target))
        elif added:
            # Entries must not overlap: what the template guards itself is left to the template.
            own.append(handler._replace(end=at, target=target))
            own.append(handler._replace(start=at + units, end=handler.end + units, target=target))
        else:
            own.append(handler._replace(end=handler.end + units, target=target))
    return own + added
