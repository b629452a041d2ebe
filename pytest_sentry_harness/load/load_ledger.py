"""The part that runs where requests are sent: it marks them and keeps the journal."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from socket import gaierror
from typing import Any

from .. import clock
from ..ledger.journal import Journal
from ..model.arming import Arming
from ..model.ledger import Answered, Ended, Fired, Intent, Note, Sent
from .intended import due_here
from .marker import Marked, Marker
from .meter import Meter
from .pulse import Pulse
from .trouble import in_words


class LoadLedger:
    """Marks the requests of this process and records what was intended, and what was answered.

    ``on_enough`` is called once, when as many faults were asked for as the run wants.
    """

    def __init__(self, arming: Arming, lane: str, on_enough: Callable[[], None]) -> None:
        self.marker = Marker(arming, lane)
        self._journal = Journal(arming.journal_dir, run_id=arming.run_id, role="load")
        self.meter = Meter()
        self.pulse = Pulse(self._journal, self.meter)
        """Whoever sends by this ledger ticks it."""
        self._on_enough = on_enough
        self._operations = bool(arming.operations)
        self._every_request = arming.every_request
        self._told = False

    def send(
        self,
        method: str,
        url: str,
        name: str,
        call: Callable[[dict[str, str]], Any],
        *,
        faults: tuple[str, ...] | None = None,
    ) -> Any:
        """Send one request by ``call``, which is given the headers to add. The intent is on record before that.

        ``faults``: the request meets exactly these; None: the plan decides.
        """
        if not self.marker.wants(url):
            return call({})
        try:
            marked = self.marker.mark(method, name, faults)
            if self._operations:
                self._journal.write(
                    Sent, trace_id=marked.trace_id, request=marked.request, sample_rand=marked.sample_rand
                )
            for fault in marked.faults:
                self._journal.write(
                    Intent,
                    fault_id=fault.fault_id,
                    fault=fault.fault,
                    trace_id=marked.trace_id,
                    request=marked.request,
                    sample_rand=marked.sample_rand,
                )
        except Exception as error:
            # Locust, for one, logs what a task raises and goes on; the verdict must not.
            self.note_error(f"a request could not be marked: {type(error).__name__}: {error}")
            raise
        try:
            return self._measured(marked, call)
        finally:
            if self.marker.enough and not self._told:
                self._told = True
                self._on_enough()

    def note_error(self, text: str) -> None:
        """Put on record that the harness itself failed."""
        self._journal.write(Note, level="error", text=text)

    def close(self, reason: str) -> None:
        """Close the journal; a second call does nothing."""
        self._journal.close(reason)

    def _measured(self, marked: Marked, call: Callable[[dict[str, str]], Any]) -> Any:
        """Send, and measure how long it takes: from now on, and from when it was due."""
        start = clock.monotonic()
        due = due_here(start)
        if due is not None:
            self.pulse.dispatched(max(start - due, 0.0))
        status: int | None = 0
        self.meter.begun()
        try:
            response = self._call(marked, call) if marked.faults else call(dict(marked.headers))
            status = int(response.status_code or 0)
            return response
        except BaseException as error:
            if stopped(error):
                status = None  # no answer, and the target is not to blame
            raise
        finally:
            end = clock.monotonic()
            self.meter.ended(
                marked.request,
                end - start,
                None if due is None else end - due,
                failed=not 0 < (status or 0) < 400,
                plain_failed=None if marked.faults or status is None else refused(status),
            )
            if self._every_request and status is not None:
                self._journal.write(
                    Ended,
                    trace_id=marked.trace_id,
                    request=marked.request,
                    status=status,
                    seconds=end - (start if due is None else due),
                )

    def _call(self, marked: Marked, call: Callable[[dict[str, str]], Any]) -> Any:
        start = clock.perf()
        try:
            response = call(dict(marked.headers))
        except BaseException as error:
            # Also when the user is stopped in the middle of a request.
            self._answered(marked, start, 0, in_words(error))
            if isinstance(error, Exception):
                self._provoked(marked, error)
            raise
        status = int(response.status_code or 0)
        trouble = getattr(response, "error", None) if status == 0 else None
        self._answered(marked, start, status, None if trouble is None else in_words(trouble))
        self._provoked(marked, trouble)
        return response

    def _provoked(self, marked: Marked, trouble: BaseException | None) -> None:
        """The request was served, and so the faults it provokes by itself have happened.

        One that got no answer counts as served too, unless it cannot have come anywhere: a process that dies of
        the error answers nobody.
        """
        if trouble is not None and never_sent(trouble):
            return
        for fault in marked.provoked:
            self._journal.write(
                Fired,
                fault_id=fault.fault_id,
                fault=fault.fault,
                point="",
                effect="provoked",
                term=marked.request,
                trace_id=marked.trace_id,
            )

    def _answered(self, marked: Marked, start: float, status: int, error: str | None) -> None:
        self._journal.write(
            Answered,
            fault_ids=tuple(fault.fault_id for fault in marked.faults),
            trace_id=marked.trace_id,
            status=status,
            seconds=clock.perf() - start,
            error=error,
        )


def stopped(error: BaseException) -> bool:
    """Whether ``error`` ends the sender in the middle of a request: the load is over, or a user of it."""
    # gevent's Timeout is no Exception either, and says that no answer came in time.
    return not isinstance(error, Exception) and type(error).__name__ != "Timeout"


def refused(status: int) -> bool:
    """Whether the target did not do what it was asked: it failed, had no time (429), or did not answer (0).

    Other answers of the 400s may be what the request deserves.
    """
    return status == 0 or status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def never_sent(error: BaseException) -> bool:
    """Whether ``error`` says that no connection was made. HTTP clients wrap the reason, in more than one way."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        found = todo.pop()
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        if isinstance(found, (ConnectionRefusedError, gaierror)):
            return True
        seen.add(id(found))
        todo += [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]
    return False
