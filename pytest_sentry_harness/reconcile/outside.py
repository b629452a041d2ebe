"""Faults that requests provoke by themselves, in a target without the agent: the trace id is all there is.

Nobody watched the application or its SDK, so a loss is explained by what the server answered, else by what
the SDK itself says (an event about its own failure, or its client reports, which give counts and not names),
else not at all: then the report says which causes the evidence leaves.
"""

from __future__ import annotations

from ..model.account import State
from .answers import caused_by_refusal
from .cause import Cause
from .evidence import Evidence

EFFECT = "provoked"
"""The effect such a fault is recorded with."""
NOTHING_ARRIVED = "nothing_arrived"
"""Reason: the SDK sent nothing at all, in the whole run."""
NO_EVENT = "no_event"
"""Reason: other things arrived, and no event of this request."""

_REFUSED = """
SELECT outcome, reason, status, event_id FROM arrival_in_full
WHERE trace_id = ? AND outcome NOT IN ('accepted', 'duplicate') AND item = 'event' ORDER BY at DESC
"""
# SDKs for JavaScript report what a hook of theirs threw, in place of the event they were given, with this mechanism.
_ABOUT_THE_SDK = "internal"
# Messages of one trace come beside its error: an event with an exception is the better match.
_EVENTS = """
SELECT a.event_id, a.at, a.level, a.exceptions <> '' FROM arrival_in_full a
WHERE a.trace_id = ? AND a.outcome = 'accepted' AND a.mechanism <> ?
AND a.event_id NOT IN (SELECT event_id FROM saw WHERE event_id = a.event_id)
ORDER BY a.exceptions = '', a.at
"""
_ERROR_LEVELS = ("error", "fatal")
_BESIDE = """
SELECT level, exceptions FROM arrival_in_full WHERE trace_id = ? AND outcome = 'accepted' AND mechanism <> ? ORDER BY at LIMIT 1
"""
_OWN_FAILURE = """
SELECT event_id, exceptions FROM arrival_in_full WHERE trace_id = ? AND outcome = 'accepted' AND mechanism = ? LIMIT 1
"""
_STATUS = "SELECT status, error FROM answered WHERE fault_id = ?"
_TOLD_TO_WAIT = "SELECT EXISTS (SELECT 1 FROM arrival_kind WHERE status = 429)"
_ANSWERS = """
SELECT n.status, count(*) FROM fired_in_full f JOIN answered n ON n.fault_id = f.fault_id
WHERE f.effect = ? GROUP BY n.status ORDER BY count(*) DESC, n.status
"""
_REFUSALS = """
SELECT reason, count(*) FROM arrival_in_full WHERE outcome NOT IN ('accepted', 'duplicate') AND item = 'event' GROUP BY reason ORDER BY count(*) DESC, reason
"""


def event_of(
    evidence: Evidence, trace_id: str | None, taken: set[str], wanted_level: str | None = None
) -> tuple[str, float, str | None] | None:
    """The error of the request's trace that no other fault took: its event's id, time and level.

    An error has an exception, and the level ``error`` or ``fatal``. What has ``wanted_level``, which the scenario
    expects, will do as well. A message that comes beside proves nothing.
    """
    for event_id, at, level, with_exception in evidence.ask(_EVENTS, trace_id, _ABOUT_THE_SDK):
        has = level or "error"  # by the protocol
        is_error = with_exception and has in _ERROR_LEVELS
        if event_id not in taken and (is_error or has == wanted_level):
            taken.add(event_id)
            return event_id, at, level
    return None


def cause_outside(evidence: Evidence, fault_id: str, trace_id: str | None) -> Cause:
    """What is known of the loss without the agent."""
    for outcome, reason, status, event_id in evidence.ask(_REFUSED, trace_id):
        refused = caused_by_refusal(outcome, reason, status, event_id)
        if refused is not None:
            return refused
    own = next(evidence.ask(_OWN_FAILURE, trace_id, _ABOUT_THE_SDK), None)
    if own is not None:
        event_id, names = own
        culprit = f"the SDK reported the {names.rpartition(chr(10))[2]} of a hook in place of the error"
        return Cause(State.EXPLAINED, "callback_error", "server", culprit, None, event_id)
    status, error = next(evidence.ask(_STATUS, fault_id), (0, None))
    answer = f"the request was answered {status}" if status else f"the request got no answer ({error})"
    return Cause(
        State.UNEXPLAINED_LOSS,
        NO_EVENT if evidence.arrived else NOTHING_ARRIVED,
        "load",
        f"{answer}; no agent saw more{_beside(evidence, trace_id)}",
        could_be=tuple(_could_be(evidence, status)),
    )


def _beside(evidence: Evidence, trace_id: str | None) -> str:
    """In words, what came of the trace and does not count."""
    row = next(evidence.ask(_BESIDE, trace_id, _ABOUT_THE_SDK), None)
    if row is None:
        return ""
    level, names = row
    what = "an event with an exception" if names else "a message without an exception"
    if names and (level or "error") in _ERROR_LEVELS:
        return f"; {what} came of its trace, and counts for another fault"
    return f"; {what}, of level {level or 'error'}, came of its trace, and is not the error"


def _could_be(evidence: Evidence, status: int) -> list[str]:
    """The causes that the evidence leaves."""
    causes = []
    if evidence.number(_TOLD_TO_WAIT):
        causes.append("an event held back after the server answered 429")
    if 0 < status < 400:
        causes.append(f"no error at all (answered {status})")
    if not status:
        causes.append("a connection cut before the request was served")
    if evidence.arrived:
        causes += [
            "an error handled before the SDK saw it",
            "an event the SDK dropped without counting it",
            "an event still queued when the process ended",
        ]
    else:
        causes += [
            "an SDK that is off (no DSN, or never initialised)",
            "an SDK that sends to another address",
            "an SDK that no error reaches",
            "a process that ended before it sent anything",
        ]
    return causes


def known(evidence: Evidence) -> tuple[str, ...]:
    """What is known of provoked faults as a whole, in sentences; empty where there are none."""
    answers = list(evidence.ask(_ANSWERS, EFFECT))
    if not answers:
        return ()
    total = sum(count for _, count in answers)
    told = ", ".join(f"{count} {f'with {status}' if status else 'not at all'}" for status, count in answers)
    sentences = [
        f"{total} faults were provoked by their requests, outside the agent, and are joined by trace id alone; answered: {told}"
    ]
    refusals = ", ".join(
        f"{count} for {reason or 'no reason given'}" for reason, count in evidence.ask(_REFUSALS)
    )
    if refusals:
        sentences.append(f"the server refused events: {refusals}")
    if evidence.reported:
        counts = ", ".join(f"{count} for {reason}" for reason, count in sorted(evidence.reported.items()))
        sentences.append(f"the SDK's client reports count errors it dropped: {counts}")
    if not evidence.arrived:
        sentences.append("nothing came from an SDK in the whole run")
    return tuple(sentences)
