"""Minidumps and their form fields. Sentry docs, "Native SDK: Minidumps".

A raw dump, or multipart/form-data with ``upload_file_minidump``, event fields in ``sentry`` (JSON) or
``sentry[key][key]``, further files as attachments and further fields as form data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..errors import ProtocolError
from .envelope import DEFAULT_LIMITS, Item, Limits, to_json
from .multipart import Part, parse_multipart
from .store_endpoint import event_item
from .tolerant import json_object

FILE_FIELD = "upload_file_minidump"
_MAGICS = (b"MDMP", b"PMDM")
_RAW_TYPES = ("application/octet-stream", "application/x-dmp", "")
_NESTED = re.compile(r"sentry((?:\[[^\[\]]{1,100}\]){1,10})")


def parse_minidump(body: bytes, content_type: str, limits: Limits = DEFAULT_LIMITS) -> tuple[Item, ...]:
    """The items of a request: an ``event`` if fields describe one, the dump first among the attachments, the rest.

    Raises ``ProtocolError``: 415 for another media type, 413 when too large, 400 when there is no dump.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        return _from_parts(parse_multipart(body, content_type, limits.envelope_bytes), limits)
    if media_type not in _RAW_TYPES:
        raise ProtocolError(
            f"media type {media_type[:80]!r} is not allowed here; "
            "allowed are multipart/form-data, application/octet-stream, application/x-dmp",
            status=415,
        )
    return (_dump(body, "Minidump", limits),)


def _from_parts(parts: Sequence[Part], limits: Limits) -> tuple[Item, ...]:
    event: dict[str, Any] = {}
    dumps: list[Item] = []
    attachments: list[Item] = []
    form: list[list[str]] = []
    for part in parts:
        if part.name == FILE_FIELD:
            dumps.append(_dump(part.content, part.filename or "Minidump", limits))
        elif part.filename is not None:
            attachments.append(_attachment(part, limits))
        elif part.name == "sentry":
            _merge(event, json_object(part.content, "the form field sentry"))
        elif match := _NESTED.fullmatch(part.name):
            _nest(event, match[1][1:-1].split("]["), _text(part))
        else:
            form.append([part.name, _text(part)])
    if len(dumps) != 1:
        raise ProtocolError(f"the form needs one file in the field {FILE_FIELD}, got {len(dumps)}")
    items = [event_item(event)] if event else []
    items += [*dumps, *attachments]
    if form:
        items.append(Item("form_data", {"content_type": "application/json"}, to_json(form)))
    return tuple(items)


def _dump(content: bytes, filename: str, limits: Limits) -> Item:
    if not content:
        raise ProtocolError("the minidump is empty")
    if content[:4] not in _MAGICS:
        raise ProtocolError(f"the minidump does not begin with MDMP, got {content[:4]!r}")
    _check_size(content, filename, limits)
    headers = {
        "filename": filename,
        "content_type": "application/x-dmp",
        "attachment_type": "event.minidump",
    }
    return Item("attachment", headers, content)


def _attachment(part: Part, limits: Limits) -> Item:
    filename = part.filename or part.name
    _check_size(part.content, filename, limits)
    headers = {"filename": filename, "content_type": part.content_type or "application/octet-stream"}
    return Item("attachment", headers, part.content)


def _check_size(content: bytes, filename: str, limits: Limits) -> None:
    most = limits.item_bytes.get("attachment", limits.envelope_bytes)
    if len(content) > most:
        raise ProtocolError(
            f"the file {filename[:80]!r} has {len(content)} bytes; at most {most}", status=413
        )


def _text(part: Part) -> str:
    return part.content.decode("utf-8", "replace")


def _nest(document: dict[str, Any], keys: list[str], value: str) -> None:
    """Set ``sentry[a][b]=value``; a key that is a value already is not made an object."""
    for key in keys[:-1]:
        inner = document.setdefault(key, {})
        if not isinstance(inner, dict):
            raise ProtocolError(f"the form fields sentry[{key}] and sentry[{key}][…] contradict each other")
        document = inner
    document[keys[-1]] = value


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            into[key] = {**value, **into[key]}
        else:
            into.setdefault(key, value)
