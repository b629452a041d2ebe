"""The yardstick: the same server library, reading the body and answering a constant, as raw ASGI."""

from __future__ import annotations

import socket
import sys
from typing import Any

import uvicorn

_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"41")]
_BODY = b'{"id":"0123456789abcdef0123456789abcdef"}'


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Read everything, answer a constant."""
    while (await receive()).get("more_body"):
        continue
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


if __name__ == "__main__":
    sock = socket.create_server(("127.0.0.1", 0), backlog=2048)
    sys.stdout.write(f"{sock.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        app, http="httptools", loop="uvloop", ws="none", lifespan="off", log_config=None, access_log=False
    )
    uvicorn.Server(config).run(sockets=[sock])
