"""uvicorn's HTTP protocol with the two things ingest needs of a connection.

An answer leaves in one write: sent as two, the second waits for the client's delayed acknowledgement of the
first, up to 40 ms, and each costs a system call. And the application can reach the connection, to reset it.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TRANSPORT: Final = "sentry_harness.transport"
"""Key of the scope's extensions under which the connection's transport is found."""
_CONTINUE: Final = b"HTTP/1.1 100 "


class _OneWrite:
    """Stands before the transport for one answer: keeps its head until the first of its body comes."""

    __slots__ = ("_begun", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._begun = False

    def write(self, data: bytes) -> None:
        if self._begun:
            self._transport.write(self._head + data if self._head else data)
            self._head = b""
        elif data.startswith(_CONTINUE):
            self._transport.write(data)
        else:
            self._begun = True
            self._head = data

    def close(self) -> None:
        if self._head:
            self.write(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    def on_message_begin(self) -> None:
        """Let the application find the transport."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        """Put the gathering transport in place before the application runs. An answer to HEAD has no body
        that could follow its head.
        """
        super().on_headers_complete()
        if self.scope["method"] != "HEAD":
            self.cycle.transport = cast("asyncio.Transport", _OneWrite(self.transport))
