"""The server as one raw ASGI application: ingest beside control, with as little as possible in between.

An ingest request is decided, written, and only then answered: what the store says of the answer is what
the client got (or was about to get, when it went away first).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from functools import lru_cache
from typing import Any, Final

import msgspec

from .. import clock
from ..errors import ServerError
from ..protocol.responses import ANSWER_CORS, PREFLIGHT_CORS
from ..store.rows import NewRequest
from ..store.writer import Writer
from . import routes
from .behaviour import Behaviours, Rule
from .calls import internal_error
from .connection import TRANSPORT
from .control import Control
from .ingest import Decision, Ingest, Request
from .messages import (
    Answer,
    Body,
    Headers,
    Receive,
    Scope,
    Send,
    error_answer,
    header,
    header_object,
    json_answer,
    read_body,
    send_answer,
)
from .settings import IngestSettings

_BODILESS: Final = frozenset({204, 205, 304})
"""What follows the head of such an answer would be taken for the beginning of the next one."""
_UNSTORED: Final = frozenset({b"content-length", b"cookie"})
_LOG = logging.getLogger(__name__)
_LIVE = json_answer(200, {"is_healthy": True})
_NO_ANSWER = Answer(0, (), b"")
_STORE_BROKEN = "the store could not be written; the request is not kept"


class App:
    """The ASGI application. Lives in one event loop."""

    def __init__(
        self,
        *,
        ingest: Ingest,
        behaviours: Behaviours,
        control: Control,
        writer: Writer,
        settings: IngestSettings,
    ) -> None:
        self._ingest = ingest
        self._behaviours = behaviours
        self._control = control
        self._writer = writer
        self._settings = settings
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Cut delays short and let hung requests go: the server is stopping."""
        self._stopping.set()
        self._control.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope["path"]
        if path.startswith(routes.CONTROL):
            await self._control.handle(scope, receive, send)
            return
        route = routes.match(path)
        method: str = scope["method"]
        if route is None:
            await send_answer(send, self._elsewhere(path, method), head=method == "HEAD")
        elif method == "OPTIONS" and route.kind:
            await send_answer(send, Answer(200, PREFLIGHT_CORS, b""))
        else:
            await self._take(route, scope, receive, send)

    def _elsewhere(self, path: str, method: str) -> Answer:
        if path.rstrip("/") in routes.HEALTH:
            if method not in ("GET", "HEAD"):
                return error_answer(405, "use GET", headers=((b"allow", b"GET, HEAD"),))
            if path.rstrip("/").endswith("live") or not self._stopping.is_set():
                return _LIVE
            return json_answer(503, {"is_healthy": False})
        return error_answer(
            404,
            f"this server has nothing at {path[:200]}",
            hint="clients send to /api/<project id>/envelope/ (the DSN says where); control is at /api/harness/",
        )

    async def _take(self, route: routes.Route, scope: Scope, receive: Receive, send: Send) -> None:
        """Receive one ingest request: read, decide, write, answer."""
        received_at, received_mono = clock.wall(), clock.monotonic()
        rule = self._behaviours.take(route.project, received_mono) if self._behaviours else None
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if rule is not None and rule.reset == "before":
            body = Body(b"", int(header(headers, b"content-length") or 0), False)
        else:
            body = await read_body(receive, self._settings.compressed_bytes + 1)
        request = Request(
            route=route,
            method=scope["method"],
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            encoding=header(headers, b"content-encoding"),
            content_type=header(headers, b"content-type"),
            body=body,
        )
        decision = self._decide(request)
        if not body.complete and (rule is None or rule.reset != "before"):
            decision = _overruled(decision, _NO_ANSWER, "client_gone")
        elif rule is not None:
            decision = _misbehave(decision, rule)
        kept = body.data
        if len(kept) > self._settings.compressed_bytes:
            kept = kept[: self._settings.kept_bytes]
        row = NewRequest(
            received_at=received_at,
            received_mono=received_mono,
            project=decision.project,
            key=decision.key,
            method=request.method,
            path=scope["path"],
            query=request.query,
            route=route.kind,
            headers=_stored_headers(tuple(headers)),
            encoding=request.encoding,
            length=body.length,
            status=decision.answer.status,
            outcome="refused" if decision.refused else "accepted",
            reason=decision.reason,
            event_id=decision.event_id,
            answer_headers=_answer_headers(decision.answer.headers),
            answer=decision.answer.body,
            body=kept,
        )
        try:
            await self._writer.submit(row)
        except ServerError as error:
            _LOG.error("%s", error)
            await send_answer(send, error_answer(503, _STORE_BROKEN, hint=error.hint, headers=ANSWER_CORS))
            return
        if rule is None:
            if body.complete:
                await send_answer(send, decision.answer)
        else:
            await self._play(rule, decision.answer, scope, receive, send)

    def _decide(self, request: Request) -> Decision:
        """The decision; what nobody foresaw is a refusal, and so on record like any other."""
        try:
            return self._ingest.decide(request)
        except Exception as error:  # noqa: BLE001 - logged and recorded in there
            answer = error_answer(500, internal_error(error), headers=ANSWER_CORS)
            return Decision(answer, request.route.project, "", True, "internal_error")

    async def _play(self, rule: Rule, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        """Do what ``rule`` says with the answer."""
        transport: asyncio.Transport = scope["extensions"][TRANSPORT]
        if rule.delay:
            await self._wait(rule.delay)
        if rule.hang:
            await self._until_gone(receive)
            transport.abort()
        elif rule.reset:
            # Lingering for no time at all makes the kernel send RST instead of FIN (RFC 9293, 3.10.4).
            sock: Any = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        elif rule.truncate:
            transport.write(_half(answer))
            transport.close()
        else:
            await send_answer(send, answer)

    async def _wait(self, seconds: float) -> None:
        """Wait that long, or until the server stops."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _until_gone(self, receive: Receive) -> None:
        """Wait until the client gives up or the server stops."""
        gone = asyncio.ensure_future(receive())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({gone, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            stopping.cancel()


def _misbehave(decision: Decision, rule: Rule) -> Decision:
    """The decision as ``rule`` changes it. Accepted stays accepted only with a 2xx answer."""
    if rule.hang or rule.reset:
        return _overruled(decision, _NO_ANSWER, rule.reason)
    answer = decision.answer
    if rule.status is not None or rule.body is not None or rule.headers:
        changed = {name.lower().encode(): value.encode() for name, value in rule.headers.items()}
        kept = tuple(pair for pair in answer.headers if pair[0] not in changed)
        answer = Answer(
            answer.status if rule.status is None else rule.status,
            kept + tuple(changed.items()),
            answer.body if rule.body is None else rule.body.encode(),
        )
        if answer.status in _BODILESS:
            answer = msgspec.structs.replace(answer, body=b"")
    refused = decision.refused or not 200 <= answer.status < 300
    return msgspec.structs.replace(
        decision, answer=answer, refused=refused, reason=decision.reason or rule.reason
    )


def _overruled(decision: Decision, answer: Answer, reason: str) -> Decision:
    return msgspec.structs.replace(decision, answer=answer, refused=True, reason=reason)


def _half(answer: Answer) -> bytes:
    """The first half of the bytes of the answer on the wire."""
    lines = [b"HTTP/1.1 %d Truncated" % answer.status]
    lines += [name + b": " + value for name, value in answer.headers]
    lines.append(b"content-length: %d" % len(answer.body))
    whole = b"\r\n".join(lines) + b"\r\n\r\n" + answer.body
    return whole[: len(whole) // 2]


@lru_cache(maxsize=256)
def _answer_headers(headers: Headers) -> str:
    return header_object(headers)


def _stored_headers(headers: Headers) -> str:
    return _headers_json(tuple([pair for pair in headers if pair[0] not in _UNSTORED]))


@lru_cache(maxsize=1024)
def _headers_json(headers: Headers) -> str:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return msgspec.json.encode(pairs).decode()
