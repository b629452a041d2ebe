"""The truth about planted losses: one JSON line each, written before the loss happens."""

from __future__ import annotations

import json
import os
import zlib

from sentry_sdk.integrations.logging import ignore_logger


def plant(*, event_id: str | None = None, trace_id: str | None = None) -> None:
    """Record one planted loss in the file named by ``PLANTED``."""
    line = json.dumps({"event_id": event_id, "trace_id": trace_id}).encode() + b"\n"
    descriptor = os.open(os.environ["PLANTED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def no_second_chance() -> None:
    """Keep what ``before_send`` drops dropped.

    uvicorn logs the exception of a failed request. When ``before_send`` has dropped its event, the SDK forgets
    that it saw the exception, takes the log entry for a new one, and sends it after all.
    """
    ignore_logger("uvicorn.error")


def chosen(identity: str, one_in: int) -> bool:
    """Whether ``identity`` is among the one in ``one_in`` that the defect concerns; the same answer every time."""
    return zlib.crc32(identity.encode()) % one_in == 0


def trace_of(event: object) -> str | None:
    """The trace id of an event."""
    if not isinstance(event, dict):
        return None
    trace_id: str | None = event.get("contexts", {}).get("trace", {}).get("trace_id")
    return trace_id
