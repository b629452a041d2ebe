"""Reports of browsers. Sentry docs, "Security Policy Reporting"; W3C Reporting API and Network Error Logging.

One request may bring several reports; each becomes an item of its own. Release and environment come
in the query and go into the item's headers.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ..errors import ProtocolError
from .envelope import DEFAULT_LIMITS, JSON_ERRORS, Item, kind_of, reason, to_json

MEDIA_TYPES = (
    "application/csp-report",
    "application/expect-ct-report",
    "application/expect-ct-report+json",
    "application/expect-staple-report",
    "application/json",
    "application/reports+json",
)
_NEL_TYPES = ("application/json", "application/nel+json", "application/reports+json")
_WRAPPERS = ("csp-report", "expect-ct-report", "expect-staple-report")
_MOST_REPORTS = 100


def parse_security(
    body: bytes,
    content_type: str,
    query_string: str = "",
    limit: int = DEFAULT_LIMITS.item_bytes["raw_security"],
) -> tuple[Item, ...]:
    """The ``raw_security`` items of a request to ``/security/`` or ``/csp-report/``.

    Raises ``ProtocolError``: 415 for another media type, 413 when too large, 400 when it is no report.
    """
    headers = _query_headers(query_string)
    items = []
    for report in _reports(body, content_type, MEDIA_TYPES, limit):
        if not _is_security(report):
            raise ProtocolError(
                "the body is not a security report",
                causes=[f"expected one of {', '.join(_WRAPPERS)}, known-pins, or type csp-violation"],
            )
        items.append(Item("raw_security", dict(headers), to_json(report)))
    return tuple(items)


def parse_nel(
    body: bytes, content_type: str, limit: int = DEFAULT_LIMITS.item_bytes["nel"]
) -> tuple[Item, ...]:
    """The ``nel`` items of a request to ``/nel/``. Raises as ``parse_security``."""
    items = []
    for report in _reports(body, content_type, _NEL_TYPES, limit):
        if not isinstance(report.get("body"), dict):
            raise ProtocolError("the body is not a network error report", causes=["body must be an object"])
        items.append(Item("nel", {}, to_json(report)))
    return tuple(items)


def _reports(body: bytes, content_type: str, allowed: tuple[str, ...], limit: int) -> list[dict[str, Any]]:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in allowed:
        raise ProtocolError(
            f"media type {media_type[:80]!r} is not allowed here; allowed are {', '.join(allowed)}",
            status=415,
        )
    if len(body) > limit:
        raise ProtocolError(f"the report has {len(body)} bytes; at most {limit}", status=413)
    if not body.strip():
        raise ProtocolError("the report is empty")
    try:
        document = msgspec.json.decode(body)
    except JSON_ERRORS as error:
        raise ProtocolError("the report is not valid JSON", causes=[reason(error, body)]) from error
    reports = document if isinstance(document, list) else [document]
    if not reports:
        raise ProtocolError("the list of reports is empty")
    if len(reports) > _MOST_REPORTS:
        raise ProtocolError(f"the request has {len(reports)} reports; at most {_MOST_REPORTS}", status=413)
    for report in reports:
        if not isinstance(report, dict):
            raise ProtocolError(f"a report must be a JSON object, got {kind_of(report)}")
    return reports


def _is_security(report: dict[str, Any]) -> bool:
    if report.get("type") == "csp-violation":
        return isinstance(report.get("body"), dict)
    return any(isinstance(report.get(name), dict) for name in _WRAPPERS) or "known-pins" in report


def _query_headers(query_string: str) -> dict[str, Any]:
    try:
        fields = dict(parse_qsl(query_string, max_num_fields=100))
    except ValueError as error:
        raise ProtocolError(f"the query cannot be read: {error}") from error
    return {name: fields[name] for name in ("sentry_release", "sentry_environment") if fields.get(name)}
