"""The entry of a WSGI application (PEP 3333)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...protocol.fault_header import NAME
from ..selection import PRESENT, RequestFaults
from .requests import Requests

Environ = dict[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]

_KEY = "HTTP_" + NAME.upper().replace("-", "_")


class WsgiEntry:
    """Wraps an application. Requests of which nothing is to be remembered pass straight through."""

    def __init__(self, app: App, requests: Requests) -> None:
        self.app = app
        self._requests = requests

    def __repr__(self) -> str:
        return repr(self.app)  # servers' frames hold it, and the SDK sends what they hold

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Serve one request."""
        return serve(self.app, environ, start_response, self._requests)


def serve(app: App, environ: Environ, start_response: Any, requests: Requests) -> Iterable[bytes]:
    """Run the application within its request, if that carries faults or its trace is to be remembered.

    The faults' header is taken out in any case.
    """
    __tracebackhide__ = True  # the SDK leaves such frames out of its stack traces
    value = environ.pop(_KEY, None)
    request = None if value is None else requests.open(value, environ.get("HTTP_HOST", ""))
    if request is None and requests.traces:
        request = requests.traced(environ.get("HTTP_SENTRY_TRACE"), environ.get("HTTP_TRACEPARENT"))
    if request is None:
        return app(environ, start_response)
    token = PRESENT.set(request)
    try:
        body = app(environ, start_response)
    except BaseException as error:
        requests.close(request, error)
        raise
    finally:
        PRESENT.reset(token)
    if not request.carries and _is_made(body, environ):
        return body  # servers have short ways for these
    return _Body(body, request, requests)


def _is_made(body: Iterable[bytes], environ: Environ) -> bool:
    """Whether nothing of the application runs any more while ``body`` is read."""
    wrapper = environ.get("wsgi.file_wrapper")
    return type(body) in (list, tuple) or (isinstance(wrapper, type) and isinstance(body, wrapper))


class _Body:
    """The response, produced within the request: applications may do their work while it is read."""

    def __init__(self, body: Iterable[bytes], request: RequestFaults, requests: Requests) -> None:
        self._body = body
        self._request = request
        self._requests = requests
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        parts: Iterator[bytes] = self._within(lambda: iter(self._body))
        while True:
            try:
                part: bytes = self._within(lambda: next(parts))
            except StopIteration:
                return
            yield part

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]  # servers ask in order to set Content-Length

    def close(self) -> None:
        """The server is done with the response."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                self._within(close)
        finally:
            self._requests.close(self._request, self._error)

    def _within(self, step: Callable[[], Any]) -> Any:
        token = PRESENT.set(self._request)
        try:
            return step()
        except StopIteration:
            raise
        except BaseException as error:
            self._error = error
            raise
        finally:
            PRESENT.reset(token)
