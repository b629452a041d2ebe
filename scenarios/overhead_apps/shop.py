"""A small service that does some work for each request, and to which a cost can be planted where Sentry is on.

Set by the environment, so that a twin is a line of the scenario:

* ``SENTRY_DSN``: where to send; empty: the SDK is not initialised
* ``SHOP_DSN``: used where ``SENTRY_DSN`` is empty: a set-up that cannot be switched off by it
* ``SHOP_SDK``: ``on``, ``off`` (never initialised), ``always`` (initialised also without a DSN), ``lossy`` (traces everything, with a queue for one envelope)
* ``SHOP_ROUNDS``: how much work a request does
* ``SHOP_BURN``: microseconds of CPU burnt by each request, beside the work, where the SDK is on
* ``SHOP_SLEEP``: milliseconds slept by each request where the SDK is on
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DSN = os.environ.get("SENTRY_DSN") or os.environ.get("SHOP_DSN")
MODE = os.environ.get("SHOP_SDK", "on")
ON = MODE == "always" or (bool(DSN) and MODE != "off")
ROUNDS = int(os.environ.get("SHOP_ROUNDS", "400"))
BURN = float(os.environ.get("SHOP_BURN", "0")) / 1e6 if ON else 0.0
SLEEP = float(os.environ.get("SHOP_SLEEP", "0")) / 1e3 if ON else 0.0


def work(rounds: int) -> str:
    """Sort, count and hash words: the same each time."""
    digest = b"shop"
    for number in range(rounds):
        words = [digest[at : at + 4].hex() for at in range(0, len(digest), 2)]
        counts = {word: words.count(word) for word in sorted(words)}
        digest = hashlib.sha256(repr((number, counts)).encode()).digest()
    return digest.hex()


def burn(seconds: float) -> None:
    """Use that much CPU time of this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def shop(scope: Message, receive: Receive, send: Send) -> None:
    """The application: ``/health``, ``/order`` and ``/broken``."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["path"] == "/health":
        await _answer(send, "ok")
        return
    text = work(ROUNDS)
    if BURN:
        burn(BURN)
    if SLEEP:
        time.sleep(SLEEP)  # nothing else is served, and the event loop's own work would be CPU time
    if scope["path"] == "/broken":
        raise RuntimeError("the shop is closed")
    await _answer(send, text)


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    if ON:
        await asyncio.to_thread(sentry_sdk.flush, 10)
    await send({"type": "lifespan.shutdown.complete"})


async def _answer(send: Send, text: str) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


def _application() -> Any:
    if not ON:
        return shop
    sentry_sdk.init(
        dsn=DSN,
        release="shop@1",
        include_local_variables=False,
        include_source_context=False,
        traces_sample_rate=1.0 if MODE == "lossy" else None,
        transport_queue_size=1 if MODE == "lossy" else 1000,
    )
    return SentryAsgiMiddleware(shop)


app = _application()
