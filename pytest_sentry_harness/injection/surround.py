"""Runs a function's own instructions within a context manager, inside the function itself.

As with the fault point (``prologue``) the function object stays the same: every reference to it is reached, and no
frame is added to any call, traceback or profile. What stands around the instructions is what the running interpreter
makes of ``with``: a template is compiled, and its entry, its exits and its exception handler are taken from it. What
``with`` keeps on the stack lies below everything the function puts there, so the function does not notice; each
``return`` leaves through the exit, and exceptions that no handler of the function catches through the handler, which
raises them again as they came. Putting the old ``__code__`` back leaves no trace.
"""

from __future__ import annotations

import dis
import inspect
import sys
import types
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from ..errors import InjectionError
from .code_steps import Catch, Step, read_steps, write_steps
from .prologue import def_line

_SOURCE = """
def template():
    x = 'START'
    with 'begin'():
        x = 'BODY'
        return VALUE
"""

_LOAD_CONST = dis.opmap["LOAD_CONST"]
_LOAD_GLOBAL = dis.opmap["LOAD_GLOBAL"]
_RESUME = dis.opmap["RESUME"]
_RETURN_VALUE = dis.opmap["RETURN_VALUE"]
_RETURN_CONST = dis.opmap.get("RETURN_CONST", -1)
_YIELD_VALUE = dis.opmap["YIELD_VALUE"]
_PAUSES = (
    inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE
)
_OF_THE_FUNCTION = frozenset((*dis.haslocal, *dis.hasfree, *dis.hasname)) - {
    dis.opmap.get("LOAD_SPECIAL", -1)
}
# Whether the outermost handler of a generator is its only one, which lets ``close`` pass it by, is said in 3.12 by
# the argument of YIELD_VALUE, from 3.13 by a bit of RESUME's.
_DEPTH_IN_YIELD = sys.version_info[:2] == (3, 12)
_ALONE = 4 if sys.version_info >= (3, 13) else 0


def pauses(code: types.CodeType) -> bool:
    """Whether calls of ``code`` give a coroutine or a generator, so that they may pause."""
    return bool(code.co_flags & _PAUSES)


def surrounded(code: types.CodeType, begin: Callable[[], AbstractContextManager[object]]) -> types.CodeType:
    """``code`` within ``with begin():``. Raises ``InjectionError`` when it cannot be put there.

    The context manager must not raise, nor keep exceptions from going on. Generators and coroutines enter it when
    they are first run, and leave it when they are exhausted, closed or thrown away.
    """
    template = _template(code)
    steps = read_steps(code)
    at = next((index for index, step in enumerate(steps, 1) if step.opcode == _RESUME), 0)
    if not at:
        raise InjectionError(f"{code.co_qualname} has no RESUME instruction", where=code.co_filename)
    constants = list(code.co_consts)
    line = def_line(code)
    for step in (*template.entry, *template.handler, *template.leave):
        step.position = (line, line, None, None)
        if step.opcode in dis.hasconst:
            value = template.code.co_consts[step.argument]
            step.argument = len(constants)
            constants.append(begin if value == "begin" else value)
    for step in steps[:at]:
        step.catch = template.resume_catch if step.catch is not None else None
    written = [*steps[:at], *template.entry]
    for step in steps[at:]:
        catch = step.catch
        step.catch = replace(catch, depth=catch.depth + template.catch.depth) if catch else template.catch
        written += _deeper(step, template)
    written += template.handler
    stack = max(code.co_stacksize + template.catch.depth, template.code.co_stacksize)
    return write_steps(code, written, tuple(constants), stack)


@dataclass(frozen=True, slots=True)
class _Template:
    """The parts of a compiled ``with``."""

    code: types.CodeType
    entry: list[Step]
    leave: list[Step]
    """From the value to be returned, on top of the stack, to its return."""
    handler: list[Step]
    catch: Catch
    """What catches the exceptions of the body."""
    resume_catch: Catch | None
    """What catches those of ``RESUME``: in generators StopIteration must not get out."""


def _template(code: types.CodeType) -> _Template:
    source = f"async {_SOURCE.strip()}" if pauses(code) else _SOURCE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # "'str' object is not callable": it never is called
        module = compile(source, "<operation>", "exec", dont_inherit=True)
    (compiled,) = (constant for constant in module.co_consts if isinstance(constant, types.CodeType))
    steps = read_steps(compiled)

    def index(true: Callable[[Step], bool], what: str, start: int = 0) -> int:
        for number in range(start, len(steps)):
            if true(steps[number]):
                return number
        raise InjectionError(f"Python {sys.version.split()[0]} compiles 'with' in an unknown way: no {what}")

    def loads(value: str) -> Callable[[Step], bool]:
        return lambda step: step.opcode == _LOAD_CONST and compiled.co_consts[step.argument] == value

    resume = index(lambda step: step.opcode == _RESUME, "RESUME")
    start = index(loads("START"), "start") + 2  # behind the assignment
    body = index(loads("BODY"), "body", start)
    value = index(lambda step: step.opcode == _LOAD_GLOBAL, "value", body) + 1
    last = index(lambda step: step.opcode == _RETURN_VALUE, "return", value) + 1
    catch = steps[body].catch
    if catch is None or not catch.lasti:
        raise InjectionError(f"Python {sys.version.split()[0]} compiles 'with' in an unknown way: no handler")
    handler = index(lambda step: step is catch.step, "handler", last)
    found = _Template(
        code=compiled,
        entry=steps[start:body],
        leave=steps[value:last],
        handler=steps[handler:],
        catch=catch,
        resume_catch=steps[resume].catch,
    )
    for step in (*found.entry, *found.leave, *found.handler):
        if step.opcode in _OF_THE_FUNCTION:
            name = dis.opname[step.opcode]
            raise InjectionError(f"Python {sys.version.split()[0]} compiles 'with' in an unknown way: {name}")
    return found


def _deeper(step: Step, template: _Template) -> list[Step]:
    """``step`` as it is within the template's ``with``."""
    if step.opcode == _RESUME:
        step.argument &= ~_ALONE
    elif step.opcode == _YIELD_VALUE and _DEPTH_IN_YIELD:
        step.argument += 1
    if step.opcode not in (_RETURN_VALUE, _RETURN_CONST):
        return [step]
    # The first instruction stays the one that jumps lead to.
    leave = [replace(each, position=step.position) for each in template.leave]
    if step.opcode == _RETURN_CONST:
        step.opcode = _LOAD_CONST
        step.catch = template.leave[0].catch
        return [step, *leave]
    first = leave.pop(0)
    step.opcode, step.argument, step.caches, step.catch = (
        first.opcode,
        first.argument,
        first.caches,
        first.catch,
    )
    return [step, *leave]
