"""Decides whether a request's fault header counts, and closes the request's account at its end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...errors import ProtocolError
from ...model.ledger import Note
from ...protocol.fault_header import NAME, decode
from ..injected import InjectedExceptions
from ..recorder import Recorder, agent_working
from ..selection import MetFaults, RequestFaults


class Requests:
    """What every kind of entry needs. ``live`` tells whether faults may fire at all."""

    def __init__(
        self,
        recorder: Recorder,
        exceptions: InjectedExceptions,
        *,
        run_id: str,
        key: str,
        hosts: tuple[str, ...],
        live: Callable[[], bool],
    ) -> None:
        self._recorder = recorder
        self._exceptions = exceptions
        self._run_id = run_id
        self._key = key
        self._hosts = frozenset(host.lower() for host in hosts)
        self._live = live
        self._met = MetFaults()
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def open(self, header: str, host: str) -> RequestFaults | None:
        """The faults ``header`` asks for; None when it does not count."""
        with agent_working():
            return self._open(header, host)

    def close(self, request: RequestFaults, error: BaseException | None) -> None:
        """The request is over; ``error`` is what left it."""
        with agent_working():
            if error is not None:
                self._exceptions.escaped(error)
            self._exceptions.settle(request)

    def _open(self, header: str, host: str) -> RequestFaults | None:
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
        name = host_name(host)
        if name not in self._hosts:
            self._ignored(
                f"host {name!r} is not one this run may point at; add it to hosts under [safety] in the scenario"
            )
            return None
        return RequestFaults(selection.faults, selection.trace_id, self._met)

    def _ignored(self, why: str) -> None:
        with self._lock:
            if why in self._said or len(self._said) > 20:
                return
            self._said.add(why)
        self._recorder.write(Note, level="info", text=f"a request's {NAME} header is ignored: {why}")


def host_name(host: str) -> str:
    """The name in a ``Host`` header (RFC 9112, 3.2), without its port: ``[::1]:80`` gives ``::1``."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
