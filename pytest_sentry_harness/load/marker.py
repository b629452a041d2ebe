"""Decides what each request carries: a trace of its own, and the faults it shall meet. No Locust in here.

May be used by several threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from ..errors import UsageError, did_you_mean
from ..model.arming import Arming
from ..plan.schedule import Firing, Schedule, draw
from ..plan.terms import Term
from ..protocol import fault_header
from ..protocol.trace import TraceHeaders, format_sample_rand
from .provoking import provoked_here

_ALWAYS = Term("raise")
"""Stands for what the request does by itself: it is due each time."""


@dataclass(frozen=True, slots=True)
class Marked:
    """One request: its headers, and the faults that were asked for."""

    request: str
    """``METHOD name``."""
    trace_id: str
    sample_rand: float
    """As sent, in six decimals: the receiver samples at rate r when it is below r."""
    faults: tuple[Firing, ...]
    headers: Mapping[str, str]
    provoked: tuple[Firing, ...] = ()
    """Those of ``faults`` that nobody injects: the request provokes them by itself."""


class _Unchecked:
    """A fault kind that a project adds: its arguments are the target's affair, and were checked before the run."""

    def check(self, term: Term) -> None:
        """Nothing to refuse here."""


class Marker:
    """Marks the requests of one load process, by the plan.

    ``lane`` tells the processes of a distributed load apart; it is empty when there is only one.
    """

    def __init__(self, arming: Arming, lane: str = "") -> None:
        self._arming = arming
        self._lane = lane
        own = {kind.name: _Unchecked() for kind in arming.kinds}
        self._injected = [
            (fault.on, Schedule.of(fault.name, fault.do, arming.seed, lane, own))
            for fault in arming.faults
            if fault.select == "request"
        ]
        self._provoked = [
            (fault.on, Schedule(fault.name, (_ALWAYS,), arming.seed, lane))
            for fault in arming.faults
            if fault.select == "provoked"
        ]
        self._lock = threading.Lock()
        self._wanted: dict[str, bool] = {}
        self.requests = 0
        """Requests marked."""
        self.asked = 0
        """Faults asked for."""

    @property
    def enough(self) -> bool:
        """As many faults were asked for as the run wants; no more will be."""
        most = self._arming.stop_after_faults
        return most is not None and self.asked >= most

    def wants(self, url: str) -> bool:
        """Whether requests to ``url`` may be marked: its host must be one the run was told about."""
        place = "/".join(url.split("/", 3)[:3])  # scheme://host:port, of which there are few
        wanted = self._wanted.get(place)
        if wanted is None:
            wanted = self._wanted[place] = urlsplit(url).hostname in self._arming.hosts
        return wanted

    def mark(self, method: str, name: str, exactly: tuple[str, ...] | None = None) -> Marked:
        """Decide for the next request: a fresh trace, and the faults whose turn it is.

        ``exactly``: the injected faults to be met, instead of those whose turn it is.
        """
        request = f"{method} {name}"
        with self._lock:
            index = self.requests
            self.requests += 1
            injected = () if self.enough else self._due(request, exactly)
            # Whether or not there are enough: the request provokes them, and they want to be accounted for.
            provoked = self._provoked_by(request)
            faults = (*injected, *provoked)
            self.asked += len(faults)
        word = os.urandom(24).hex()
        trace_id, span_id = word[:32], word[32:]
        sample_rand = draw(self._arming.seed, "sample_rand", self._lane, index)
        headers = TraceHeaders.fresh(trace_id, span_id, sample_rand)
        if injected:
            chosen = tuple(fault_header.Selected(f.fault, f.fault_id, f.term) for f in injected)
            selection = fault_header.Selection(self._arming.run_id, trace_id, chosen)
            headers[fault_header.NAME] = fault_header.encode(selection, self._arming.key)
        if faults:
            # Servers answer a failing request and close the connection a little later. Whatever had been
            # sent over it in the meantime would be lost without ever meeting its own fault.
            headers["Connection"] = "close"
        return Marked(request, trace_id, float(format_sample_rand(sample_rand)), faults, headers, provoked)

    def _due(self, request: str, exactly: tuple[str, ...] | None) -> tuple[Firing, ...]:
        if exactly is None:
            return _due(self._injected, request)
        by_name = {schedule.fault: schedule for _, schedule in self._injected}
        return tuple(by_name[name].fire() for name in exactly)

    def _provoked_by(self, request: str) -> tuple[Firing, ...]:
        """What ``request`` provokes, by its name or by its task's own word."""
        named = provoked_here()
        if not named and not self._provoked:
            return ()
        known = [schedule.fault for _, schedule in self._provoked]
        for name in named:
            if name not in known:
                raise UsageError(
                    f"the scenario has no fault {name!r} that a request can provoke",
                    where=f"provoking({name!r})",
                    hint=did_you_mean(name, known)
                    if known
                    else "add [[fault]] with name and on, without at and do",
                )
        return tuple(
            schedule.fire()
            for globs, schedule in self._provoked
            if schedule.fault in named or any(fnmatchcase(request, glob) for glob in globs)
        )


def _due(schedules: list[tuple[tuple[str, ...], Schedule]], request: str) -> tuple[Firing, ...]:
    firings = (
        schedule.next()
        for globs, schedule in schedules
        if not globs or any(fnmatchcase(request, glob) for glob in globs)
    )
    return tuple(firing for firing in firings if firing is not None)


def request_name(url: str, name: str | None) -> str:
    """The name a request is matched by: Locust's, or the path of ``url``."""
    return name or urlsplit(url).path or "/"
