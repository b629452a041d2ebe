"""What grouping needs to know of an event, read from a payload that nobody vouches for.

Sentry developer docs, "Event Payloads" with the interfaces "Exception", "Stack Trace", "Threads" and "Message". A field of
another type than documented counts as missing; nothing in here raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ...model.monitored import Data
from ...protocol.event_fields import fingerprint_of, formatted, tags_of

MOST_FRAMES = 1000
"""Frames looked at per stack trace, the newest: Python's default recursion limit. A bound on cost, not a rule of Sentry."""
MOST_EXCEPTIONS = 200
"""Exceptions looked at per event, the newest. A bound on cost, not a rule of Sentry."""
LONGEST = 8192
"""Characters of a message that are looked at: Sentry's own limit for messages and exception values."""

_EMPTY: Mapping[str, Any] = {}


class Frame(NamedTuple):
    """One frame of a stack trace; equal frames are told apart by nobody."""

    platform: str | None
    function: str | None
    module: str | None
    package: str | None
    abs_path: str | None
    filename: str | None
    context_line: str | None
    in_app: bool | None
    lineno: int | None
    colno: int | None


Frames = tuple[Frame, ...]
"""Oldest first, the crash last."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One exception of an event."""

    type: str | None
    value: str | None
    frames: Frames
    synthetic: bool
    """Made by the SDK to get at a stack trace: its type says nothing."""
    mechanism: str | None
    number: int | None
    """``mechanism.exception_id``."""
    parent: int | None
    is_group: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread of an event."""

    frames: Frames
    crashed: bool
    current: bool


class Facts:
    """One event. Parts are read when they are first asked for."""

    def __init__(self, data: Data) -> None:
        self._data: Mapping[str, Any] = data if isinstance(data, Mapping) else _EMPTY

    def text(self, key: str) -> str | None:
        """A field that should be text."""
        return text_of(self._data.get(key))

    @cached_property
    def platform(self) -> str | None:
        """``python``, ``javascript``, ..."""
        return self.text("platform")

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """The exceptions, the oldest cause first, the one that was raised last."""
        found = [entry for entry in _values_of(self._data.get("exception")) if isinstance(entry, Mapping)]
        return tuple(_problem(entry) for entry in found[-MOST_EXCEPTIONS:])

    @cached_property
    def threads(self) -> tuple[Thread, ...]:
        """The threads that were reported."""
        return tuple(
            Thread(
                _frames(entry.get("stacktrace")), entry.get("crashed") is True, entry.get("current") is True
            )
            for entry in _values_of(self._data.get("threads"))
            if isinstance(entry, Mapping)
        )

    @cached_property
    def frames(self) -> Frames:
        """The stack trace that belongs to no exception."""
        return _frames(self._data.get("stacktrace"))

    @cached_property
    def template(self) -> str | None:
        """The message with its parameters left out, when there is one."""
        return self._message[0]

    @cached_property
    def message(self) -> str | None:
        """The message as people read it."""
        return self._message[1]

    @cached_property
    def _message(self) -> tuple[str | None, str | None]:
        given = self._data.get("logentry")
        if given is None:
            given = self._data.get("message")
        if not isinstance(given, Mapping):
            return None, _some_text(given)
        template, text = _some_text(given.get("message")), _some_text(given.get("formatted"))
        if text is None and template is not None:
            text = formatted(template, given.get("params"))
        return (template if template != text else None), text

    @cached_property
    def tags(self) -> Mapping[str, str]:
        """By name."""
        given = self._data.get("tags")
        return tags_of(given, []) if isinstance(given, (dict, list)) else {}

    @cached_property
    def fingerprint(self) -> tuple[str, ...]:
        """As the SDK sent it."""
        given = self._data.get("fingerprint")
        return fingerprint_of(given, []) if isinstance(given, list) else ()

    @cached_property
    def sdk(self) -> str | None:
        """Name of the SDK."""
        return text_of(_mapping(self._data.get("sdk")).get("name"))

    @cached_property
    def url(self) -> str | None:
        """Of the request."""
        return text_of(_mapping(self._data.get("request")).get("url"))

    @property
    def main_frames(self) -> Frames:
        """Where it happened: the stack trace of the exception that was raised, else of the event, else of its one thread."""
        if self.problems and self.problems[-1].frames:
            return self.problems[-1].frames
        if self.frames:
            return self.frames
        return self.threads[0].frames if len(self.threads) == 1 else ()

    def stacks(self) -> Iterable[tuple[Frames, Problem | None]]:
        """Every stack trace, with the exception it belongs to."""
        for problem in self.problems:
            if problem.frames:
                yield problem.frames, problem
        if self.frames:
            yield self.frames, None
        for thread in self.threads:
            if thread.frames:
                yield thread.frames, None


def text_of(value: object) -> str | None:
    """Text that is not empty."""
    return value if isinstance(value, str) and value else None


def _some_text(value: object) -> str | None:
    """Text, or what Sentry writes as text: numbers and booleans."""
    if isinstance(value, (bool, int, float)):
        return str(value)[:LONGEST]
    return text_of(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else _EMPTY


def _values_of(value: object) -> list[Any]:
    """The list in ``{"values": [...]}``; a bare list and a bare object are legal too."""
    if isinstance(value, Mapping):
        if "values" not in value:
            return [value] if value else []
        value = value["values"]
    return value if isinstance(value, list) else []


def _problem(entry: Mapping[str, Any]) -> Problem:
    mechanism = _mapping(entry.get("mechanism"))
    return Problem(
        type=text_of(entry.get("type")),
        value=_some_text(entry.get("value")),
        frames=_frames(entry.get("stacktrace")),
        synthetic=mechanism.get("synthetic") is True,
        mechanism=text_of(mechanism.get("type")),
        number=_integer(mechanism.get("exception_id")),
        parent=_integer(mechanism.get("parent_id")),
        is_group=mechanism.get("is_exception_group") is True,
    )


def _frames(stacktrace: object) -> Frames:
    if not isinstance(stacktrace, Mapping):
        return ()
    entries = stacktrace.get("frames")
    if not isinstance(entries, list):
        return ()
    return tuple([_frame(entry) for entry in entries[-MOST_FRAMES:] if isinstance(entry, Mapping)])


def _frame(entry: Mapping[str, Any]) -> Frame:
    get = entry.get
    in_app = get("in_app")
    return Frame(
        text_of(get("platform")),
        text_of(get("function")),
        text_of(get("module")),
        text_of(get("package")),
        text_of(get("abs_path")),
        text_of(get("filename")),
        text_of(get("context_line")),
        in_app if isinstance(in_app, bool) else None,
        _integer(get("lineno")),
        _integer(get("colno")),
    )


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
