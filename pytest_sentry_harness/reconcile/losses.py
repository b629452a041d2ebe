"""Why one fault never arrived: the first piece of evidence that settles it, strongest first.

Nothing is guessed: a loss for which no piece of evidence speaks stays an unexplained loss.
"""

from __future__ import annotations

from ..model.account import State
from .absent import same_event_id
from .cause import Cause
from .dropped import dropped_by_sdk
from .evidence import Evidence
from .handed_over import MAY_STILL_COME, lost_on_the_way_out
from .set_up import SetUp, overridden, set_up_of
from .summary import Process
from .unseen import Firing, fate_of, firing_of, identity_is_lost, never_seen

__all__ = ["Cause", "cause_of_loss", "identity_is_lost", "may_still_come"]


_HANDED_ON = """
SELECT event_id, process FROM saw WHERE fault_id = ? AND event_id IS NOT NULL ORDER BY position, rowid LIMIT 1
"""


def cause_of_loss(evidence: Evidence, fault_id: str, process: Process | None) -> Cause:
    """Explain the loss of ``fault_id``, which fired in ``process`` and is in no accepted event."""
    taken = same_event_id(evidence, fault_id)
    if taken is not None:
        return taken
    fired = firing_of(evidence, fault_id)
    set_up = None if process is None else set_up_of(process, fired.at)
    cause = _cause(evidence, fired, process, set_up)
    return cause if set_up is None else overridden(cause, set_up)


def _cause(evidence: Evidence, fired: Firing, process: Process | None, set_up: SetUp | None) -> Cause:
    handed = next(evidence.ask(_HANDED_ON, fired.fault_id), None)
    if handed is not None:
        # The SDK let an event through: what it dropped besides, such as a duplicate of it, was not the loss.
        event_id, number = handed
        processes = evidence.summary.processes
        return lost_on_the_way_out(
            evidence, event_id, processes[number] if 0 <= number < len(processes) else process
        )
    dropped = dropped_by_sdk(evidence, fired.fault_id, set_up)
    return never_seen(evidence, fired, process, set_up) if dropped is None else dropped


def may_still_come(evidence: Evidence, fault_id: str, cause: Cause) -> bool:
    """Whether the event of a fault lost so far may yet arrive while its process lives."""
    if cause.state is State.UNEXPLAINED_LOSS or any(reason in cause.reason for reason in MAY_STILL_COME):
        return True
    if cause.source != "target":
        return False
    fate = fate_of(evidence, fault_id)
    return fate is not None and fate.alive
