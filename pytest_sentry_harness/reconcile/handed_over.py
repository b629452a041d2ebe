"""Losses of events that the SDK let through: refused by the server, discarded by the transport, or gone with it."""

from __future__ import annotations

from ..model.account import State
from .cause import Cause
from .endings import ended_with_queue
from .evidence import Evidence
from .summary import Process


def refused_by_server(evidence: Evidence, event_id: str) -> Cause | None:
    """The server's refusal of the event, if it came and was not accepted."""
    row = next(
        evidence.ask(
            "SELECT outcome, reason FROM arrival WHERE event_id = ? AND outcome != 'duplicate'", event_id
        ),
        None,
    )
    if row is None or row[0] == "accepted":
        return None
    return Cause(State.EXPLAINED, row[1] or row[0], "server", "the server's answer", None, event_id)


def discarded_by_transport(evidence: Evidence, event_id: str, process: Process | None) -> Cause | None:
    """What the SDK's transport counted as lost, if it was this event."""
    row = next(evidence.ask("SELECT reason, detail FROM discarded WHERE event_id = ?", event_id), None)
    if row is None:
        return None
    reason, detail = row
    culprit = detail or "the SDK's transport"
    size = process.sdk.options.get("transport_queue_size") if process and process.sdk else None
    if reason == "queue_overflow" and size is not None:
        culprit = f"transport_queue_size={size}"
    return Cause(State.EXPLAINED, reason, "sdk", culprit, None, event_id)


def handed_over(event_id: str, process: Process | None) -> Cause:
    """The SDK's transport had it, counted no loss, and no request brought it."""
    ending = ended_with_queue(process) if process is not None else None
    if ending is not None:
        return Cause(
            State.EXPLAINED, "lost_at_exit", "target", ending.words, ending.place, event_id, ending.could_be
        )
    return Cause(State.UNEXPLAINED_LOSS, "handed to the transport, never arrived", "", "", None, event_id)
