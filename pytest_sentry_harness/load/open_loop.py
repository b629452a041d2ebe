"""An open load of scripted requests: each is sent when it is due, whether or not earlier ones were answered.

Users that wait for their answers send less the slower the target is, and never see what would have come meanwhile. Here
the plan decides when a request is due, and its latency counts from then.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from .. import clock
from ..errors import LoadError
from ..model.arming import Arming
from ..model.scenario import Load, LoadRequest
from ..plan.arrivals import arrival_times
from .connections import ANSWER_SECONDS, Connections
from .crew import Crew
from .intended import due_at
from .load_ledger import LoadLedger
from .process import LoadEnding
from .pulse import PulseThread
from .script import Response, exchange
from .trouble import in_words

_POLL_SECONDS = 0.25
_MOST_LINES = 1000
_LEAD_SECONDS = 0.05
"""The first request may be due at once; until then all is set up."""


def run_open_script(
    load: Load,
    *,
    host: str,
    arming: Arming,
    log: Path,
    on_poll: Callable[[float], None] | None = None,
) -> LoadEnding:
    """Send the requests of ``load`` to ``host`` as they arrive; otherwise as ``run_script``.

    The script is gone through again and again until the stages are over. At most ``load.users`` requests are under
    way at once: what is due beyond that has to wait, which is on record and makes the verdict *inconclusive*.
    """
    start = clock.monotonic()
    stop = threading.Event()
    ledger = LoadLedger(arming, "", stop.set)
    sender = _Sender(host, ledger, load.requests)
    crew = Crew(sender.send, load.users)
    try:
        with PulseThread(ledger.pulse):
            begin = clock.monotonic() + _LEAD_SECONDS
            dues = (begin + each for each in arrival_times(load.stages, load.arrivals, arming.seed))
            dispatcher = threading.Thread(
                target=_dispatch, args=(dues, crew, ledger, stop), name="sentry-harness-arrivals", daemon=True
            )
            dispatcher.start()
            try:
                _until_sent(dispatcher, crew, stop, on_poll, start)
            finally:
                enough = stop.is_set()
                stop.set()
                dispatcher.join()
                left = crew.stop()
                if not enough:
                    ledger.pulse.missed(left)
    finally:
        sender.connections.close()
        ledger.close("the arrivals are over")
        log.write_text("".join(f"{line}\n" for line in sender.unanswered), encoding="utf-8")
    if crew.failure is not None:
        raise crew.failure
    if not sender.answered:
        raise LoadError(
            "no request was answered; the first said: " + (sender.unanswered or ["nothing"])[0],
            where=f"[[load.request]] against {host}",
            hint="does the target listen on the port it was given ({port})?",
        )
    return LoadEnding(
        exit_code=0,
        requests=sender.answered + sender.lost,
        failures=sender.failed + sender.lost,
        seconds=clock.monotonic() - start,
        log=log,
    )


def _dispatch(dues: Iterator[float], crew: Crew, ledger: LoadLedger, stop: threading.Event) -> None:
    """Hand each arrival to the crew when it is due, until told to stop."""
    for due in dues:
        while (left := due - clock.monotonic()) > 0:
            if stop.wait(left):
                return
        if stop.is_set() or crew.failure is not None:
            return
        ledger.pulse.due(held=not crew.give(due))


def _until_sent(
    dispatcher: threading.Thread,
    crew: Crew,
    stop: threading.Event,
    on_poll: Callable[[float], None] | None,
    start: float,
) -> None:
    """Until the last arrival is due and answered, or has waited for its turn as long as for an answer."""
    deadline: float | None = None
    while crew.failure is None:
        dispatcher.join(_POLL_SECONDS)
        now = clock.monotonic()
        if on_poll is not None:
            on_poll(now - start)
        if not dispatcher.is_alive():
            deadline = deadline or now + ANSWER_SECONDS
            if stop.is_set() or not crew.busy or now > deadline:
                return
            stop.wait(_POLL_SECONDS)


class _Sender:
    """Sends the next request of the script. Used by all threads at once."""

    def __init__(self, host: str, ledger: LoadLedger, requests: tuple[LoadRequest, ...]) -> None:
        self._host = host
        self._ledger = ledger
        self._lock = threading.Lock()
        self._next = _again_and_again(requests)
        self.connections = Connections(host)
        self.answered = self.failed = self.lost = 0
        self.unanswered: list[str] = []
        """A line for each request without an answer; the first thousand of them."""

    def send(self, due: float) -> None:
        """Send one request, which was due at that moment."""
        with self._lock:
            request = next(self._next)

        def call(headers: dict[str, str]) -> Response:
            return exchange(self._host, request, headers, self.connections)

        try:
            with due_at(due):
                response: Response = self._ledger.send(
                    request.method,
                    self._host + request.path,
                    urlsplit(request.path).path,
                    call,
                    faults=request.faults,
                )
        except (OSError, http.client.HTTPException) as error:
            with self._lock:
                self.lost += 1
                if len(self.unanswered) < _MOST_LINES:
                    self.unanswered.append(f"{request.method} {request.path}: {in_words(error)}")
            return
        with self._lock:
            self.answered += 1
            self.failed += response.status_code >= 400


def _again_and_again(requests: tuple[LoadRequest, ...]) -> Iterator[LoadRequest]:
    while True:
        for request in requests:
            for _ in range(request.times):
                yield request
