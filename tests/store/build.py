"""Fill a store without a server."""

from __future__ import annotations

import asyncio
import gzip
import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_sentry_harness.store.rows import NewRequest, ProjectRow
from pytest_sentry_harness.store.writer import Writer


def envelope(items: Iterable[tuple[str, Any]], **headers: object) -> bytes:
    """Bytes of an envelope; payloads that are not bytes are dumped as JSON."""
    lines = [json.dumps(headers).encode()]
    for kind, payload in items:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        lines += [json.dumps({"type": kind, "length": len(data)}).encode(), data]
    return b"\n".join(lines) + b"\n"


def new(body: bytes = b"", **changes: Any) -> NewRequest:
    """A request as the server hands it in, accepted unless told otherwise."""
    values: dict[str, Any] = {
        "received_at": 1000.0,
        "received_mono": 10.0,
        "project": "1",
        "key": "a" * 32,
        "method": "POST",
        "path": "/api/1/envelope/",
        "query": "",
        "route": "envelope",
        "headers": '[["content-type","application/x-sentry-envelope"]]',
        "encoding": "",
        "length": len(body),
        "status": 200,
        "outcome": "accepted",
        "reason": "",
        "event_id": None,
        "answer_headers": '{"content-type":"application/json"}',
        "answer": b"{}",
        "body": body,
        **changes,
    }
    return NewRequest(**values)


def event(event_id: str | None = None, **fields: object) -> NewRequest:
    """A gzip-encoded envelope with one event."""
    event_id = event_id or uuid.uuid4().hex
    body = gzip.compress(envelope([("event", fields)], event_id=event_id), 1)
    return new(body, encoding="gzip", event_id=event_id)


def write(folder: Path, rows: Iterable[NewRequest | ProjectRow]) -> list[int]:
    """Write rows through a writer, all at once, and return what their futures gave."""

    async def submit() -> list[int]:
        writer = Writer(folder)
        try:
            return list(await asyncio.gather(*[writer.submit(row) for row in rows]))
        finally:
            await asyncio.to_thread(writer.close)

    return asyncio.run(submit())
