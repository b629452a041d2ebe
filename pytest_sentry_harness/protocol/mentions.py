"""Ids that an event mentions in what it says of its surroundings. Sentry developer docs, "Event Payloads".

A trace id that stands in an event's tags, user, request or breadcrumbs tells whose data it carries. Only
those parts are looked at, each up to a limit: stack traces are most of an event and hold program text.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from .envelope import JSON_ERRORS

_MOST_BYTES = 65_536
_MOST_IDS = 20
_NONE = msgspec.Raw(b"")
_LENGTH = 32
# Every hex digit becomes an x, everything else a space: then ids are found by a search for a fixed text, which
# takes a twentieth of the time of a regular expression.
_MASK = bytes(ord("x") if chr(code) in "0123456789abcdefABCDEF" else ord(" ") for code in range(256))
_RUN = b"x" * _LENGTH


class _Parts(msgspec.Struct, frozen=True):
    """The parts of an event that are looked at, as they stand."""

    tags: msgspec.Raw = _NONE
    user: msgspec.Raw = _NONE
    contexts: msgspec.Raw = _NONE
    extra: msgspec.Raw = _NONE
    request: msgspec.Raw = _NONE
    breadcrumbs: msgspec.Raw = _NONE


_decode = msgspec.json.Decoder(_Parts).decode


def mentioned_ids(payload: bytes | memoryview) -> tuple[tuple[str, str], ...]:
    """``(part, id)`` for each id of 32 hex digits in the event, at most 20 of them; empty when it is no JSON."""
    try:
        parts = _decode(payload)
    except JSON_ERRORS:
        return ()
    found: dict[tuple[str, str], None] = {}
    for part in _Parts.__struct_fields__:
        for each in _ids_in(bytes(memoryview(getattr(parts, part))[:_MOST_BYTES])):
            found[part, each] = None
            if len(found) >= _MOST_IDS:
                return tuple(found)
    return tuple(found)


def _ids_in(text: bytes) -> Iterator[str]:
    mask = text.translate(_MASK)
    start = mask.find(_RUN)
    while start >= 0:
        end = mask.find(b" ", start)
        end = len(mask) if end < 0 else end
        if end - start == _LENGTH:
            yield text[start:end].decode("ascii").lower()
        start = mask.find(_RUN, end)
