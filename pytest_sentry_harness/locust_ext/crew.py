"""The master's side: it tells workers of the run, writes the journals of those on other hosts, and ends all in order."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import clock
from ..errors import LoadError
from ..model.arming import Arming
from ..plan.arming_file import read_arming
from .channel import wait_until
from .merging import MergedJournal
from .messages import ASK, FINISH, REPORT, TAKEN, TELL

log = logging.getLogger(__name__)

_SILENT = 10.0
"""Seconds without a sign of life after which a worker is not waited for; it gives one each second."""
_FLUSH = 10.0
"""Seconds workers may take to send what is left, beyond those their users may take to end."""


@dataclass(slots=True)
class _Member:
    """One worker that asked."""

    journal: MergedJournal | None = None
    """None while it keeps its journal in the run's folder itself."""
    seq: int = 0
    refused: str = ""
    finished: bool = False
    heard_at: float = field(default_factory=clock.monotonic)


class Crew:
    """The workers of one master. Listens from the beginning, and answers once there is a run to tell of."""

    def __init__(self, runner: Any, fail: Callable[[str], None]) -> None:
        """``fail`` is told what went wrong with a worker."""
        self._runner = runner
        self._fail = fail
        self._members: dict[str, _Member] = {}
        self._asked: dict[str, bool] = {}
        self._path = ""
        self._arming: Arming | None = None
        runner.register_message(ASK, self._on_ask)
        runner.register_message(REPORT, self._on_report)

    def tell(self, path: str | Path) -> None:
        """The run is armed by the file ``path``: answer those who asked. Raises ``InjectionError``."""
        self._path = str(path)
        self._arming = read_arming(path)
        asked, self._asked = self._asked, {}
        for client_id, content in asked.items():
            self._tell(client_id, content)

    def finish(self) -> None:
        """Have every worker close its journal, and wait until what they wrote is here, or they are gone."""
        for client_id, member in self._members.items():
            if not member.finished:
                self._runner.send_message(FINISH, client_id=client_id)
        patience = float(self._runner.environment.stop_timeout or 0.0) + _FLUSH
        wait_until(self._runner, lambda: not any(map(self._awaited, self._members.values())), patience)
        for client_id, member in self._members.items():
            if member.journal is not None:
                member.journal.close()
            if not member.finished and not member.refused:
                log.warning("sentry-harness: worker %s is gone, with what it had not sent", client_id)

    @staticmethod
    def _awaited(member: _Member) -> bool:
        silent = clock.monotonic() - member.heard_at
        return not member.finished and not member.refused and silent < _SILENT

    def _on_ask(self, msg: Any, **_: Any) -> None:
        # The run's key goes to workers that Locust itself has taken in, and to those only that need it.
        if msg.node_id not in self._runner.clients:
            log.warning("sentry-harness: %r asked, and is no worker here", msg.node_id)
            return
        content = isinstance(msg.data, dict) and msg.data.get("content") is True
        if self._arming is None:
            self._asked[msg.node_id] = content
        else:
            self._tell(msg.node_id, content)

    def _tell(self, client_id: str, content: bool) -> None:
        arming = self._arming
        assert arming is not None
        member = self._members.setdefault(client_id, _Member())
        data = Path(self._path).read_bytes()
        told: dict[str, Any] = {
            "run_id": arming.run_id,
            "path": self._path,
            "fingerprint": fingerprint(data),
        }
        if content:
            if member.journal is None:
                lane = f"w{self._runner.get_worker_index(client_id)}"
                member.journal = MergedJournal(arming, lane)
            told["content"] = data.decode("utf-8")
        self._runner.send_message(TELL, told, client_id=client_id)

    def _on_report(self, msg: Any, **_: Any) -> None:
        member = self._members.get(msg.node_id)
        if member is None:
            log.warning("sentry-harness: %r reported, and was never told of the run", msg.node_id)
            return
        member.heard_at = clock.monotonic()
        if not member.refused:
            try:
                self._take(member, msg.data)
            except (LoadError, OSError) as error:
                member.refused = str(error)
                if member.journal is not None:
                    member.journal.close()
                self._fail(f"worker {msg.node_id}: {error}")
        answer = {"seq": member.seq, "last": member.finished, "refused": member.refused}
        self._runner.send_message(TAKEN, answer, client_id=msg.node_id)

    def _take(self, member: _Member, report: Any) -> None:
        seq, lines, last = _parts(report)
        if lines and seq == member.seq + 1:
            if member.journal is None:
                raise LoadError("lines of a journal that is kept in the run's folder", where=self._path)
            member.journal.take(lines)
            member.seq = seq
        # Any other batch was taken before: its answer was lost, and is given again.
        member.finished = member.finished or last


def fingerprint(data: bytes) -> str:
    """Tells arming files apart; the key in them cannot be found from it."""
    return hashlib.sha256(data).hexdigest()


def _parts(report: Any) -> tuple[int, bytes, bool]:
    if isinstance(report, dict):
        seq, lines, last = report.get("seq"), report.get("lines"), report.get("last")
        if isinstance(seq, int) and isinstance(lines, bytes) and isinstance(last, bool):
            return seq, lines, last
    raise LoadError(
        "a worker's report cannot be understood",
        where="locust master",
        hint="master and workers must run the same release of pytest-sentry-harness",
    )
