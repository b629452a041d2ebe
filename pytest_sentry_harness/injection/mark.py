"""The mark on an injected exception: by it the exception is known wherever it goes, and for as long as it lives.

It is a string in the exception's ``__dict__``, so copies have it too, also those pickled into another process.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

KEY = "__sentry_harness__"

# Taken from the base class: what a class does to its own attributes does not matter then.
_dict_of: Callable[[BaseException], dict[str, Any]] = BaseException.__dict__["__dict__"].__get__


class Mark(str):
    """The fault id an exception carries. ``owner``: who put it there, in this process."""

    __slots__ = ("__weakref__", "owner")
    owner: object

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Pickled as plain text: reading it takes nothing of this project."""
        return str, (str(self),)


def put_mark(
    exception: BaseException, fault_id: str, owner: object, gone: Callable[[weakref.ref[Mark]], None]
) -> weakref.ref[Mark]:
    """Mark ``exception``. ``gone`` is called when neither it nor a copy is left; it may not do much."""
    mark = Mark(fault_id)
    mark.owner = owner
    _dict_of(exception)[KEY] = mark
    return weakref.ref(mark, gone)


def marked_id(exception: BaseException, owner: object) -> str | None:
    """The fault id on ``exception``; None for exceptions without, and for those of another owner here."""
    mark = _dict_of(exception).get(KEY)
    if isinstance(mark, Mark) and mark.owner is not owner:
        return None
    return str(mark) if isinstance(mark, str) else None
