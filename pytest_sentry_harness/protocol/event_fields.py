"""Single fields of events. Sentry developer docs, "Event Payloads: Attributes" and "Message Interface".

Each function takes a field as it stands and gives the value Sentry would keep; what cannot be kept adds
a sentence to ``errors``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from ..errors import ProtocolError
from .envelope import kind_of, normalise_event_id, to_json

LEVELS = ("fatal", "error", "warning", "info", "debug")
_LEVEL_ALIASES: dict[str | int, str] = {
    "log": "info",
    "critical": "fatal",
    10: "debug",
    20: "info",
    30: "warning",
    40: "error",
    50: "fatal",
}
_PLACE = re.compile(r"%%|%[sdr]|\{\}")


def event_id_of(value: str | None, errors: list[str]) -> str | None:
    """The id, normalised; one that is none is left out."""
    if value is None:
        return None
    try:
        return normalise_event_id(value)
    except ProtocolError as error:
        errors.append(error.what)
        return None


def level_of(value: str | int | None, errors: list[str]) -> str:
    """One of ``LEVELS``, ``error`` for what is none; Python's numbers count."""
    if value is None or value == "error":
        return "error"
    level = _LEVEL_ALIASES.get(value, value)
    if level in LEVELS:
        return str(level)
    errors.append(f"level: {str(value)[:40]!r} is not one of {', '.join(LEVELS)}; taken as error")
    return "error"


def seconds_of(value: str | float | None, name: str, errors: list[str]) -> float | None:
    """Epoch seconds of an RFC 3339 text or a number; a text without zone is UTC."""
    if value is None:
        return None
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            value = moment.timestamp()
        # Years 1 to 9999, which is what a date can hold later on.
        if -62135596800 <= value <= 253402300799:
            return float(value)
    except (ValueError, OverflowError):
        errors.append(f"{name}: {str(value)[:60]!r} is not a time")
        return None
    errors.append(f"{name}: {value!r} is not a time")
    return None


def tags_of(tags: dict[str, Any] | list[Any], errors: list[str]) -> dict[str, str]:
    """Tags as a mapping, whether sent as an object or as a list of pairs."""
    pairs: list[Any] = list(tags.items()) if isinstance(tags, dict) else tags
    found = {}
    for pair in pairs:
        if pair is None:
            continue
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or isinstance(pair[0], (dict, list)):
            errors.append("tags: expected pairs of key and value")
        elif isinstance(pair[1], (dict, list)):
            errors.append(
                f"tags.{lenient_text(pair[0])[:40]}: expected a primitive value, got {kind_of(pair[1])}"
            )
        elif pair[0] is not None and pair[1] is not None:
            found[lenient_text(pair[0])] = lenient_text(pair[1])
    return found


def fingerprint_of(parts: list[Any], errors: list[str]) -> tuple[str, ...]:
    """The parts as text; what is no primitive value is left out."""
    if any(isinstance(part, (dict, list)) for part in parts):
        errors.append("fingerprint: expected primitive values")
    return tuple(
        lenient_text(part) for part in parts if part is not None and not isinstance(part, (dict, list))
    )


def formatted(template: str, params: Any) -> str:
    """``template`` with its parameters in the places of ``%s``, ``%d``, ``%r`` and ``{}``, when the SDK left that to us."""
    if not isinstance(params, list) or not params:
        return template
    rest = iter(params)

    def next_one(match: re.Match[str]) -> str:
        return json_text(next(rest)) if match[0] != "%%" else "%"

    try:
        return _PLACE.sub(next_one, template)
    except StopIteration:
        return template


def lenient_text(value: Any) -> str:
    """A primitive value as Sentry writes it where it expects text: ``True``, and numbers without a fraction."""
    if isinstance(value, float):
        return str(int(value)) if abs(value) < 2**53 else repr(value)
    return str(value)


def json_text(value: Any) -> str:
    """A string as it is, anything else as JSON."""
    return value if isinstance(value, str) else to_json(value).decode()
