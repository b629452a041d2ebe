"""Reading payloads that anybody may have sent: what is not of the wanted type is missing, nothing raises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...protocol.event_fields import lenient_text, seconds_of, tags_of
from .catalogue import FieldType, Kind, field_type, known_fields, tag_name

Fields = Callable[[str], Sequence[object]]
"""Name of a field → its values; empty when it is missing."""
Getter = Callable[[Any], Iterable[object]]
"""Payload → the values of one field."""

_MILLISECONDS = {
    "nanosecond": 1e-6,
    "microsecond": 1e-3,
    "millisecond": 1.0,
    "second": 1e3,
    "minute": 6e4,
    "hour": 3.6e6,
    "day": 8.64e7,
    "week": 6.048e8,
}


class Row:
    """One event, transaction, span, group of sessions or issue, asked by Sentry's field names.

    A field is read when it is asked for, and once. ``at`` is the row's own time, ``received_at`` when it arrived, both
    seconds since the epoch.
    """

    __slots__ = ("_getters", "_read", "_source", "_tags", "at", "kind", "project", "received_at")

    def __init__(
        self,
        kind: Kind,
        source: Any,
        getters: Mapping[str, Getter],
        tags: Mapping[str, object],
        *,
        at: float,
        received_at: float,
        project: str = "",
    ) -> None:
        self.kind: Kind = kind
        self.at = at
        self.received_at = received_at
        self.project = project
        self._source = source
        self._getters = getters
        self._tags = tags
        self._read: dict[str, tuple[object, ...]] = {}

    def __call__(self, name: str) -> Sequence[object]:
        """The values of a field or, when it is none, of the tag of that name."""
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = tuple(value for value in self._look_up(name) if value is not None)
        return found

    def _look_up(self, name: str) -> Iterable[object]:
        if name == "timestamp" or name == "event.timestamp":
            return (self.at,)
        if name in ("project", "project.id", "project.name"):
            return (self.project,) if self.project else ()
        if name == "issue.id":
            return self("issue")
        getter = self._getters.get(name)
        if getter is not None:
            found = tuple(value for value in getter(self._source) if value is not None)
            # A field such as http.status_code also comes as a tag of the same name.
            return found or (self._tags.get(name),)
        if name.startswith("measurements."):
            return (measurement(self._source, name.removeprefix("measurements."))[0],)
        if name.startswith("spans."):
            return (span_time(self._source, name.removeprefix("spans.")),)
        tag = tag_name(name)
        return (self._tags.get(name if tag is None else tag),)

    def names(self) -> tuple[str, ...]:
        """The fields and tags that have a value in this row."""
        own = [name for name in known_fields(self.kind) if self(name)]
        measured = mapping(at(self._source, "measurements"))
        return (*own, *(f"measurements.{name}" for name in measured), *self._tags)

    def unit(self, name: str) -> str:
        """The unit in which the values of a field were sent, such as ``byte``; ``""`` when they have none."""
        if name.startswith("measurements."):
            return measurement(self._source, name.removeprefix("measurements."))[1]
        return "millisecond" if self.type(name) == "duration" else ""

    def type(self, name: str) -> FieldType | None:
        """The type of the field in rows of this kind; None for a tag."""
        return field_type(name, self.kind)


def at(data: object, *path: str) -> Any:
    """What stands at ``path``; None when anything on the way is missing or no object."""
    for name in path:
        if not isinstance(data, Mapping):
            return None
        data = data.get(name)
    return data


def mapping(value: object) -> Mapping[str, Any]:
    """``value`` when it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects(value: object, under: str = "values") -> list[Mapping[str, Any]]:
    """The objects of a list, or of the list at ``under``; one object alone counts as a list of it."""
    if isinstance(value, Mapping):
        inner = value.get(under)
        value = inner if isinstance(inner, list) else [] if under in value else [value]
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def text_of(value: object) -> str | None:
    """A primitive value as text, as a tag has it; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return lenient_text(value) if isinstance(value, int) or math.isfinite(value) else None
    return None


def first_text(values: Iterable[object]) -> str | None:
    """The first of ``values`` that can be text."""
    return next((text for text in map(text_of, values) if text is not None), None)


def is_number(value: object) -> bool:
    """A finite number, and no boolean."""
    return number_of(value) is not None


def number_of(value: object) -> float | None:
    """A finite number as it is; None for anything else, numbers in quotes included."""
    if type(value) is float:
        return value if math.isfinite(value) else None
    if type(value) is int:
        return float(value) if abs(value) < 2**1000 else None
    return None


def moment(value: object) -> float | None:
    """Seconds since the epoch of an RFC 3339 text or a number; None when it is no time."""
    return seconds_of(value, "", []) if type(value) in (str, int, float) else None  # type: ignore[arg-type]


def milliseconds(start: float, end: float) -> float:
    """From ``start`` to ``end``, both in seconds since the epoch, which hold less than a microsecond of truth."""
    return round((end - start) * 1000, 3)


def tags_from(data: object) -> dict[str, str]:
    """The tags, whether sent as an object or as pairs; what is no tag is left out."""
    tags = at(data, "tags")
    return tags_of(tags, []) if isinstance(tags, (dict, list)) else {}


def measurement(source: object, name: str) -> tuple[float | None, str]:
    """Value and unit of a measurement; times are given in milliseconds."""
    found = at(source, "measurements", name)
    value, unit = number_of(at(found, "value")), text_of(at(found, "unit")) or ""
    if value is not None and unit in _MILLISECONDS:
        return value * _MILLISECONDS[unit], "millisecond"
    return value, "" if unit == "none" else unit


def span_time(source: object, op: str) -> float | None:
    """Milliseconds that spans of operation ``op`` (or below it) took together; None without such a span."""
    total = None
    for span in objects(at(source, "spans")):
        kind = span.get("op")
        if not isinstance(kind, str) or not (kind == op or kind.startswith(f"{op}.") or op == "total.time"):
            continue
        start, end = moment(span.get("start_timestamp")), moment(span.get("timestamp"))
        if start is not None and end is not None and end >= start:
            total = (total or 0.0) + milliseconds(start, end)
    return total
