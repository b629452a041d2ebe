"""The doctor's own requests to a service: one that is not found, and one that meets an injected fault."""

from __future__ import annotations

import http.client
import secrets
import socket

from ..errors import TargetError
from ..model.arming import Arming
from ..protocol import fault_header
from ..protocol.trace import TraceHeaders
from .subject import request_faults

PATH = "/sentry-harness-doctor"
_SECONDS = 15.0
_ATTEMPT = 1.0


def not_found(port: int) -> int | None:
    """Ask for a path that does not exist: lets what is set up lazily be set up. The status; None: no answer."""
    return _get(port, {})


def with_fault(port: int, arming: Arming) -> int | None:
    """The same, carrying a fault for whatever framework routes it. The status; None: no answer."""
    trace_id = secrets.token_hex(16)
    chosen = tuple(
        fault_header.Selected(name, f"{name}-{secrets.token_hex(4)}", 0) for name in request_faults()
    )
    headers = TraceHeaders.fresh(trace_id, secrets.token_hex(8), 0.5)
    headers[fault_header.NAME] = fault_header.encode(
        fault_header.Selection(arming.run_id, trace_id, chosen), arming.key
    )
    return _get(port, headers)


def listens(port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=_ATTEMPT).close()
    except OSError:
        return False
    return True


def check_free(port: int) -> None:
    """Raise ``TargetError`` when something listens there already: it would be taken for the command."""
    if listens(port):
        raise TargetError(
            "something listens on this port already",
            where=f"port {port}",
            hint="stop it, or write {port} in the command and let the harness take a free one",
        )


def _get(port: int, headers: dict[str, str]) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", PATH, headers={"Connection": "close", **headers})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        # A server may end the connection on an unhandled error; what came of it is in the ledger.
        return None
    finally:
        connection.close()
    return status
