"""Wait, after the load, until nothing more can be expected from the SDK.

An SDK sends on its own schedule: one request in flight at a time, given up after 30 s without an
answer; client reports ride along every 30 s, alone every 60 s; sessions every 60 s. So a fault may be
called lost only when it is accounted for, or when those deadlines have passed in silence.
"""

from __future__ import annotations

import threading

from .. import clock
from ..errors import EvidenceError
from ..model.scenario import Scenario
from ..reconcile.reconcile import Reconciliation
from ..server.client import ServerClient
from .folder import RunFolder
from .judge import reconcile_folder
from .progress import Progress

_QUIET = 1.5
"""Seconds of silence before the books are looked at."""
_REQUEST_DEADLINE = 32.0
"""An SDK gives a request up after 30 s: later, what was in flight has been counted as lost."""
_REPORT_DEADLINE = 65.0
"""Where nobody watches the SDK, its client reports are the only word; they come within 60 s."""
_LOOK = 0.2


def settle(
    folder: RunFolder, scenario: Scenario, server: ServerClient, progress: Progress, stop: threading.Event
) -> str:
    """Wait until every fault is accounted for, or the deadlines have passed; says in a sentence which.

    Raises ``KeyboardInterrupt`` once ``stop`` is set.
    """
    begun = clock.monotonic()
    changed_at, seen = begun, (-1, -1)
    looked = None
    while (now := clock.monotonic()) < begun + scenario.settle:
        current = (server.stats().requests, _ledger_bytes(folder))
        if current != seen:
            seen, changed_at = current, now
        quiet = now - changed_at
        if quiet >= _QUIET and looked != seen:
            looked = seen
            reconciliation = _look(folder, scenario)
            if reconciliation is not None and not reconciliation.open:
                return f"every fault accounted for after {now - begun:.1f} s"
            watched = reconciliation is not None and any(p.watched for p in reconciliation.summary.targets())
            patience = _REQUEST_DEADLINE if watched else _REPORT_DEADLINE
            if reconciliation is not None:
                progress.news(f"{reconciliation.open} faults may still arrive")
        if looked == seen and quiet >= patience:
            return f"nothing new for {quiet:.0f} s: the SDK's deadlines have passed"
        if stop.wait(_LOOK):
            raise KeyboardInterrupt
    return f"gave up after {scenario.settle:g} s, the scenario's settle time"


def _look(folder: RunFolder, scenario: Scenario) -> Reconciliation | None:
    try:
        return reconcile_folder(folder, scenario)
    except EvidenceError:
        # A journal was being written just then; the judging after the run says so if it stays broken.
        return None


def _ledger_bytes(folder: RunFolder) -> int:
    return sum(path.stat().st_size for path in folder.ledger.iterdir())
