"""Which libraries a function reaches for, read off its code: nothing is run, nothing is wrapped.

A function names what it uses: ``httpx.get(...)``, ``client.get(...)`` with a global ``client``, ``session.query(...)``
by way of a helper next door. Those names are looked up where the function would find them, and functions of the
application's own are followed for a few steps. What only an argument or an attribute of ``self`` brings in is not seen.
"""

from __future__ import annotations

import dis
import inspect
import sys
import sysconfig
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..model.ledger import Note, Place, Uses
from ..model.libraries import Client, client_of
from .recorder import Recorder

_MOST_STEPS = 4
"""Functions that are followed, one from within the other."""
_MOST_FUNCTIONS = 200
_STANDARD = sysconfig.get_path("stdlib")


class Use(NamedTuple):
    """A library, and the line that reaches for it."""

    library: str
    place: Place


def write_uses(operation: str, function: Any, recorder: Recorder) -> None:
    """Write into the ledger which libraries ``function`` of the marked ``operation`` reaches for."""
    try:
        used = libraries_used(function)
    except Exception as error:  # noqa: BLE001 - what is not known is not worth the measurement
        text = f"what operation {operation!r} uses cannot be read: {type(error).__name__}: {error}"
        recorder.write(Note, level="info", text=text)
        return
    for use in used:
        recorder.write(Uses, operation=operation, library=use.library, place=use.place)


def libraries_used(function: Any) -> tuple[Use, ...]:
    """The libraries of ``CLIENTS`` that ``function`` reaches for, each with the first line that does."""
    found: dict[str, Use] = {}
    seen: set[types.CodeType] = set()
    waiting = [(function, 0)]
    while waiting and len(seen) < _MOST_FUNCTIONS:
        current, steps = waiting.pop(0)
        code = _code_of(current)
        if code is None or code in seen:
            continue
        seen.add(code)
        for value, line in _reached_for(code, _names_of(current)):
            client = _client_behind(value)
            if client is not None:
                place = Place(file=code.co_filename, line=line, function=code.co_qualname)
                found.setdefault(client.module, Use(client.module, place))
            elif steps < _MOST_STEPS and _code_of(value) is not None and not _installed(value):
                waiting.append((value, steps + 1))
    return tuple(found.values())


def _reached_for(code: types.CodeType, names: dict[str, Any]) -> Iterator[tuple[Any, int]]:
    """What the names in ``code`` stand for, with their lines; functions defined within it included."""
    line = code.co_firstlineno
    previous: Any = None
    for instruction in dis.get_instructions(code):
        if instruction.starts_line is not None:
            line = instruction.positions.lineno or line if instruction.positions else line
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF"):
            previous = names.get(str(instruction.argval))
            if previous is not None:
                yield previous, line
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(
            previous, types.ModuleType | type
        ):
            # ``database.session()``: what a module or class of the application's own holds.
            previous = inspect.getattr_static(previous, str(instruction.argval), None)
            previous = getattr(previous, "__func__", previous)
            if previous is not None:
                yield previous, line
        elif instruction.opname == "IMPORT_NAME":
            previous = sys.modules.get(str(instruction.argval))
            if previous is not None:
                yield previous, line
        else:
            previous = None
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _reached_for(constant, names)


def _names_of(function: Any) -> dict[str, Any]:
    """What the names in ``function`` stand for: builtins left out, its closure included."""
    function = _bare(function)
    names = dict(function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not filled yet
            continue
    return names


def _bare(function: Any) -> Any:
    function = getattr(function, "__func__", function)
    return inspect.unwrap(function) if isinstance(function, types.FunctionType) else function


def _code_of(value: Any) -> types.CodeType | None:
    function = _bare(value)
    return function.__code__ if isinstance(function, types.FunctionType) else None


def _client_behind(value: Any) -> Client | None:
    """The library that ``value`` comes from: a module, or what a class, function or object says of itself."""
    if isinstance(value, types.ModuleType):
        return client_of(value.__name__)
    own = getattr(value, "__module__", None) if isinstance(value, type | types.FunctionType) else None
    return client_of(own if isinstance(own, str) else type(value).__module__)


def _installed(value: Any) -> bool:
    """It belongs to a library, and not to the application."""
    code = _code_of(value)
    return code is None or "/site-packages/" in code.co_filename or code.co_filename.startswith(_STANDARD)
