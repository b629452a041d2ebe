"""Tells module names that exist from others, without importing anything."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable
from typing import Any

from ..errors import nearest


def unknown_module(name: str) -> tuple[str, ...] | None:
    """None when a module ``name`` exists, found without importing anything; else similar names."""
    path: Any = None
    parts = name.split(".")
    for depth in range(len(parts)):
        prefix = ".".join(parts[: depth + 1])
        spec = _find_spec(prefix, path)
        if spec is None:
            known = {info.name for info in pkgutil.iter_modules(path)} | (
                {module for module in list(sys.modules) if "." not in module} if path is None else set()
            )
            base = ".".join((*parts[:depth], ""))
            return tuple(base + near for near in nearest(parts[depth], sorted(known)))
        path = spec.submodule_search_locations
        if path is None and depth + 1 < len(parts):
            return ()
    return None


def _find_spec(name: str, path: Any) -> Any:
    for finder in sys.meta_path:
        find: Callable[..., Any] | None = getattr(finder, "find_spec", None)
        spec = find(name, path) if find is not None else None
        if spec is not None:
            return spec
    return None
