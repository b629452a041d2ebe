"""A worker's side: it asks the master where the run is, and hands in its journal where it cannot keep it there itself."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gevent
from locust.exception import RPCError

from .. import clock
from ..errors import LoadError
from ..injection import lease
from ..ledger.journal import SUFFIX
from ..model.arming import Arming
from ..plan.arming_file import read_arming
from .channel import wait_until
from .crew import fingerprint
from .messages import ASK, FINISH, REPORT, TAKEN, TELL
from .relay import Relay

log = logging.getLogger(__name__)

_TICK = 0.2
_ASK_AGAIN = 2.0
_FLUSH = 10.0
_LEASES = 3.0
"""So many lease times without a word from the master mean that it is gone; a master under load answers late."""


@dataclass(frozen=True, slots=True)
class Told:
    """What this worker knows of the run."""

    arming: Arming
    """With a journal folder of this host."""
    relayed: bool
    """The journal is handed in to the master."""


class Member:
    """One worker process of a distributed load."""

    def __init__(
        self,
        runner: Any,
        *,
        keep: str | None,
        on_told: Callable[[], None],
        on_finish: Callable[[], None],
        fail: Callable[[str], None],
    ) -> None:
        """Ask the master. ``keep``: where the journal stays; None: in a temporary folder until the master has it."""
        self.told: Told | None = None
        self._runner = runner
        self._keep = keep
        self._on_told = on_told
        self._on_finish = on_finish
        self._fail = fail
        self._relay = Relay(self._report)
        self._asks_content = self._finished = False
        self._asked_at = -_ASK_AGAIN
        runner.register_message(TELL, self._on_tell, concurrent=True)
        runner.register_message(TAKEN, self._on_taken)
        runner.register_message(FINISH, lambda **_: on_finish(), concurrent=True)
        self._greenlet = gevent.spawn(self._go_on)

    def follow(self) -> None:
        """The journal of this process has been opened."""
        told = self.told
        if told is not None and told.relayed:
            (path,) = Path(told.arming.journal_dir).glob(f"*{SUFFIX}")
            self._relay.follow(path)

    def lapsed(self) -> str | None:
        """Why there is nobody left to work for; None while there is."""
        told = self.told
        if told is None or not told.relayed:
            return None if told is None else lease.lapsed(told.arming.lease, told.arming.lease_seconds)
        silent = clock.monotonic() - self._relay.heard_at
        # While Locust stops its users, a worker does not listen.
        patience = _LEASES * told.arming.lease_seconds + (self._runner.environment.stop_timeout or 0.0)
        if silent > patience:
            return f"the master has not answered for {silent:.0f} s"
        return f"the master refused the journal: {self._relay.refused}" if self._relay.refused else None

    def finish(self) -> None:
        """The journal is closed: wait until the master has it."""
        told = self.told
        if told is None or self._finished:
            return
        self._finished = True
        self._relay.end()
        self._last_statistics()
        wait_until(self._runner, lambda: self._tick() or self._relay.done, _FLUSH)
        self._greenlet.kill(block=False)
        if not told.relayed:
            return
        folder = Path(told.arming.journal_dir)
        if not self._relay.finished:
            self._fail(f"the master has not taken the whole journal, which stays in {folder}")
        elif self._keep is None:
            shutil.rmtree(folder)

    def _last_statistics(self) -> None:
        """What Locust reports every three seconds, once more: with the failures of the end in it."""
        data: dict[str, Any] = {}
        self._runner.environment.events.report_to_master.fire(client_id=self._runner.client_id, data=data)
        self._send("stats", data)

    def _go_on(self) -> None:
        while True:
            if self.told is None:
                self._ask()
            else:
                self._tick()
            gevent.sleep(_TICK)

    def _tick(self) -> bool:
        try:
            self._relay.tick()
        except (LoadError, OSError) as error:
            self._relay.refused = str(error)
            self._fail(str(error))
        return False

    def _ask(self) -> None:
        if clock.monotonic() < self._asked_at + _ASK_AGAIN:
            return
        self._asked_at = clock.monotonic()
        self._send(ASK, {"content": self._asks_content})

    def _report(self, report: dict[str, Any]) -> None:
        self._send(REPORT, report)

    def _send(self, kind: str, data: dict[str, Any]) -> None:
        try:
            self._runner.send_message(kind, data)
        except RPCError as error:
            log.warning("sentry-harness: the master cannot be reached just now: %s", error)

    def _on_tell(self, msg: Any, **_: Any) -> None:
        if self.told is not None:
            return
        told = msg.data
        if (arming := _readable(told)) is not None:
            self.told = Told(arming, relayed=False)
        elif "content" in told:
            self.told = Told(self._kept_here(told["content"]), relayed=True)
        else:
            self._asks_content, self._asked_at = True, -_ASK_AGAIN
            self._ask()
            return
        self._on_told()

    def _on_taken(self, msg: Any, **_: Any) -> None:
        self._relay.taken(msg.data)

    def _kept_here(self, content: str) -> Arming:
        if self._keep is not None:
            Path(self._keep).mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="sentry-harness-", dir=self._keep))
        path = folder / "arming.json"
        path.write_text(content, encoding="utf-8")
        try:
            arming = read_arming(path)
        finally:
            path.unlink()  # it holds the key
        log.info("sentry-harness: the run's folder is out of reach; the journal is handed in to the master")
        return replace(arming, journal_dir=str(folder), lease="")


def _readable(told: dict[str, Any]) -> Arming | None:
    """The arming, if its file and the ledger's folder can be used from here, and are those of the master."""
    path = Path(told["path"])
    try:
        if fingerprint(path.read_bytes()) != told["fingerprint"]:
            return None
        arming = read_arming(path)
        Path(arming.journal_dir).mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return arming if os.access(arming.journal_dir, os.W_OK | os.X_OK) else None
