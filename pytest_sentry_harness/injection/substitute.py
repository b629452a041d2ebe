"""Fault points where there is no Python code to extend: built-in functions and callable objects.

The attribute is replaced by a wrapper; names that were bound to the object before keep the original.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import wrapt

from .located import Located
from .prologue import Hooks

_SOURCE = """
def {name}(wrapped, instance, args, kwargs):
    if gate() is not None:
        if enter():
            if raises():
                raise take()
            return take()
    return wrapped(*args, **kwargs)
"""


def substitute(
    located: Located, hooks: Hooks, changed: Callable[[types.CodeType], types.CodeType] = lambda code: code
) -> object:
    """Put a wrapper in the place of ``located``, and give it back. ``changed`` makes of its code what will be run."""
    # Compiled under the name of the function, so that tracebacks show the fault point and no agent file.
    name, found = located.name, located.found
    assert callable(found)
    namespace: dict[str, Any] = {hook: getattr(hooks, hook) for hook in Hooks.__slots__}
    exec(compile(_SOURCE.format(name=name), f"<fault point {name}>", "exec"), namespace)  # noqa: S102
    wrapper: types.FunctionType = namespace[name]
    wrapper.__code__ = changed(wrapper.__code__)
    substituted = wrapt.FunctionWrapper(found, wrapper)
    setattr(located.owner, name, substituted)
    return substituted
