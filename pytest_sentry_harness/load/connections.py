"""Connections to the target, kept open between requests, as browsers and proxies keep theirs."""

from __future__ import annotations

import http.client
import select
import threading
from urllib.parse import urlsplit

from .. import clock

ANSWER_SECONDS = 30.0
_MOST_IDLE = 64
_IDLE_SECONDS = 1.0
"""Servers close what is idle for some seconds; a request sent at that moment would be lost without a fault."""


class Connections:
    """Hands out connections to one host, and takes them back. May be used by several threads."""

    def __init__(self, host: str) -> None:
        parts = urlsplit(host)
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._address = (parts.hostname or "", parts.port)
        self.prefix = parts.path.rstrip("/")
        """What each path begins with."""
        self._lock = threading.Lock()
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []

    def fresh(self) -> http.client.HTTPConnection:
        """One that was never used."""
        return self._kind(*self._address, timeout=ANSWER_SECONDS)

    def get(self) -> http.client.HTTPConnection:
        """The one that was used last if it still is good, else a fresh one."""
        while True:
            with self._lock:
                since, connection = self._idle.pop() if self._idle else (0.0, None)
            if connection is None:
                return self.fresh()
            if clock.monotonic() - since < _IDLE_SECONDS and not _has_news(connection):
                return connection
            connection.close()

    def give_back(self, connection: http.client.HTTPConnection) -> None:
        """Keep ``connection`` for the next request, if the server keeps it too."""
        if connection.sock is not None:
            with self._lock:
                if len(self._idle) < _MOST_IDLE:
                    self._idle.append((clock.monotonic(), connection))
                    return
        connection.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()


def _has_news(connection: http.client.HTTPConnection) -> bool:
    """An idle connection that can be read from has been closed by the server."""
    sock = connection.sock
    if sock is None:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
