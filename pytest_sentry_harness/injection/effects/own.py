"""Effects that a project adds: imported by their path, in whatever process the fault is armed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable

from ...errors import InjectionError
from ...model.arming import ArmedKind
from .effect import Effect
from .registry import Effects


def effects_with(kinds: Iterable[ArmedKind]) -> Effects:
    """Our effects and those of ``kinds``. Raises ``InjectionError`` when one cannot be had."""
    effects = Effects()
    for kind in kinds:
        effects.register(load_effect(kind))
    return effects


def load_effect(kind: ArmedKind) -> type[Effect]:
    """The class of ``kind``. Raises ``InjectionError`` saying why it cannot be had here."""
    module_name, _, class_name = kind.path.partition(":")
    where = f"fault kind {kind.name!r} ({kind.path})"
    # At a target's start, the folder of its program is not on the path yet.
    sys.path.append(kind.folder)
    try:
        found: object = importlib.import_module(module_name)
        for part in class_name.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise InjectionError(
            f"it cannot be imported: {type(error).__name__}: {error}",
            where=where,
            hint="keep it in a module that needs nothing but the standard library and this project, "
            "and install its package where the target runs",
        ) from error
    finally:
        sys.path.reverse()
        sys.path.remove(kind.folder)
        sys.path.reverse()
    if not isinstance(found, type) or getattr(found, "KIND", None) != kind.name:
        raise InjectionError(f"it is {found!r}, no effect with KIND = {kind.name!r}", where=where)
    return found
