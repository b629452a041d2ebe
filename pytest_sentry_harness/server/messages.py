"""Plain HTTP over ASGI: the few things the server needs of a web framework."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]
"""Names in lower case."""

_JSON: Headers = ((b"content-type", b"application/json"),)


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An HTTP answer, complete; ``content-length`` is added when it is sent."""

    status: int
    headers: Headers
    body: bytes


class Body(msgspec.Struct, frozen=True, gc=False):
    """A request's body as far as it was read."""

    data: bytes
    """The beginning of it, at most as long as the limit allows."""
    length: int
    """Bytes received, also those not kept."""
    complete: bool = True
    """False: the client went away before the end."""


async def read_body(receive: Receive, most: int) -> Body:
    """Read the body, keeping at most ``most`` bytes; the rest is counted and dropped, so memory stays bounded."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        data = message["body"]
        return Body(data[:most], len(data))
    parts: list[bytes] = []
    kept = length = 0
    while message["type"] == "http.request":
        data = message.get("body", b"")
        length += len(data)
        if kept < most:
            parts.append(data[: most - kept])
            kept += len(parts[-1])
        if not message.get("more_body"):
            return Body(b"".join(parts), length)
        message = await receive()
    return Body(b"".join(parts), length, False)


def json_answer(status: int, document: object, headers: Headers = ()) -> Answer:
    """An answer whose body is ``document`` (anything msgspec encodes) as JSON."""
    return Answer(status, _JSON + headers, msgspec.json.encode(document))


def error_answer(status: int, detail: str, *, hint: str | None = None, headers: Headers = ()) -> Answer:
    """A refusal of the control API and of unknown paths: ``detail`` and, for people, a ``hint``."""
    document = {"detail": detail, "causes": []} | ({"hint": hint} if hint else {})
    return json_answer(status, document, headers)


async def send_answer(send: Send, answer: Answer, *, head: bool = False) -> None:
    """Send it whole; ``Connection`` makes one write of it."""
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


def header(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    """The first value of a header, as text; empty when it is not there. ``name`` in lower case."""
    for known, value in headers:
        if known == name:
            return value.decode("latin-1")
    return ""


def header_object(headers: Headers) -> str:
    """Headers as a JSON object, for the store."""
    return json.dumps({name.decode("latin-1"): value.decode("latin-1") for name, value in headers})
