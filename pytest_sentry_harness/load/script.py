"""A script of requests, sent by this very process: for services that answer fast, and for plans told request by request.

The requests go out in the order of the script. With several users each takes the next one as soon as it is
free, so that the order of sending is kept and that of the answers is not.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .. import clock
from ..errors import LoadError
from ..model.arming import Arming
from ..model.scenario import Load, LoadRequest
from .connections import Connections
from .load_ledger import LoadLedger
from .process import LoadEnding
from .pulse import PulseThread
from .trouble import in_words

_POLL_SECONDS = 0.25
_MOST_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. ``status_code`` is Locust's and httpx' name for it."""

    status_code: int
    body: bytes


def run_script(
    load: Load,
    *,
    host: str,
    arming: Arming,
    log: Path,
    on_poll: Callable[[float], None] | None = None,
) -> LoadEnding:
    """Send the requests of ``load`` to ``host``, marked by the plan and on record in a journal of their own.

    ``log`` gets a line for each request without an answer. ``on_poll`` is called about four times a second
    with the seconds since the start; what it raises ends the load and is passed on. Raises ``LoadError``
    when not one request was answered.
    """
    start = clock.monotonic()
    # Senders cannot be interrupted in mid-request; they look at this between two.
    stop = threading.Event()
    ledger = LoadLedger(arming, "", stop.set)
    queue = _Queue(load.requests)
    sender = _Sender(host, ledger, queue, stop, start + load.run_time)
    try:
        with (
            PulseThread(ledger.pulse),
            ThreadPoolExecutor(load.users, thread_name_prefix="sentry-harness-load") as pool,
        ):
            senders = [pool.submit(sender.run) for _ in range(load.users)]
            try:
                while wait(senders, timeout=_POLL_SECONDS).not_done:
                    if on_poll is not None:
                        on_poll(clock.monotonic() - start)
                enough = stop.is_set()
            finally:
                stop.set()
        for each in senders:
            each.result()
    finally:
        ledger.close("the script ended")
        log.write_text("".join(f"{line}\n" for line in sender.unanswered), encoding="utf-8")
    if not sender.answered:
        raise LoadError(
            "no request of the script was answered; the first said: " + (sender.unanswered or ["nothing"])[0],
            where=f"[[load.request]] against {host}",
            hint="does the target listen on the port it was given ({port})?",
        )
    sent = sender.answered + len(sender.unanswered)
    return LoadEnding(
        exit_code=0,
        requests=sent,
        unsent=0 if enough else sum(each.times for each in load.requests) - sent,
        failures=sender.failed + len(sender.unanswered),
        seconds=clock.monotonic() - start,
        log=log,
    )


class _Queue:
    """The requests of the script, each as often as it says, handed out one at a time."""

    def __init__(self, requests: tuple[LoadRequest, ...]) -> None:
        self._lock = threading.Lock()
        self._left: Iterator[LoadRequest] = (each for each in requests for _ in range(each.times))

    def next(self) -> LoadRequest | None:
        with self._lock:
            return next(self._left, None)


class _Sender:
    """Sends until the script is over, told to stop, or out of time. Used by all users at once."""

    def __init__(
        self, host: str, ledger: LoadLedger, queue: _Queue, stop: threading.Event, deadline: float
    ) -> None:
        self._host = host
        self._ledger = ledger
        self._queue = queue
        self._stop = stop
        self._deadline = deadline
        self._lock = threading.Lock()
        self.answered = 0
        self.failed = 0
        self.unanswered: list[str] = []

    def run(self) -> None:
        while not self._stop.is_set() and clock.monotonic() < self._deadline:
            request = self._queue.next()
            if request is None:
                return
            self._send(request)

    def _send(self, request: LoadRequest) -> None:
        url = self._host + request.path
        name = urlsplit(request.path).path

        def call(headers: dict[str, str]) -> Response:
            return exchange(self._host, request, headers)

        try:
            response = self._ledger.send(request.method, url, name, call, faults=request.faults)
        except (OSError, http.client.HTTPException) as error:
            with self._lock:
                self.unanswered.append(f"{request.method} {request.path}: {in_words(error)}")
            return
        with self._lock:
            self.answered += 1
            self.failed += response.status_code >= 400


def exchange(
    host: str, request: LoadRequest, headers: dict[str, str], kept: Connections | None = None
) -> Response:
    """Send one request, over a connection of its own or one of those that are ``kept``.

    Raises ``OSError`` or ``HTTPException`` without an answer.
    """
    connections = kept or Connections(host)
    # What says "close" may meet a fault: none of those shall be lost by a connection that was about to be closed.
    alone = kept is None or "Connection" in headers
    connection = connections.fresh() if alone else connections.get()
    body = None if request.body is None else request.body.encode()
    sent = {"User-Agent": "sentry-harness", **request.headers, **headers}
    if alone:
        sent["Connection"] = "close"
    if request.json is not None:
        body = json.dumps(request.json).encode()
        sent = {"Content-Type": "application/json", **sent}
    try:
        connection.request(request.method, connections.prefix + request.path, body=body, headers=sent)
        answer = connection.getresponse()
        response = Response(answer.status, answer.read(_MOST_READ))
        if not alone and answer.isclosed():  # read to its end: the next answer begins where this one ended
            connections.give_back(connection)
            return response
    except BaseException:
        connection.close()
        raise
    connection.close()
    return response
