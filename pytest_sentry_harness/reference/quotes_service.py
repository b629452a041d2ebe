"""The upstream quote service: a second, tiny ASGI application that speaks real HTTP.

``GET /quotes/{symbol}`` answers ``{"symbol": …, "price": "12.3400"}``. Prices are a smooth function of
symbol and time, so that nothing needs to be stored. It stands for somebody else's system, therefore it
uses no framework: no error tracking of ours must find its way into it.
"""

from __future__ import annotations

import json
import math
import socket
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def price(symbol: str, at: float) -> float:
    """The price of ``symbol`` at ``at`` (seconds since the epoch): a base between 5 and 505, swinging by 10 %."""
    base = 5 + zlib.crc32(symbol.encode()) % 50_000 / 100
    return base * (1 + 0.1 * math.sin(at / 60 + base))


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] != "http":
        raise ValueError(f"the quote service speaks HTTP only, not {scope['type']}")
    _, _, symbol = scope["path"].rpartition("/quotes/")
    known = symbol.isalpha() and symbol.isupper() and len(symbol) <= 8
    document = (
        {"symbol": symbol, "price": f"{price(symbol, time.time()):.4f}"} if known else {"error": "unknown"}
    )
    body = json.dumps(document).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200 if known else 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class QuoteService:
    """Serves ``app`` from a thread on a loopback port that the kernel chose."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        # asyncio sets this by itself only for sockets it made; without it an answer in two segments waits
        # 40 ms for the delayed acknowledgement of the first. Accepted connections inherit it.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            loop="asyncio",
            # Longer than any client keeps an idle connection (httpx: 5 s, as is uvicorn's default): whoever closes
            # first while the other one sends makes a request fail that was perfectly good.
            timeout_keep_alive=60,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="quote-service", daemon=True
        )

    def start(self) -> None:
        """Start serving. The socket listens already, so callers need not wait."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, and wait for the thread."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()
