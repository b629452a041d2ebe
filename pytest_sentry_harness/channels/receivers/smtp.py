"""An SMTP receiver on the loopback interface, with aiosmtpd (extra ``monitor``)."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any
from weakref import WeakSet

from ... import clock
from ...errors import ServerError, UsageError
from ...model.notified import Receipt
from ..bodies.mail import DOMAIN
from ..lines import Receipts
from .manner import Manner, Manners
from .reading import alert_named, delivery_named

_MOST_MESSAGE = 4 * 1024 * 1024
_MOST_TITLE = 256
_START = 10.0
_CLOSING = "421 closing"


class SmtpReceiver:
    """Takes every message, keeps a receipt, answers as told. Used as a context manager.

    Receipts go to ``journal`` before the answer goes out. Raises ``UsageError`` when aiosmtpd is missing.
    """

    def __init__(self, journal: Path, *, name: str = "smtp") -> None:
        try:
            from aiosmtpd.smtp import SMTP
        except ImportError as error:
            raise UsageError(
                "aiosmtpd is not installed",
                where=f"receiver {name!r}",
                hint="pip install 'pytest-sentry-harness[monitor]'",
            ) from error
        self._protocol: Any = SMTP
        self._manners = Manners()
        self._receipts = Receipts(journal)
        self._name = name
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._ending: asyncio.Event | None = None
        self._placeholder: socket.socket | None = None
        self._connections: WeakSet[Any] = WeakSet()
        self._ready = threading.Event()
        self._closed = False
        self.failure: OSError | None = None
        """Why a delivery has no receipt."""
        self.journal = journal
        self.port = 0
        self._thread = threading.Thread(target=self._run, name=f"receive-{name}", daemon=True)
        self._thread.start()
        self._ready.wait(_START)
        try:
            self.listen()
        except ServerError:
            self.close()
            raise

    def __enter__(self) -> SmtpReceiver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def behave(self, *manners: Manner) -> None:
        """How the next messages are answered, one after the other; the last manner stays. None: all is well."""
        self._manners.set(manners)

    def listen(self) -> None:
        """Take connections, at the same port as before if there was one."""
        try:
            self._call(self._listen())
        except OSError as error:
            raise ServerError(
                f"cannot listen: {error}", where=f"receiver {self._name!r}, 127.0.0.1:{self.port}"
            ) from error

    def refuse(self) -> None:
        """Refuse connections from now on; the port stays ours. Those that are open end."""
        self._call(self._refuse())

    def close(self) -> None:
        """End: connections that hang are closed. A second call does nothing. Raises ``ServerError`` if receipts are missing."""
        if self._closed:
            return
        self._closed = True
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._receipts.close()
        if self.failure is not None:
            raise ServerError(
                f"a delivery could not be put on record: {self.failure}", where=f"receiver {self._name!r}"
            ) from self.failure

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name
        """Called by aiosmtpd when the last byte of a message is there."""
        manner = self._manners.take()
        if not await self._wait(manner.takes):
            return _CLOSING
        at, mono = clock.wall(), clock.monotonic()
        try:
            self._receipts.write(self._receipt(envelope, manner, at, mono))
        except OSError as error:
            self.failure = error
            return "451 it cannot be put on record"
        return _reply(manner) if await self._wait(None if manner.hang else manner.delay) else _CLOSING

    async def _wait(self, seconds: float | None) -> bool:
        """Wait so long (None: for ever); False when the receiver ends first."""
        assert self._ending is not None
        if seconds == 0:
            return True
        try:
            await asyncio.wait_for(self._ending.wait(), seconds)
        except TimeoutError:
            return True
        return False

    def _receipt(self, envelope: Any, manner: Manner, at: float, mono: float) -> Receipt:
        content: bytes = envelope.original_content or b""
        message = message_from_bytes(content, policy=policy.default)
        identifier = str(message.get("Message-ID", "")).strip().strip("<>").removesuffix(f"@{DOMAIN}")
        delivery_id, alert_id = delivery_named(identifier)
        in_body = alert_named(_text_of(message))
        return Receipt(
            at=at,
            mono=mono,
            receiver=self._name,
            protocol="smtp",
            path=", ".join(envelope.rcpt_tos)[:_MOST_TITLE],
            delivery_id=delivery_id,
            alert_id=in_body or alert_id,
            in_header=bool(alert_id),
            in_body=bool(in_body),
            signature="unchecked",
            resource="",
            status=0 if manner.hang else manner.status or 250,
            size=len(content),
            title=str(message.get("Subject", ""))[:_MOST_TITLE].encode("utf-8", "replace").decode(),
        )

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._ending = asyncio.Event()
        self._loop.call_soon(self._ready.set)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _call(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_START)

    async def _listen(self) -> None:
        if self._server is not None:
            return
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None
        assert self._ending is not None
        self._ending.clear()
        self._server = await self._loop.create_server(self._connection, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _connection(self) -> Any:
        if self._manners.take_reset():
            return _Reset()
        protocol = self._protocol(
            self,
            hostname="localhost",
            ident="receiver",
            data_size_limit=_MOST_MESSAGE,
            enable_SMTPUTF8=True,
            loop=self._loop,
        )
        self._connections.add(protocol)
        return protocol

    async def _refuse(self) -> None:
        if self._server is None:
            return
        await self._end()
        # Bound and not listening: nobody else gets the port, and who connects is refused.
        self._placeholder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._placeholder.bind(("127.0.0.1", self.port))

    async def _end(self) -> None:
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None
        assert self._ending is not None
        self._ending.set()
        if self._server is not None:
            self._server.close()
            self._server = None
        for protocol in list(self._connections):
            if protocol.transport is not None:
                protocol.transport.abort()
        self._connections.clear()
        current = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Reset(asyncio.Protocol):
    """Resets the connection as soon as it stands."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Asyncio's own socket object only lends its descriptor: what is set there holds for the connection.
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        transport.close()


def _reply(manner: Manner) -> str:
    return f"{manner.status or 250} {manner.body or 'as told'}"


def _text_of(message: Any) -> str:
    """The text of a message, decoded; empty when there is none that can be."""
    body = message.get_body(("plain", "html")) if isinstance(message, EmailMessage) else None
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (LookupError, UnicodeError, ValueError):
        return ""
