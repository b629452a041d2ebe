"""One plan while it is being played: requests go out, and evidence comes in until nothing is missing."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .. import clock
from ..errors import EvidenceError
from ..load.load_ledger import LoadLedger
from ..load.script import Response, exchange
from ..model.account import LossClass, State
from ..model.scenario import Expect
from ..reconcile.handed_over import MAY_STILL_COME
from ..reconcile.reconcile import Reconciliation, reconcile
from .evidence import Tails
from .plan import Plan, Send
from .played import Played
from .window import Window

if TYPE_CHECKING:
    from .rig import Rig

_SHORTEST, _LONGEST = 0.004, 0.1
"""Seconds waited at a time for something to arrive; what the journals alone say is seen so late at most."""
_LATE_AFTER = 75.0
_LINK_PATIENCE = 35.0
"""An SDK gives up a request after 30 s without an answer: so long may it be silent when the link is bad."""
_HELD_PATIENCE = 0.5
"""An exception that was stopped, and is held by something: nearly always by a cycle that waits for the collector."""


class Episode:
    """What ``Rig.begin`` gives: ``send`` requests, look at the ``account`` in between, ``settle`` in the end."""

    def __init__(self, rig: Rig, load: LoadLedger, tails: Tails) -> None:
        self._rig = rig
        self._load = load
        self._tails = tails
        self._began = clock.monotonic()
        self._statuses: list[int] = []
        self._sent: list[Send] = []
        self._expectations = {fault.name: Expect(captured=fault.captured) for fault in rig.faults}

    @property
    def window(self) -> Window:
        """The evidence so far."""
        return self._tails.window

    @property
    def sent(self) -> tuple[Send, ...]:
        """The requests so far."""
        return tuple(self._sent)

    def send(self, send: Send) -> int:
        """Send one request with its faults; gives the status of the answer, 0 without one."""
        self._rig.check_faults(send.meets)
        request = send.load_request(self._rig.manner.headers)
        host = self._rig.host
        self._sent.append(send)

        def call(headers: dict[str, str]) -> Response:
            return exchange(host, request, headers)

        path = urlsplit(request.path).path
        try:
            answer = self._load.send(request.method, host + request.path, path, call, faults=request.faults)
            status = int(answer.status_code)
        except (OSError, http.client.HTTPException):
            status = 0  # the journal has the reason
        self._statuses.append(status)
        return status

    def account(self) -> Reconciliation:
        """What is known now. Raises ``EvidenceError`` when it does not close."""
        self._tails.read()
        return self._reconcile()

    def settle(self, plan: Plan | None = None) -> Played:
        """Wait until it is known what became of each fault. ``plan``: what was played, if it was one.

        Raises as ``Rig.play``.
        """
        found = self.wait()
        self._rig.check_points()
        target = self._rig.target
        account = found.account
        asked = sum(len(send.meets) for send in self._sent)
        if account.injected < asked:
            raise EvidenceError(
                f"{asked} faults were asked for, and {account.injected} are in the account",
                where=str(self._rig.folder.ledger),
                hint="a journal has lost records: was the run's folder changed?",
            )
        seconds = clock.monotonic() - self._began
        tally = self._rig.tally
        tally.plans += 1
        tally.injected += account.injected
        tally.states.update(account.states)
        tally.seconds += seconds
        window = self._tails.end()
        tally.strays += window.strays
        return Played(
            plan=plan or Plan(self.sent),
            account=account,
            statuses=tuple(self._statuses),
            seconds=seconds,
            open=found.open,
            target_ended="" if target.running else str(target.stop()),
            trouble=tuple(window.trouble),
        )

    def wait(self) -> Reconciliation:
        """Read on until nothing is missing, or nothing has come for as long as anything could take."""
        last_news = clock.monotonic()
        pause, looked = _SHORTEST, False
        found: Reconciliation | None = None
        while True:
            news = self._tails.read(pause if looked else 0.0)
            now = clock.monotonic()
            ended = not self._rig.target.running
            if news:
                last_news, pause = now, _SHORTEST
            if news or not looked:
                found = None
            looked = True
            if not self.window.waited_for:
                found = found or self._reconcile()
                if not found.open and not (
                    self.window.never_fired and now < last_news + self._rig.manner.linger
                ):
                    return found
            silent = now - last_news
            if (ended and silent > _LONGEST) or silent > self._patience(found):
                return found or self._reconcile()
            if not news:
                pause = min(pause * 2, _LONGEST)

    def _patience(self, found: Reconciliation | None) -> float:
        patience = self._rig.manner.patience
        if found is not None and not any(_may_still_come(loss) for loss in found.account.losses):
            return max(min(patience, _HELD_PATIENCE), self._rig.manner.linger)
        return max(patience, _LINK_PATIENCE) if self._rig.link_changed else patience

    def _reconcile(self) -> Reconciliation:
        window = self.window
        found = reconcile(
            self._tails.records(alive=self._rig.target.running),
            window.arrivals,
            self._expectations,
            late_after=_LATE_AFTER,
        )
        injected, states = found.account.injected, sum(found.account.states.values())
        if not states == injected == window.size:
            raise EvidenceError(
                f"the account does not close: {window.size} faults are on record, {injected} were entered, "
                f"and the states add up to {states}",
                where=str(self._rig.folder.path),
                hint="this is a mistake in the harness; keep the folder and report it",
            )
        return found


def _may_still_come(loss: LossClass) -> bool:
    """Whether the event of such a loss may be under way."""
    return loss.state is State.UNEXPLAINED_LOSS or any(reason in loss.reason for reason in MAY_STILL_COME)
