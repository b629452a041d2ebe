"""Faults that requests provoke by themselves, in a target without the agent: the trace id is all there is.

Nobody watched the application or its SDK, so a loss is explained by what the server answered, else by the
SDK's own client reports (which give counts, not names), else not at all.
"""

from __future__ import annotations

from ..model.account import State
from .cause import Cause
from .evidence import Evidence

EFFECT = "provoked"
"""The effect such a fault is recorded with."""

_REFUSED = """
SELECT outcome, reason, event_id FROM arrival WHERE trace_id = ? AND outcome NOT IN ('accepted', 'duplicate') LIMIT 1
"""
_EVENTS = "SELECT event_id, at, level FROM arrival WHERE trace_id = ? AND outcome = 'accepted' ORDER BY at"
_STATUS = "SELECT status FROM answered WHERE fault_id = ?"


def event_of(evidence: Evidence, trace_id: str | None, taken: set[str]) -> tuple[str, float, str | None] | None:
    """The first event of the request's trace that no other fault took: its id, time and level."""
    for event_id, at, level in evidence.ask(_EVENTS, trace_id):
        if event_id not in taken:
            taken.add(event_id)
            return event_id, at, level
    return None


def cause_outside(evidence: Evidence, fault_id: str, trace_id: str | None) -> Cause:
    """What is known of the loss without the agent."""
    refused = next(evidence.ask(_REFUSED, trace_id), None)
    if refused is not None:
        outcome, reason, event_id = refused
        return Cause(State.EXPLAINED, reason or outcome, "server", "the server's answer", None, event_id)
    (status,) = next(evidence.ask(_STATUS, fault_id), (0,))
    return Cause(
        State.UNEXPLAINED_LOSS,
        "no event of its trace arrived",
        "load",
        f"the request was answered {status}; no agent is in this target to say more",
    )
