"""What hooks make of an event on its way: another id, or other exceptions than it had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ...model.ledger import Place
from . import drops

_MOST = 1000


class _Told(NamedTuple):
    event_id: Any
    exceptions: tuple[str, ...]


@dataclass(slots=True)
class Changes:
    """Of one event: looked at before the processors, after them, and after ``before_send``."""

    what: tuple[Literal["event_id", "exception"], ...] = ()
    culprit: str = ""
    place: Place | None = None
    _first: _Told | None = None
    _processed: _Told | None = None

    def begin(self, event: Any) -> None:
        """``event`` goes to the processors."""
        self._first = self._processed = _told(event)

    def processed(self, event: Any) -> None:
        """``event`` is what processors made of it; some of them perhaps not the last."""
        if self._first is not None and isinstance(event, dict):
            self._processed = _told(event)

    def end(self, client: Any, event: Any) -> None:
        """``event`` came out of ``before_send``."""
        if self._first is None or self._processed is None or not isinstance(event, dict):
            return
        last = _told(event)
        self.what = _different(self._first, last)
        if _different(self._processed, last):
            self.culprit, self.place = drops.changed_by_hook(client)
        elif self.what:
            self.culprit = "an event processor"


def _told(event: Any) -> _Told:
    exception = event.get("exception")
    values = exception.get("values") if isinstance(exception, dict) else None
    found = values[:_MOST] if isinstance(values, list) else []
    types = tuple(str(value.get("type")) for value in found if isinstance(value, dict))
    return _Told(event.get("event_id"), types)


def _different(before: _Told, after: _Told) -> tuple[Literal["event_id", "exception"], ...]:
    what: list[Literal["event_id", "exception"]] = []
    if before.event_id != after.event_id:
        what.append("event_id")
    if before.exceptions != after.exceptions:
        what.append("exception")
    return tuple(what)
