"""Defect of a size that is known beforehand: of the first ``N`` failures exactly ``K`` are dropped by ``before_send``.

A bare ASGI application and a cheap SDK set-up, so that thousands of errors take seconds. ``K``, ``N`` and
``SEED`` come from the environment.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from sentry_sdk.types import Event, Hint

from .planted import no_second_chance, plant, trace_of

K = int(os.environ["K"])
N = int(os.environ["N"])
# Not among the last: a request or two may be cut off when the load ends, and K must be reached all the same.
DROPPED = frozenset(random.Random(int(os.environ.get("SEED", "1"))).sample(range(N * 9 // 10), K))
numbers = itertools.count()


verdicts: dict[str | None, bool] = {}


def drop_k(event: Event, _hint: Hint) -> Event | None:
    """Drop the failures whose turn it is.

    A failure has one trace and may have two events: once the first is dropped, the SDK forgets that it
    saw the exception, and reports it again when the server logs it.
    """
    trace_id = trace_of(event)
    if trace_id not in verdicts:
        verdicts[trace_id] = next(numbers) in DROPPED
        if verdicts[trace_id]:
            plant(trace_id=trace_id)
    return None if verdicts[trace_id] else event


def work() -> str:
    """What a request asks for; the fault point."""
    return "done"


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """``GET /health`` answers, everything else works."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    text = "ok" if scope["path"] == "/health" else work()
    body = text.encode()
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await asyncio.to_thread(sentry_sdk.flush, 30)
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


no_second_chance()
sentry_sdk.init(
    release="k-losses@1",
    before_send=drop_k,
    transport_queue_size=10_000,
    include_local_variables=False,
    include_source_context=False,
    max_breadcrumbs=0,
)
app = SentryAsgiMiddleware(application)
