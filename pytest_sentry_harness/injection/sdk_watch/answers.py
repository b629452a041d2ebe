"""Words what a transport was answered, or why it got no answer. Knows urllib3 and httpcore by what they raise and return."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

Trouble = Literal[
    "", "refused", "reset", "timeout", "unresolved", "tls", "proxy", "broken", "cut_short", "other"
]
_MOST_TEXT = 300

# What an HTTP library raises of its own is told by name: which library it is depends on the SDK's settings.
_BY_NAME: dict[str, Trouble] = {
    "NameResolutionError": "unresolved",
    "ConnectTimeoutError": "timeout",
    "ReadTimeoutError": "timeout",
    "ConnectTimeout": "timeout",
    "ReadTimeout": "timeout",
    "WriteTimeout": "timeout",
    "PoolTimeout": "timeout",
    "SSLError": "tls",
    "IncompleteRead": "broken",
    "InvalidChunkLength": "broken",
    "RemoteProtocolError": "broken",
    "DecodeError": "broken",
    "TooManyRedirects": "broken",
}
# The first that an error is or was caused by. ``RemoteDisconnected`` is a reset and also an HTTPException.
_BY_TYPE: tuple[tuple[type[BaseException], Trouble], ...] = (
    (socket.gaierror, "unresolved"),
    (ConnectionRefusedError, "refused"),
    (ssl.SSLError, "tls"),
    (TimeoutError, "timeout"),
    (ConnectionError, "reset"),
    (http.client.HTTPException, "broken"),
)


class Answer(NamedTuple):
    """What came back: the fields of an ``sdk_answered`` record."""

    status: int
    host: str
    via: str = ""
    limits: str = ""
    error: str | None = None
    trouble: Trouble = ""


def answered(transport: Any, response: Any) -> Answer:
    """The answer ``response``, as ``transport`` got it."""
    host, via = _way(transport, response)
    status = int(response.status)
    return Answer(
        status=status,
        host=host,
        via=via,
        limits=announced_limits(transport, response),
        error=None if 200 <= status < 300 else _complaint(transport, response),
    )


def not_answered(transport: Any, error: BaseException) -> Answer:
    """No answer, because of ``error``."""
    host, via = _way(transport, None)
    chain = _chain(error)
    trouble = _kind(chain)
    if not isinstance(error, Exception):
        return Answer(status=0, host=host, via=via, error=_words(chain[:1]), trouble="cut_short")
    if any(type(link).__name__ == "ProxyError" for link in chain):
        trouble = "proxy"
    return Answer(status=0, host=host, via=via, error=_words(chain), trouble=trouble)


def announced_limits(transport: Any, response: Any) -> str:
    """The rate limits in an answer, as it words them; empty when it has none."""
    limits = _header(transport, response, "x-sentry-rate-limits")
    if limits:
        return f"X-Sentry-Rate-Limits: {limits}"
    retry_after = _header(transport, response, "retry-after")
    return f"Retry-After: {retry_after}" if retry_after and int(response.status) == 429 else ""


def is_kept_open(transport: Any) -> bool:
    """Whether an idle connection is open that the next request will go out on."""
    pools = getattr(getattr(transport, "_pool", None), "pools", None)
    if pools is None:
        return False
    # Their container is no dictionary: it can be asked for its keys, and cannot be iterated over.
    keys = list(pools.keys())
    waiting = [connection for key in keys for connection in getattr(pools[key].pool, "queue", ())]
    return any(getattr(connection, "is_connected", False) for connection in waiting)


def _way(transport: Any, response: Any) -> tuple[str, str]:
    """Who answered (or should have), and what stood between."""
    asked = _base(str(transport._auth.get_api_url()))
    between = []
    proxy = getattr(getattr(transport, "_pool", None), "proxy", None)
    if proxy is not None:
        between.append(f"by the proxy {_base(str(proxy))} ({_proxy_option(transport)})")
    steps = [step for step in _redirects(response) if step.redirect_location]
    if steps:
        between.append(f"redirected from {asked} by HTTP {steps[0].status}")
        # Where it led to is an absolute address, or a path of the same host.
        for step in steps:
            asked = _base(step.redirect_location) or asked
    return asked, ", ".join(between)


def _redirects(response: Any) -> tuple[Any, ...]:
    return tuple(getattr(getattr(response, "retries", None), "history", ()))


def _proxy_option(transport: Any) -> str:
    """Where the proxy was set: an option of the SDK or the environment."""
    for name in ("https_proxy", "http_proxy"):
        if transport.options.get(name):
            return f"option {name}"
    for name in ("https", "http"):
        if getproxies().get(name):
            variable = f"{name}_proxy"
            return f"environment variable {variable.upper() if variable.upper() in os.environ else variable}"
    return "set by the application"


@lru_cache(maxsize=64)
def _base(address: str) -> str:
    """``scheme://host:port`` of an address, without credentials and path; empty when it names no host."""
    parts = urlsplit(address)
    if not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"


def _header(transport: Any, response: Any, name: str) -> str:
    value = transport._get_header_value(response, name)
    return "" if value is None else str(value)[:_MOST_TEXT]


def _complaint(transport: Any, response: Any) -> str | None:
    """What the server says is wrong, in its own words."""
    said = _header(transport, response, "x-sentry-error")
    if said:
        return said
    body = getattr(response, "data", None) or getattr(response, "content", None) or b""
    text = bytes(body[:4096]).decode("utf-8", "replace").strip()
    try:
        document = json.loads(text)
    except ValueError:
        return None  # an error page in HTML helps nobody
    detail = document.get("detail") if isinstance(document, dict) else None
    return str(detail)[:_MOST_TEXT] if detail else None


def _chain(error: BaseException) -> list[BaseException]:
    """``error`` and what it was caused by, outermost first."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain


def _kind(chain: list[BaseException]) -> Trouble:
    for link in chain:
        if type(link).__name__ in _BY_NAME:
            return _BY_NAME[type(link).__name__]
    for kind, trouble in _BY_TYPE:
        if any(isinstance(link, kind) for link in chain):
            return trouble
    return "other"


def _words(chain: list[BaseException]) -> str:
    """The innermost error: what wraps it repeats it, with addresses of objects that differ each time."""
    innermost = chain[-1]
    return f"{type(innermost).__name__}: {innermost}"[:_MOST_TEXT]
