"""``raise(TimeoutError)``, ``raise(pkg.errors.Conflict('text', 409))``: a fresh exception at each firing.

The class is looked up at the firing, not before: importing it earlier could change the application's
order of imports.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from typing import ClassVar

from ...errors import InjectionError, did_you_mean
from ...plan.terms import Term, raise_arguments
from .effect import Action


class Raise:
    """Raise an exception named by builtin name or import path."""

    KIND: ClassVar[str] = "raise"

    def __init__(self, term: Term) -> None:
        self._arguments = raise_arguments(term)

    def action(self) -> Action:
        """The exception to raise. Raises ``InjectionError`` when its class or instance cannot be had."""
        kind = exception_class(self._arguments.exception)
        try:
            exception = kind(*self._arguments.args)
        except Exception as error:
            raise InjectionError(
                f"{self._arguments.exception}{self._arguments.args!r} cannot be built: {type(error).__name__}: {error}",
                hint="give the constructor the literal arguments it needs",
            ) from error
        if not isinstance(exception, BaseException):
            raise InjectionError(
                f"{self._arguments.exception}{self._arguments.args!r} gave no exception but"
                f" {type(exception).__name__}: its __new__ makes something else",
                hint="name a class whose instances are exceptions",
            )
        return Action(exception=exception, followed=True)


def exception_class(name: str) -> type[BaseException]:
    """The exception class ``name``. Raises ``InjectionError`` saying which part of the path is wrong."""
    parts = name.split(".")
    if len(parts) == 1:
        found: object = getattr(builtins, name, None)
        if found is None:
            known = [key for key, value in vars(builtins).items() if _is_exception(value)]
            raise InjectionError(
                f"{name!r} is no builtin exception",
                hint=f"{did_you_mean(name, known)} Others need their import path: package.module.{name}",
            )
    else:
        found = _imported(parts)
    if not _is_exception(found):
        raise InjectionError(f"{name} is not an exception class but {found!r}", hint="name a class")
    return found  # type: ignore[return-value]


def _imported(parts: list[str]) -> object:
    for length in range(len(parts) - 1, 0, -1):
        module_name = ".".join(parts[:length])
        try:
            found: object = (
                sys.modules.get(module_name)
                or _main_program(module_name)
                or importlib.import_module(module_name)
            )
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise InjectionError(f"{module_name} cannot be imported: {error}") from error
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                raise InjectionError(
                    f"{module_name} has no {'.'.join(parts[length:])}",
                    hint=did_you_mean(part, [name for name in dir(found) if not name.startswith("_")]),
                )
            found = getattr(found, part)
        return found
    raise InjectionError(
        f"there is no module {parts[0]!r} to take {'.'.join(parts)} from",
        hint="the exception is imported in the target: is its package installed there?",
    )


def _main_program(name: str) -> object:
    """The main program, if it was started as ``python -m name``: importing it would run it a second time."""
    main = sys.modules.get("__main__")
    return main if getattr(getattr(main, "__spec__", None), "name", None) == name else None


def _is_exception(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)
