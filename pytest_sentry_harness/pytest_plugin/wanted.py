"""A description of an event that a test looks for, or wants never to see."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from .differences import missing_parts, shown
from .explain import exceptions_of, message_of

Event = dict[str, Any]
_MOST_PROBLEMS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that is given must be so; what is None is not asked for."""

    like: Mapping[str, Any] | None = None
    exception: type[BaseException] | str | None = None
    message: str | re.Pattern[str] | None = None
    level: str | None = None
    fault: str | None = None
    where: Callable[[Event], bool] | None = None
    kind: str = "event"

    def problems(self, event: Event, fault_of: Mapping[str, str]) -> list[str]:
        """Why ``event`` is not one of those described; nothing when it is. ``fault_of``: event id to fault."""
        found: list[str] = []
        if self.exception is not None and not any(
            _is_of(value, self.exception) for value in exceptions_of(event)
        ):
            kinds = " and ".join(str(value.get("type")) for value in exceptions_of(event)) or "none"
            found.append(f"its exception is {kinds}, not {_name(self.exception)}")
        if self.message is not None and not any(_in(self.message, text) for text in _texts(event)):
            found.append(f"its message has no {shown(self.message)}")
        if self.level is not None and event.get("level", "error") != self.level:
            found.append(f"its level is {event.get('level', 'error')}, not {self.level}")
        if self.fault is not None and fault_of.get(str(event.get("event_id"))) != self.fault:
            fault = fault_of.get(str(event.get("event_id")))
            found.append(f"it is about {f'fault {fault!r}' if fault else 'no fault'}, not {self.fault!r}")
        if self.like is not None:
            places = [difference.words() for difference in missing_parts(self.like, event)]
            found += places[:_MOST_PROBLEMS]
            if len(places) > _MOST_PROBLEMS:
                found.append(f"and {len(places) - _MOST_PROBLEMS} other differences")
        if self.where is not None and not found and not self.where(event):
            found.append(f"{_name(self.where)} says no")
        return found

    def __str__(self) -> str:
        parts = []
        if self.exception is not None:
            parts.append(f"exception {_name(self.exception)}")
        if self.message is not None:
            parts.append(f"message with {shown(self.message)}")
        if self.level is not None:
            parts.append(f"level {self.level}")
        if self.fault is not None:
            parts.append(f"about fault {self.fault!r}")
        if self.like is not None:
            parts.append(f"like {shown(dict(self.like))}")
        if self.where is not None:
            parts.append(f"for which {_name(self.where)} is true")
        return ", ".join(parts)

    def checked(self, where: str) -> Wanted:
        """Itself. Raises ``UsageError`` when an argument is of a kind that could never be met."""
        for name, kinds, what in (
            ("like", Mapping, "a dictionary"),
            ("exception", (type, str), "an exception class or its name"),
            ("message", (str, re.Pattern), "text or a compiled pattern"),
            ("level", str, "text"),
        ):
            value = getattr(self, name)
            if value is not None and not isinstance(value, kinds):
                raise UsageError(f"{name} must be {what}, not {type(value).__name__}", where=where)
        return self


def told(wanted: Wanted, times: int) -> str:
    """What is looked for, for people: ``an event (level error)``, ``2 events (…)``."""
    description = str(wanted)
    kind = wanted.kind
    article = "an" if kind[:1] in "aeiou" else "a"
    what = f"{article} {kind}" if times == 1 else f"{times} {kind}s"
    return f"{what} ({description})" if description else what


def _is_of(value: Mapping[str, Any], wanted: type[BaseException] | str) -> bool:
    module, kind = value.get("module") or "builtins", str(value.get("type"))
    if isinstance(wanted, type):
        return kind in (wanted.__qualname__, wanted.__name__) and module == wanted.__module__
    return wanted in (kind, f"{module}.{kind}")


def _texts(event: Event) -> list[str]:
    return [*(str(value.get("value")) for value in exceptions_of(event)), message_of(event)]


def _in(wanted: str | re.Pattern[str], text: str) -> bool:
    return wanted in text if isinstance(wanted, str) else wanted.search(text) is not None


def _name(thing: object) -> str:
    return thing if isinstance(thing, str) else str(getattr(thing, "__name__", thing))
