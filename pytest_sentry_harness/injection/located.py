"""Finds what a fault point's import path names, and what there is to arm."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import InjectionError, nearest

_MOST_LAYERS = 50

_NEEDED = frozenset(
    {
        *("builtins", "os", "posix", "nt", "posixpath", "ntpath", "sys", "time", "threading", "_thread"),
        *("json", "_json", "io", "_io", "contextvars", "_contextvars", "pytest_sentry_harness"),
    }
)
_REFERENCE = "pytest_sentry_harness.reference"


class MissingPointError(InjectionError):
    """There is nothing to arm at the path; ``near`` holds similar names."""

    def __init__(self, what: str, *, near: tuple[str, ...] = ()) -> None:
        hint = f"did you mean {' or '.join(near)}?" if near else None
        super().__init__(what, hint=hint)
        self.near = near


class NeededPointError(InjectionError):
    """The agent itself calls what is at the path."""

    def __init__(self, at: str) -> None:
        super().__init__(f"{at}: the agent itself depends on it; choose a function of the application")


@dataclass(frozen=True, slots=True)
class FaultPath:
    """``package.module:Class.method``, taken apart."""

    module: str
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, at: str) -> FaultPath:
        """Raises ``MissingPointError`` when ``at`` is not a path of that form."""
        module, colon, names = at.partition(":")
        parts = tuple(names.split("."))
        if not colon or not all(part.isidentifier() for part in (*module.split("."), *parts)):
            raise MissingPointError(f"{at!r} is not an import path of the form package.module:Class.method")
        return cls(module, parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """What to arm: ``function`` by its code, or, without one, the attribute ``name`` of ``owner``."""

    owner: object
    name: str
    found: object
    function: types.FunctionType | None
    note: str = ""


def locate(module: types.ModuleType, path: FaultPath) -> Located:
    """Follow ``path`` inside ``module``. Raises ``MissingPointError`` with the nearest names."""
    owner: object = module
    definer: object = module
    found: object = module
    for depth, part in enumerate(path.parts):
        owner = found
        known = _names(owner)
        if part not in known:
            where = ".".join((path.module, *path.parts[:depth]))
            near = tuple(
                f"{path.module}:{'.'.join((*path.parts[:depth], name))}"
                for name in nearest(part, sorted(known))
            )
            raise MissingPointError(f"{where} has no {part!r}", near=near)
        definer, found = _look_up(owner, part)
    return _located(owner, definer, path.parts[-1], found)


def refuse_needed(at: str, module: str) -> None:
    """Raises ``NeededPointError`` when what is at ``at``, in ``module``, is needed by the agent."""
    if module.partition(".")[0] in _NEEDED and not f"{module}.".startswith(f"{_REFERENCE}."):
        raise NeededPointError(at)


def module_of(located: Located) -> str:
    """The module that would be changed: that of the function, whatever name led to it, or of the attribute."""
    if located.function is not None:
        return str(located.function.__globals__.get("__name__", ""))
    owner = located.owner
    return str(owner.__name__ if isinstance(owner, types.ModuleType) else getattr(owner, "__module__", ""))


def still_held(original: object, *, besides: object) -> tuple[str, ...]:
    """Names in imported modules that hold ``original``, as ``module.attribute``, except those of ``besides``."""
    return tuple(
        sorted(
            f"{module_name}.{name}"
            for module_name, module in list(sys.modules.items())
            if isinstance(module, types.ModuleType) and module is not besides
            for name, value in list(vars(module).items())
            if value is original
        )
    )


def _located(owner: object, definer: object, name: str, found: object) -> Located:
    notes: list[str] = []
    if definer is not owner and isinstance(definer, type):
        notes.append(
            f"inherited: armed in {definer.__module__}.{definer.__qualname__}, so for its other heirs too"
        )
    inner = found
    if isinstance(found, type):
        inner = vars(found).get("__init__")
        if not isinstance(inner, types.FunctionType):
            raise MissingPointError(
                f"{name!r} is a class without an __init__ of its own in Python: name one of its methods"
            )
        notes.append(f"a class: armed in its __init__ (same as {name}.__init__)")
    layers: list[str] = []
    for _ in range(_MOST_LAYERS):
        below, layer = _unwrap(inner)
        if below is None:
            break
        inner = below
        if layer:
            layers.append(layer)
    if layers:
        notes.append(f"decorated: armed in the function inside {', '.join(layers)}")
    if isinstance(inner, types.FunctionType):
        return Located(owner=owner, name=name, found=found, function=inner, note="; ".join(notes))
    if not callable(found):
        raise MissingPointError(f"{name!r} is not a function but a {type(found).__name__}")
    if isinstance(owner, type) and not owner.__flags__ & (1 << 9):  # Py_TPFLAGS_HEAPTYPE
        raise MissingPointError(f"{owner.__name__}.{name} belongs to a built-in class and cannot be replaced")
    return Located(owner=owner, name=name, found=found, function=None)


def _unwrap(value: object) -> tuple[object | None, str]:
    """What ``value`` wraps, and what to call the layer taken off; (None, "") at the innermost."""
    if isinstance(value, staticmethod | classmethod | types.MethodType):
        return value.__func__, ""
    if isinstance(value, property):
        return value.fget, ""
    if isinstance(value, functools.cached_property):
        return value.func, ""
    wrapped = getattr(value, "__wrapped__", None)
    if wrapped is None or isinstance(value, type) or not callable(wrapped):
        return None, ""
    if isinstance(value, types.FunctionType):
        return (
            wrapped,
            f"{value.__code__.co_qualname} ({value.__code__.co_filename}:{value.__code__.co_firstlineno})",
        )
    return wrapped, f"{type(value).__module__}.{type(value).__qualname__}"


def _names(owner: object) -> Iterable[str]:
    if isinstance(owner, type):
        return {name for kind in owner.__mro__ for name in vars(kind)}
    return dir(owner)


def _look_up(owner: object, name: str) -> tuple[object, object]:
    """Who defines ``name``, and what is there, descriptors as they are."""
    if isinstance(owner, type):
        for kind in owner.__mro__:
            if name in vars(kind):
                return kind, vars(kind)[name]
    return owner, getattr(owner, name)
