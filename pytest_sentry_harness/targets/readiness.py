"""Wait until something answers HTTP."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from .. import clock
from ..errors import TargetError

_PAUSE = 0.05
_ATTEMPT_SECONDS = 5.0


def probe(base_url: str, path: str) -> str | None:
    """Ask once for ``path``. None when it answered below 500, otherwise what happened instead."""
    parts = urlsplit(base_url)
    connection = _connection(parts)
    try:
        connection.request("GET", parts.path.rstrip("/") + path, headers={"Connection": "close"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return None if status < 500 else f"status {status}"


def wait_ready(base_url: str, path: str, *, timeout: float, check: Callable[[], None] | None = None) -> float:
    """Wait until ``path`` answers below 500; the seconds it took.

    ``check`` is called before each attempt and may raise. Raises ``TargetError`` after ``timeout`` seconds.
    """
    start = clock.monotonic()
    while True:
        if check is not None:
            check()
        trouble = probe(base_url, path)
        if trouble is None:
            return clock.monotonic() - start
        if clock.monotonic() - start > timeout:
            raise TargetError(
                f"the target was not ready within {timeout:g} s; the last attempt said: {trouble}",
                where=f"GET {base_url}{path}",
                hint="give target.ready a path that answers below 500, or raise target.ready_timeout",
            )
        time.sleep(_PAUSE)


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=_ATTEMPT_SECONDS)
