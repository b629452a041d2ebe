"""Faults whose event arrived and yet tells nothing of them: under another's id, or without their exception.

Sentry keeps one event for each id. A hook that gives all events one id, or returns an event it kept, loses
all but the first of them; the account must not take that one event for several faults.
"""

from __future__ import annotations

from ..model.account import State
from .cause import Cause
from .contents import holds
from .evidence import Evidence, place_of

SAME_EVENT_ID = "same_event_id"
"""Reason: an event with this id was there before."""
NOT_IN_THE_EVENT = "not_in_the_event"
"""Reason: the event arrived, and holds neither type nor message of the exception."""

# Ids under which the SDK handed on several events: those with faults in the lead that are not the same.
_SHARED = """
SELECT event_id FROM saw WHERE event_id IS NOT NULL AND position = 0
GROUP BY event_id HAVING min(fault_id) <> max(fault_id)
"""
_FIRST = "SELECT process, mono FROM saw WHERE event_id = ? ORDER BY mono, rowid LIMIT 1"
_OTHERS = """
WHERE event_id = :id AND NOT (process = :process AND mono = :mono) AND fault_id NOT IN (
    SELECT fault_id FROM saw WHERE event_id = :id AND process = :process AND mono = :mono)
"""
_KEEP_ASIDE = """
INSERT INTO same_id SELECT fault_id, event_id,
    CASE WHEN changed LIKE '%event_id%' THEN changed_by ELSE '' END,
    CASE WHEN changed LIKE '%event_id%' THEN changed_at END
FROM saw_in_full
"""
_EVENTS = """
SELECT a.exceptions, a.texts FROM saw s JOIN arrival_in_full a ON a.event_id = s.event_id AND a.outcome = 'accepted'
WHERE s.fault_id = ? AND s.position = 0
"""
_CHANGED = "SELECT changed, changed_by, changed_at FROM saw_in_full WHERE fault_id = ? AND event_id = ? ORDER BY row LIMIT 1"


def keep_first_of_id(evidence: Evidence) -> None:
    """Where several events were handed on under one id, leave it to the faults of the first."""
    for (event_id,) in list(evidence.ask(_SHARED)):
        process, mono = next(evidence.ask(_FIRST, event_id))
        values = {"id": event_id, "process": process, "mono": mono}
        execute = evidence.database.execute
        # The queries are put together of the literals above.
        execute(_KEEP_ASIDE + _OTHERS + "ORDER BY row", values)
        execute("DELETE FROM saw" + _OTHERS, values)  # noqa: S608 - our own text


def same_event_id(evidence: Evidence, fault_id: str) -> Cause | None:
    """The cause of the loss of ``fault_id``, if its event went by an id that was taken."""
    row = next(
        evidence.ask("SELECT event_id, culprit, place FROM same_id WHERE fault_id = ? LIMIT 1", fault_id),
        None,
    )
    if row is None:
        return None
    event_id, hook, place = row
    culprit = (
        f"{hook} gave it the id of an earlier event" if hook else "an event with this id had arrived before"
    )
    return Cause(State.EXPLAINED, SAME_EVENT_ID, "server", culprit, place_of(place), event_id)


def shown_in_any(evidence: Evidence, fault_id: str, exception: str | None, message: str | None) -> bool:
    """Whether one of the events that the fault leads holds its exception."""
    return any(holds(exception, message, names, texts) for names, texts in evidence.ask(_EVENTS, fault_id))


def not_in_the_event(evidence: Evidence, fault_id: str, event_id: str) -> Cause:
    """The event of ``fault_id`` arrived without its exception: a hook took it out, or the SDK left it out."""
    changed, hook, place = next(evidence.ask(_CHANGED, fault_id, event_id), ("", "", None))
    if hook and "exception" in changed.split():
        culprit = f"{hook} took the exception out of its event"
        return Cause(State.EXPLAINED, NOT_IN_THE_EVENT, "sdk", culprit, place_of(place), event_id)
    culprit = "the event has another exception alone: `raise ... from None` hides what was raised before, or the mark was copied to it"
    return Cause(State.EXPLAINED, NOT_IN_THE_EVENT, "sdk", culprit, None, event_id)
