"""Rows for tests of fields, searches, aggregates and dashboards."""

from __future__ import annotations

from typing import Any

from pytest_sentry_harness.model.monitored import Event, Issue
from pytest_sentry_harness.monitor.fields import Row, fields_of_event, fields_of_transaction

T0 = 1_700_000_000.0
"""2023-11-14T22:13:20Z."""


def event(received_at: float = T0, project: str = "1", cursor: int = 1, **data: Any) -> Event:
    """An event with the payload ``data``."""
    return Event(
        cursor=cursor, received_at=received_at, project=project, event_id=f"{cursor:032x}", data=data
    )


def error(received_at: float = T0, **data: Any) -> Row:
    """The row of an error event."""
    return fields_of_event(event(received_at, **data))


def raised(kind: str, value: str = "", **more: Any) -> dict[str, Any]:
    """The ``exception`` of a payload."""
    return {"values": [{"type": kind, "value": value, **more}]}


def transaction(milliseconds: float = 100, at: float = T0, status: str = "ok", **data: Any) -> Row:
    """The row of a transaction that ended at ``at``."""
    payload = {
        "start_timestamp": at - milliseconds / 1000,
        "timestamp": at,
        "contexts": {"trace": {"status": status, "op": "http.server"}},
        **data,
    }
    return fields_of_transaction(payload, received_at=at)


def issue(state: Any = "new", **more: Any) -> Issue:
    """An issue."""
    values: dict[str, Any] = {
        "number": 7,
        "project": "1",
        "hash": "0" * 32,
        "title": "ValueError: boom",
        "culprit": "shop.orders",
        "level": "error",
        "state": state,
        "first_seen": T0 - 3600,
        "last_seen": T0,
        "times_seen": 12,
        "first_release": "shop@1.0.0",
    }
    return Issue(**values | more)
