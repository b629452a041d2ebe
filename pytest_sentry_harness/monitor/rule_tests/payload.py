"""Payloads of synthetic events and transactions, as an SDK sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def event_payload(
    *,
    issue: str,
    level: str,
    environment: str,
    release: str,
    message: str | None,
    kind: str,
    value: str,
    transaction: str,
    handled: bool | None,
    tags: Mapping[str, str],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """An error, or with ``message`` a message. ``more`` goes over it, key by key."""
    data: dict[str, Any] = {"platform": "python", "level": level, "fingerprint": [issue]}
    if message is not None:
        data["logentry"] = {"formatted": message}
    else:
        exception: dict[str, Any] = {"type": kind, "value": value}
        if handled is not None:
            exception["mechanism"] = {"type": "generic", "handled": handled}
        data["exception"] = {"values": [exception]}
    return _whole(data, environment, release, transaction, tags, more)


def transaction_payload(
    *,
    name: str,
    op: str,
    status: str,
    environment: str,
    release: str,
    tags: Mapping[str, str],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """A transaction without its times."""
    data: dict[str, Any] = {"type": "transaction", "contexts": {"trace": {"op": op, "status": status}}}
    return _whole(data, environment, release, name, tags, more)


def _whole(
    data: dict[str, Any],
    environment: str,
    release: str,
    transaction: str,
    tags: Mapping[str, str],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    for key, value in (("environment", environment), ("release", release), ("transaction", transaction)):
        if value:
            data[key] = value
    if tags:
        data["tags"] = dict(tags)
    return _merged(data, more)


def _merged(data: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(data)
    for key, value in more.items():
        before = found.get(key)
        found[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return found
