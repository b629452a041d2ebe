"""An HTTP receiver on the loopback interface."""

from __future__ import annotations

import contextlib
import hmac
import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from ... import clock
from ...errors import ServerError
from ...model.notified import Receipt
from ..bodies.sentry import signature
from ..lines import Receipts
from ..sender import DELIVERY_HEADER
from .manner import Manner, Manners, reset
from .reading import alert_named, delivery_named

_MOST_BODY = 4 * 1024 * 1024
_MOST_TITLE = 256
_PATIENCE = 30.0
"""Seconds that a sender may take between two bytes."""


class HttpReceiver:
    """Takes every POST, keeps a receipt, answers as told. Used as a context manager.

    ``secret``: the client secret by which signatures are checked; empty: they are not. Receipts go to ``journal`` before
    the answer goes out.
    """

    def __init__(self, journal: Path, *, name: str = "http", secret: str = "") -> None:
        self._manners = Manners()
        self._receipts = Receipts(journal)
        self._name, self._secret = name, secret
        self._closing = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._placeholder: socket.socket | None = None
        self.failure: BaseException | None = None
        """Why a delivery has no receipt, if that was the receiver's fault."""
        self.journal = journal
        self.port = 0
        self.listen()

    def __enter__(self) -> HttpReceiver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/"

    def behave(self, *manners: Manner) -> None:
        """How the next deliveries are answered, one after the other; the last manner stays. None: all is well."""
        self._manners.set(manners)

    def listen(self) -> None:
        """Take connections, at the same port as before if there was one."""
        if self._server is not None:
            return
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None
        try:
            self._server = _Server(self, self.port)
        except OSError as error:
            raise ServerError(
                f"cannot listen: {error}", where=f"receiver {self._name!r}, 127.0.0.1:{self.port}"
            ) from error
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name=f"receive-{self._name}", daemon=True
        )
        self._thread.start()

    def refuse(self) -> None:
        """Refuse connections from now on; the port stays ours. Those that are open end."""
        if self._server is None:
            return
        self._end_server()
        # Bound and not listening: nobody else gets the port, and who connects is refused.
        self._placeholder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._placeholder.bind(("127.0.0.1", self.port))

    def close(self) -> None:
        """End: connections that hang are closed. A second call does nothing. Raises ``ServerError`` if receipts are missing."""
        if self._server is not None:
            self._end_server()
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None
        self._receipts.close()
        failure, self.failure = self.failure, None
        if failure is not None:
            raise ServerError(
                f"a delivery could not be put on record: {failure}", where=f"receiver {self._name!r}"
            ) from failure

    def _end_server(self) -> None:
        server, thread = self._server, self._thread
        assert server is not None
        assert thread is not None
        self._server = self._thread = None
        self._closing.set()
        server.shutdown()
        thread.join()
        server.close_connections()
        server.server_close()
        self._closing.clear()

    def resets(self) -> bool:
        """Whether the connection that was made just now is to be reset."""
        return self._manners.take_reset()

    def begin(self) -> Manner | None:
        """How the delivery that begins is to be taken and answered, when it is time to take it; None: the receiver ends."""
        manner = self._manners.take()
        return None if manner.takes and self._closing.wait(manner.takes) else manner

    def take(self, path: str, headers: Any, body: bytes, manner: Manner, at: float, mono: float) -> None:
        """Keep a receipt of one delivery."""
        text = body.decode("utf-8", "replace")
        delivery_id, alert_id = delivery_named(headers.get(DELIVERY_HEADER, ""))
        in_body = alert_named(text)
        content = _content(text)
        self._receipts.write(
            Receipt(
                at=at,
                mono=mono,
                receiver=self._name,
                protocol="http",
                path=path[:_MOST_TITLE],
                delivery_id=delivery_id,
                alert_id=in_body or alert_id,
                in_header=bool(alert_id),
                in_body=bool(in_body),
                signature=self._signature(headers.get("Sentry-Hook-Signature"), body),
                resource=headers.get("Sentry-Hook-Resource") or _text(content.get("event_action")),
                status=0 if manner.hang else manner.status or 200,
                size=len(body),
                title=_title(content),
            )
        )

    def wait(self, manner: Manner) -> bool:
        """Wait as ``manner`` says; whether an answer is to be given then."""
        if manner.hang:
            self._closing.wait()
            return False
        return not (manner.delay and self._closing.wait(manner.delay))

    def _signature(
        self, given: str | None, body: bytes
    ) -> Literal["valid", "invalid", "absent", "unchecked"]:
        if not self._secret:
            return "unchecked"
        if given is None:
            return "absent"
        expected = signature(self._secret, body)
        return (
            "valid" if hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")) else "invalid"
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, receiver: HttpReceiver, port: int) -> None:
        self.receiver = receiver
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        if not self.receiver.resets():
            return True
        reset(request)
        return False

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that went away in the middle is its own affair: there is no receipt. Anything else is ours."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            self.receiver.failure = error

    def close_connections(self) -> None:
        """End those that are open, so that their threads end."""
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):  # gone already
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    server: _Server

    def do_POST(self) -> None:
        self.close_connection = True
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._answer(Manner(status=411))
            return
        if int(length[:12]) > _MOST_BODY:
            self._answer(Manner(status=413))
            return
        receiver = self.server.receiver
        manner = receiver.begin()
        if manner is None:
            return
        body = self.rfile.read(int(length))
        at, mono = clock.wall(), clock.monotonic()
        if len(body) < int(length):
            return  # it went away: nothing was delivered
        receiver.take(self.path, self.headers, body, manner, at, mono)
        if receiver.wait(manner):
            self._answer(manner)

    def log_message(self, *_: Any) -> None:
        """Receipts say more."""

    def _answer(self, manner: Manner) -> None:
        body = manner.body.encode()
        self.send_response(manner.status or 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        if manner.retry_after is not None:
            self.send_header("Retry-After", str(manner.retry_after))
        self.end_headers()
        self.wfile.write(body)


def _content(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _title(content: dict[str, Any]) -> str:
    """What people see of it, wherever the kind of channel has that."""
    data, payload = content.get("data"), content.get("payload")
    event = data.get("event") if isinstance(data, dict) else None
    found = (
        event.get("title") if isinstance(event, dict) else None,
        data.get("description_title") if isinstance(data, dict) else None,
        payload.get("summary") if isinstance(payload, dict) else None,
        content.get("title"),
        content.get("text"),
        content.get("message"),
    )
    return next((_text(each) for each in found if _text(each)), "")


def _text(value: object) -> str:
    return value[:_MOST_TITLE].encode("utf-8", "replace").decode() if isinstance(value, str) else ""
