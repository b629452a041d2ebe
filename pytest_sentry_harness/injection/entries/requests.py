"""Decides whether a request's fault header counts, and closes the request's account at its end.

While operations are measured, the trace of every request is remembered as well, as its headers ask for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace

from ...errors import ProtocolError
from ...model.ledger import Note, RequestOver
from ...protocol.fault_header import NAME, Selection, decode, encode
from ..injected import InjectedExceptions
from ..recorder import Recorder, agent_working
from ..selection import PRESENT, MetFaults, RequestFaults

_TRACE_ID = re.compile(r"\s*(?:[0-9a-fA-F]{2}-)?([0-9a-fA-F]{32})-[0-9a-fA-F]{16}(?:-.*)?\s*")


class Requests:
    """What every kind of entry needs. ``live`` tells whether faults may fire at all; ``traces`` whether the trace of
    requests without faults is remembered, too.
    """

    def __init__(
        self,
        recorder: Recorder,
        exceptions: InjectedExceptions,
        *,
        run_id: str,
        key: str,
        hosts: tuple[str, ...],
        live: Callable[[], bool],
        traces: bool = False,
    ) -> None:
        self._recorder = recorder
        self._exceptions = exceptions
        self._run_id = run_id
        self._key = key
        self._hosts = frozenset(host.lower() for host in hosts)
        self._live = live
        self.traces = traces
        self._met = MetFaults()
        self._said: set[str] = set()

    def open(self, header: str, host: str) -> RequestFaults | None:
        """The faults ``header`` asks for; None when it does not count."""
        with agent_working():
            return self._open(header, host)

    def traced(self, sentry_trace: str | None, traceparent: str | None) -> RequestFaults | None:
        """A request without faults, by its trace headers; None when its trace need not be remembered."""
        with agent_working():
            if not self.traces or not self._live():
                return None
            trace_id = asked_trace(sentry_trace, traceparent)
            present = PRESENT.get()
            if trace_id is None or (present is not None and present.trace_id == trace_id):
                return None  # the server's entry came first
            return RequestFaults((), trace_id)

    def pack(self, request: RequestFaults | None) -> str | None:
        """What ``request`` has not met yet, signed, for another process that works for it; None when nothing is left.

        Its trace goes along also without faults, while operations are measured.
        """
        with agent_working():
            left = () if request is None else request.left()
            if request is None or not (left or (self.traces and request.trace_id)):
                return None
            selection = Selection(self._run_id, request.trace_id or "", left)
            return f"{os.getpid()} {encode(selection, self._key)}"

    def unpack(self, text: object) -> RequestFaults | None:
        """The faults that ``pack`` gave along; None when they do not count.

        Who packed them meets them under the same ids, so another process meets them under ids of its own.
        """
        with agent_working():
            pid, _, header = text.partition(" ") if isinstance(text, str) else ("", "", "")
            selection = self._checked(header)
            if selection is None:
                return None
            faults = selection.faults
            if pid != str(os.getpid()):
                faults = tuple(replace(each, fault_id=f"{each.fault_id}+p{os.getpid()}") for each in faults)
            return RequestFaults(faults, selection.trace_id or None, self._met)

    def close(self, request: RequestFaults, error: BaseException | None) -> None:
        """The request is over; ``error`` is what left it."""
        if not request.carries:
            return
        with agent_working():
            if error is not None:
                self._exceptions.escaped(error)
            self._exceptions.settle(request)
            self._recorder.write(RequestOver, trace_id=request.trace_id)

    def _checked(self, header: str) -> Selection | None:
        if not self._live():
            return None
        try:
            selection = decode(header, self._key)
        except ProtocolError as error:
            self._ignored(error.what)
            return None
        if selection.run_id != self._run_id:
            self._ignored(f"it belongs to run {selection.run_id!r}, this is run {self._run_id!r}")
            return None
        return selection

    def _open(self, header: str, host: str) -> RequestFaults | None:
        selection = self._checked(header)
        if selection is None:
            return None
        name = host_name(host)
        if name not in self._hosts:
            self._ignored(
                f"host {name!r} is not one this run may point at; add it to hosts under [safety] in the scenario"
            )
            return None
        return RequestFaults(selection.faults, selection.trace_id, self._met)

    def _ignored(self, why: str) -> None:
        # No lock, which a fork could leave held: at worst two threads say the same.
        if why in self._said or len(self._said) > 20:
            return
        self._said.add(why)
        self._recorder.write(Note, level="info", text=f"a request's {NAME} header is ignored: {why}")


def asked_trace(sentry_trace: str | None, traceparent: str | None) -> str | None:
    """The trace id of a ``sentry-trace`` header (Sentry developer docs, "Traces: Propagation") or of a ``traceparent``
    (W3C Trace Context); the former wins. None when there is none that is well formed.
    """
    for text in (sentry_trace, traceparent):
        match = _TRACE_ID.fullmatch(text) if text is not None else None
        if match is not None:
            return match[1].lower()
    return None


def host_name(host: str) -> str:
    """The name in a ``Host`` header (RFC 9112, 3.2), without its port: ``[::1]:80`` gives ``::1``."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
