"""What of an event's payload says something about its category and severity. Sentry developer docs, "Event Payloads".

Payloads are untrusted: whatever has the wrong type is taken as missing, and long texts are cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...model.monitored import Data
from ...protocol.event_fields import level_of

MOST_EXCEPTIONS = 50
MOST_FRAMES = 250
MOST_NAME = 300
MOST_TEXT = 2000
MOST_KEY = 200


@dataclass(frozen=True, slots=True)
class Raised:
    """One exception of a chain; empty texts for what the event does not say."""

    module: str
    """Module of its type; empty for Python's builtins and for other platforms that send none."""
    type: str
    value: str
    is_group: bool = False
    errno: int | None = None
    """``errno`` of an ``OSError``, as the Python SDK sends it in ``mechanism.meta``."""

    @property
    def name(self) -> str:
        """The full name, for people."""
        return f"{self.module}.{self.type}" if self.module else self.type


@dataclass(frozen=True, slots=True)
class Facts:
    """What is looked at. ``data`` is kept for what is seldom needed: frames."""

    data: Data
    raised: tuple[Raised, ...]
    """The exception that was reported first, then its causes, nearest first; members of a group likewise."""
    level: str
    handled: bool | None
    """False when any exception of the chain was not handled; None when the event does not say."""
    mechanism: str
    status: int | None
    """HTTP status that was answered: ``contexts.response.status_code``."""
    message: str
    logger: str
    transaction: str


def facts_of(data: object) -> Facts:
    """The facts of an event's payload; never raises, whatever ``data`` is."""
    event: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    handled: bool | None = None
    mechanism = ""
    raised = []
    for number, exception in enumerate(_exceptions(event)):
        how = _table(exception.get("mechanism"))
        if how.get("handled") is False:
            handled = False
        elif how.get("handled") is True and handled is None:
            handled = True
        if number == 0:
            mechanism = _text(how.get("type"), MOST_NAME)
        raised.append(_raised(exception, how))
    return Facts(
        data=event,
        raised=tuple(raised),
        level=_level(event.get("level")),
        handled=handled,
        mechanism=mechanism,
        status=_status(event),
        message=_message(event),
        logger=_text(event.get("logger"), MOST_NAME),
        transaction=_text(event.get("transaction"), MOST_NAME),
    )


def own_packages(data: Data) -> frozenset[str]:
    """Top-level packages of the frames that the SDK marks as the application's own (``in_app``)."""
    found = set()
    for exception in _exceptions(data):
        frames = _table(exception.get("stacktrace")).get("frames")
        for frame in frames[-MOST_FRAMES:] if isinstance(frames, list) else ():
            if isinstance(frame, Mapping) and frame.get("in_app") is True:
                found.add(top_of(_text(frame.get("module"), MOST_NAME)))
    return frozenset(found - {""})


def top_of(module: str) -> str:
    """The first part of a dotted name."""
    return module.partition(".")[0]


def _exceptions(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Newest first: the event has the raised exception last, its oldest cause first."""
    given = event.get("exception")
    values = given.get("values", [given]) if isinstance(given, Mapping) else given
    if isinstance(values, list):
        for entry in values[: -MOST_EXCEPTIONS - 1 : -1]:
            if isinstance(entry, Mapping):
                yield entry


def _raised(exception: Mapping[str, Any], how: Mapping[str, Any]) -> Raised:
    number = _table(_table(how.get("meta")).get("errno")).get("number")
    module = _text(exception.get("module"), MOST_NAME)
    return Raised(
        module="" if module in ("builtins", "exceptions") else module,
        type=_text(exception.get("type"), MOST_NAME),
        value=_text(exception.get("value"), MOST_TEXT),
        is_group=how.get("is_exception_group") is True,
        errno=number if type(number) is int else None,
    )


def _level(value: object) -> str:
    if isinstance(value, str):
        return level_of(value, [])
    # Python's own numbers; the text of a huge one is nothing to make.
    return level_of(value, []) if isinstance(value, int) and 0 <= value <= 50 else "error"


def _status(event: Mapping[str, Any]) -> int | None:
    value = _table(_table(event.get("contexts")).get("response")).get("status_code")
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        value = int(value)
    return value if type(value) is int and 100 <= value <= 599 else None


def _message(event: Mapping[str, Any]) -> str:
    for field in ("logentry", "message"):
        value = event.get(field)
        if isinstance(value, Mapping):
            value = _text(value.get("formatted"), MOST_TEXT) or value.get("message")
        if text := _text(value, MOST_TEXT):
            return text
    return ""


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object, most: int) -> str:
    return value[:most] if isinstance(value, str) else ""
