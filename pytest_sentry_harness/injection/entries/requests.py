"""Decides whether a request's fault header counts, and closes the request's account at its end."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from ...errors import ProtocolError
from ...model.ledger import Note, RequestOver
from ...protocol.fault_header import NAME, Selection, decode, encode
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

    def open(self, header: str, host: str) -> RequestFaults | None:
        """The faults ``header`` asks for; None when it does not count."""
        with agent_working():
            return self._open(header, host)

    def pack(self, request: RequestFaults | None) -> str | None:
        """What ``request`` has not met yet, signed, for another process that works for it; None when nothing is left."""
        with agent_working():
            left = () if request is None else request.left()
            if request is None or not left:
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


def host_name(host: str) -> str:
    """The name in a ``Host`` header (RFC 9112, 3.2), without its port: ``[::1]:80`` gives ``::1``."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
