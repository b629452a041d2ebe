"""A request as its transaction reports it: when, how long, whether it failed. What rates and objectives count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..model.monitored import Data
from ..protocol.event_fields import seconds_of

_NOT_FAILED = frozenset(("ok", "cancelled", "canceled", "unknown", ""))
"""docs.sentry.io, "Performance Metrics": "Sentry treats transactions with a status other than ok, cancelled, and unknown as failures"."""
_MOST = 200


@dataclass(frozen=True, slots=True)
class Request:
    """One request, task or other unit of work."""

    at: float
    """When it ended, seconds since the epoch, by the clock of the application."""
    seconds: float
    failed: bool
    name: str = ""
    """The transaction's name, such as a route."""
    environment: str = ""
    release: str = ""
    trace_id: str = ""


def request_of(data: Data | object) -> Request | None:
    """What the payload of a transaction says; None without two readable times in order. Never raises."""
    if not isinstance(data, Mapping):
        return None
    begin, end = _moment(data.get("start_timestamp")), _moment(data.get("timestamp"))
    if begin is None or end is None or end < begin:
        return None
    trace = _table(_table(data.get("contexts")).get("trace"))
    return Request(
        at=end,
        seconds=end - begin,
        failed=_text(trace.get("status")) not in _NOT_FAILED,
        name=_text(data.get("transaction")),
        environment=_text(data.get("environment")) or "production",
        release=_text(data.get("release")),
        trace_id=_text(trace.get("trace_id")).replace("-", "").lower(),
    )


def _moment(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return seconds_of(value, "", [])


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value[:_MOST] if isinstance(value, str) else ""
