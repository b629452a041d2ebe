"""Credentials of an ingest request. Sentry developer docs, "Envelopes: Authentication" and "SDK overview: Authentication".

One request carries one credential: the header ``X-Sentry-Auth``, the header ``Authorization: Sentry``,
or the query ``sentry_key``. A DSN in the envelope headers comes on top (see ``envelope``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_plus

from ..errors import ProtocolError

Source = Literal["x-sentry-auth", "authorization", "query"]

_MOST_BYTES = 4096
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_WANTED = (b"x-sentry-auth", b"authorization")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who sends: the public key, the protocol version (7 today), the client's name, and where it stood."""

    key: str
    version: str
    client: str | None
    source: Source


def parse_auth(
    headers: Iterable[tuple[bytes, bytes]] | Mapping[str, str], query_string: str = ""
) -> Credentials | None:
    """The one credential of a request, or None when it has none.

    ``headers`` are ASGI pairs (any case) or a mapping. ``query_string`` is without the question mark.
    ``sentry_secret`` is accepted and ignored, so is every key that is not known. Raises ``ProtocolError``
    with status 401 for two credentials and for one that is malformed.
    """
    found = [
        credentials
        for name, value in _pairs(headers)
        if (credentials := _from_header(name, value)) is not None
    ]
    if "sentry_key" in query_string:
        found.extend(_from_query(query_string))
    if len(found) > 1:
        raise ProtocolError(
            "multiple authorization payloads",
            status=401,
            causes=[f"credentials came from {one.source}" for one in found],
        )
    return found[0] if found else None


def _pairs(headers: Iterable[tuple[bytes, bytes]] | Mapping[str, str]) -> Iterable[tuple[bytes, bytes]]:
    if isinstance(headers, Mapping):
        headers = [
            (k.encode("latin-1", "replace"), v.encode("latin-1", "replace")) for k, v in headers.items()
        ]
    for name, value in headers:
        lowered = name.lower()
        if lowered in _WANTED:
            yield lowered, value


def _from_header(name: bytes, value: bytes) -> Credentials | None:
    source: Source = "x-sentry-auth" if name == b"x-sentry-auth" else "authorization"
    text = value.decode("latin-1").strip()
    if len(text) > _MOST_BYTES:
        raise _invalid(source, f"the header is longer than {_MOST_BYTES} bytes")
    scheme, _, rest = text.partition(" ")
    if scheme.lower() != "sentry":
        if source == "authorization":  # Basic or Bearer: meant for somebody else
            return None
        raise _invalid(source, "the value must start with the word Sentry")
    fields: dict[str, str] = {}
    for part in rest.split(","):
        key, separator, field = part.partition("=")
        if not separator:
            continue
        key = key.strip().lower()
        if key in fields:
            raise _invalid(source, f"{key} is given twice")
        fields[key] = field.strip()
    return _credentials(fields, source)


def _from_query(query_string: str) -> Iterable[Credentials]:
    fields: dict[str, str] = {}
    keys: list[str] = []
    for part in query_string.split("&"):
        # Only the short sentry_* fields are decoded: sentry_data holds a whole event.
        name, _, value = part.partition("=")
        if name == "sentry_key":
            keys.append(_unquoted(value))
        elif name in ("sentry_version", "sentry_client"):
            fields[name] = _unquoted(value)
    return [_credentials({**fields, "sentry_key": key}, "query") for key in keys]


def _unquoted(value: str) -> str:
    if len(value) > _MOST_BYTES:
        raise _invalid("query", f"a value is longer than {_MOST_BYTES} bytes")
    return unquote_plus(value).strip()


def _credentials(fields: Mapping[str, str], source: Source) -> Credentials:
    key = fields.get("sentry_key", "")
    if not key:
        raise _invalid(source, "sentry_key is missing")
    if not _KEY.fullmatch(key):
        raise _invalid(source, "sentry_key must be up to 128 letters, digits, dots, dashes or underscores")
    version = fields.get("sentry_version") or "7"
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,5})?", version):
        raise _invalid(source, f"sentry_version must be a number, got {version!r}")
    return Credentials(key, version, fields.get("sentry_client") or None, source)


def _invalid(source: Source, why: str) -> ProtocolError:
    return ProtocolError(f"bad authorization in {source}: {why}", status=401)
