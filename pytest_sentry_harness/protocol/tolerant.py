"""Decoding that keeps what is good. Sentry developer docs, "Event Payloads" and "Data Handling: Processing errors".

A field of the wrong type must not lose its event: the field is dropped and an error is noted. The typed
decoder of msgspec is tried first; only when it refuses is the document decoded untyped and fitted
field by field.
"""

from __future__ import annotations

import re
import types
import typing
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

from ..errors import ProtocolError
from .envelope import JSON_ERRORS, kind_of, reason, to_json

S = TypeVar("S", bound=msgspec.Struct)

_MOST_ERRORS = 50
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]").search
"""Half a pair, or an innocent pair: a full decoding tells. One pass of ``re`` costs a third of two of ``in``."""
_WANTED = {str: "a string", int: "a whole number", float: "a number", bool: "a boolean"}


class Decoder(typing.Generic[S]):
    """Decodes JSON objects into one Struct type whose fields are all optional."""

    def __init__(self, struct: type[S], what: str) -> None:
        self._struct = struct
        self._what = what
        self._decode = msgspec.json.Decoder(struct).decode

    def __call__(self, payload: bytes | memoryview) -> tuple[S, tuple[str, ...]]:
        """The value, and one sentence for each field that was dropped.

        Raises ``ProtocolError`` when ``payload`` is not JSON or not an object.
        """
        data = bytes(payload)
        try:
            # Fields nobody reads are skipped over, yet Sentry refuses the whole document for bad text in them.
            if not data.isascii():
                data.decode()
            if _SURROGATE(data):
                json_object(data, self._what)
            return self._decode(data), ()
        except JSON_ERRORS:
            document = json_object(data, self._what)
        errors: list[str] = []
        value = _fit_struct(self._struct, document, "", errors)
        return typing.cast("S", value), tuple(errors[:_MOST_ERRORS])


def json_object(payload: bytes | memoryview, what: str) -> dict[str, Any]:
    """``payload`` as a JSON object. Raises ``ProtocolError`` with the reason among the causes."""
    try:
        document = msgspec.json.decode(payload)
    except JSON_ERRORS as error:
        raise ProtocolError(f"{what} is not valid JSON", causes=[reason(error, payload)]) from error
    if not isinstance(document, dict):
        raise ProtocolError(f"{what} must be a JSON object, got {kind_of(document)}")
    return document


def _fit_struct(struct: type[msgspec.Struct], document: dict[str, Any], path: str, errors: list[str]) -> Any:
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        value = document.get(field.encode_name)
        if value is None:
            continue
        where = f"{path}.{field.encode_name}" if path else field.encode_name
        try:
            values[field.name] = _fit(field.type, value, where, errors)
        except _MisfitError as misfit:
            errors.append(str(misfit))
    return struct(**values)


def _fit(wanted: Any, value: Any, path: str, errors: list[str]) -> Any:
    """``value`` as ``wanted``; parts that do not fit are dropped and noted. Raises ``_MisfitError`` if all of it does not."""
    options = [option for option in _options(wanted) if option is not type(None)]
    for option in options:
        origin = get_origin(option)
        if option is Any or (isinstance(option, type) and type(value) is option):
            return value
        if option is msgspec.Raw:
            return msgspec.Raw(to_json(value))
        if option is float and type(value) is int and abs(value) < 2**63:
            return float(value)
        if origin is list and isinstance(value, list):
            return _fit_list(get_args(option)[0], value, path, errors)
        if origin is dict and isinstance(value, dict):
            return value
        if isinstance(value, dict) and isinstance(option, type) and issubclass(option, msgspec.Struct):
            return _fit_struct(option, value, path, errors)
    names = " or ".join(dict.fromkeys(_name(option) for option in options))
    raise _MisfitError(f"{path}: expected {names}, got {kind_of(value)}")


def _fit_list(wanted: Any, values: list[Any], path: str, errors: list[str]) -> list[Any]:
    fitted: list[Any] = []
    # An entry that is lost leaves its place behind where it can: positions and counts stay right.
    holes = type(None) in _options(wanted)
    for index, value in enumerate(values):
        entry = None
        if value is not None:
            try:
                entry = _fit(wanted, value, f"{path}[{index}]", errors)
            except _MisfitError as misfit:
                errors.append(str(misfit))
        if entry is not None or holes:
            fitted.append(entry)
    return fitted


def _options(wanted: Any) -> tuple[Any, ...]:
    return get_args(wanted) if get_origin(wanted) in (Union, types.UnionType) else (wanted,)


def _name(option: Any) -> str:
    if get_origin(option) is list:
        return "an array"
    return _WANTED.get(option, "an object")


class _MisfitError(Exception):
    """A value does not fit; the message says where."""
