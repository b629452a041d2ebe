"""Replaces attributes, and puts every one back exactly."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

_ABSENT = object()


class Patches:
    """The attributes replaced so far."""

    def __init__(self) -> None:
        self._done: list[tuple[Callable[[], Any], str, object, object]] = []
        self._lock = threading.Lock()

    def wrap(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Replace ``owner.name`` by ``make(what is there)``. Raises ``AttributeError`` when nothing is."""
        own = vars(owner).get(name, _ABSENT)
        replacement = make(getattr(owner, name))
        setattr(owner, name, replacement)
        try:
            reference: Callable[[], Any] = weakref.ref(owner)
        except TypeError:
            reference = lambda: owner  # noqa: E731
        with self._lock:
            self._done.append((reference, name, own, replacement))

    def undo(self) -> None:
        """Put everything back, last first; what somebody else has replaced since stays theirs."""
        with self._lock:
            done, self._done = self._done, []
        for reference, name, own, replacement in reversed(done):
            owner = reference()
            if owner is None or vars(owner).get(name) is not replacement:
                continue
            if own is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, own)
