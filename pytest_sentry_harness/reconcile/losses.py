"""Why one fault never arrived: the first piece of evidence that settles it, strongest first.

Nothing is guessed: a loss for which no piece of evidence speaks stays an unexplained loss.
"""

from __future__ import annotations

from ..model.account import State
from .cause import Cause
from .evidence import Evidence
from .handed_over import discarded_by_transport, handed_over, refused_by_server
from .summary import Process
from .unseen import dropped_by_sdk, fate_of, identity_is_lost, never_seen

__all__ = ["Cause", "cause_of_loss", "identity_is_lost", "may_still_come"]


def cause_of_loss(evidence: Evidence, fault_id: str, process: Process | None) -> Cause:
    """Explain the loss of ``fault_id``, which fired in ``process`` and is in no accepted event."""
    events = [
        event_id
        for (event_id,) in evidence.ask(
            "SELECT event_id FROM saw WHERE fault_id = ? AND event_id IS NOT NULL ORDER BY position", fault_id
        )
    ]
    for event_id in events:
        cause = refused_by_server(evidence, event_id) or discarded_by_transport(evidence, event_id, process)
        if cause is not None:
            return cause
    cause = dropped_by_sdk(evidence, fault_id)
    if cause is not None:
        return cause
    if events:
        return handed_over(events[0], process)
    return never_seen(evidence, fault_id, process)


def may_still_come(evidence: Evidence, fault_id: str, cause: Cause) -> bool:
    """Whether the event of a fault lost so far may yet arrive while its process lives."""
    if cause.state is State.UNEXPLAINED_LOSS or cause.reason == "lost_at_exit":
        return True
    if cause.source != "target":
        return False
    fate = fate_of(evidence, fault_id)
    return fate is not None and fate.alive
