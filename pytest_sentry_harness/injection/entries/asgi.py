"""The entry of an ASGI application (ASGI 3: HTTP and websocket connection scopes)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ...protocol.fault_header import NAME
from ..selection import PRESENT, RequestFaults
from .requests import Requests

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

_HEADER = NAME.lower().encode("ascii")
_READ = frozenset((_HEADER, b"host", b"sentry-trace", b"traceparent"))


class AsgiEntry:
    """Wraps an application. Requests of which nothing is to be remembered pass straight through."""

    def __init__(self, app: App, requests: Requests) -> None:
        self.app = app
        self._requests = requests

    def __repr__(self) -> str:
        return repr(self.app)  # servers' frames hold it, and the SDK sends what they hold

    def __call__(self, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        """Serve one connection."""
        request = selected(scope, self._requests)
        if request is None:
            return self.app(scope, receive, send)
        return serve(self.app, scope, receive, send, request, self._requests)


def selected(scope: Scope, requests: Requests) -> RequestFaults | None:
    """The faults the connection carries, or its trace. The faults' header is taken out of ``scope`` in any case."""
    if scope["type"] not in ("http", "websocket"):
        return None
    found: dict[bytes, str] = {}
    for name, text in scope["headers"]:
        if name.lower() in _READ:
            found[name.lower()] = text.decode("latin-1")
    value, request = found.get(_HEADER), None
    if value is not None:
        scope["headers"] = [pair for pair in scope["headers"] if pair[0].lower() != _HEADER]
        request = requests.open(value, found.get(b"host", ""))
    if request is None and requests.traces:
        request = requests.traced(found.get(b"sentry-trace"), found.get(b"traceparent"))
    return request


async def serve(
    app: App, scope: Scope, receive: Any, send: Any, request: RequestFaults, requests: Requests
) -> None:
    """Run the application within ``request``."""
    __tracebackhide__ = True  # the SDK leaves such frames out of its stack traces
    token = PRESENT.set(request)
    try:
        await app(scope, receive, send)
    except BaseException as error:
        requests.close(request, error)
        raise
    else:
        requests.close(request, None)
    finally:
        PRESENT.reset(token)
