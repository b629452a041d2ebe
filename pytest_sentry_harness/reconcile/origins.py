"""Of which fault each event is: the truth that grouping is held against. Asked only by scenarios that judge it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..model.scenario import Expect
from .evidence import Evidence
from .tables import TRACE_INDEX

_BY_IDENTITY = """
SELECT a.event_id, k.fault, f.fault_id, coalesce(i.trace_id, f.fault_id)
FROM saw s
JOIN arrival a ON a.event_id = s.event_id AND a.outcome = 'accepted'
JOIN fired f ON f.fault_id = s.fault_id
CROSS JOIN fired_kind k ON k.kind = f.kind
LEFT JOIN intent i ON i.fault_id = f.fault_id
WHERE s.position = 0 ORDER BY s.rowid
"""
# One event that holds faults of several names, as an exception group does: of which it is cannot be said.
_MIXED = """
SELECT s.event_id FROM saw s JOIN fired f ON f.fault_id = s.fault_id CROSS JOIN fired_kind k ON k.kind = f.kind
WHERE s.event_id IS NOT NULL GROUP BY s.event_id HAVING min(k.fault) <> max(k.fault)
"""
_SEVERAL = f"""
SELECT a.event_id, k.fault, f.fault_id, coalesce(i.trace_id, f.fault_id)
FROM ({_MIXED}) m
JOIN saw s ON s.event_id = m.event_id
JOIN arrival a ON a.event_id = s.event_id AND a.outcome = 'accepted'
JOIN fired f ON f.fault_id = s.fault_id
CROSS JOIN fired_kind k ON k.kind = f.kind
LEFT JOIN intent i ON i.fault_id = f.fault_id
ORDER BY s.rowid
"""  # noqa: S608 - our own question
# A fault that its request provoked is on record when the answer is there, which may be after its event: it began with the request.
_FIRED = """
SELECT k.fault, f.fault_id, CASE WHEN k.effect = 'provoked' THEN coalesce(i.at, f.at) ELSE f.at END AS began
FROM fired f CROSS JOIN fired_kind k ON k.kind = f.kind LEFT JOIN intent i ON i.fault_id = f.fault_id
ORDER BY began, f.rowid
"""
_BY_TRACE = """
SELECT a.event_id, a.trace_id, h.level, min(k.fault), max(k.fault), min(f.fault_id)
FROM arrival a
CROSS JOIN arrival_kind h ON h.kind = a.kind
CROSS JOIN fired f ON f.trace_id = a.trace_id
CROSS JOIN fired_kind k ON k.kind = f.kind
WHERE a.outcome = 'accepted' AND a.event_id IS NOT NULL AND a.trace_id IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM saw s WHERE s.event_id = a.event_id)
GROUP BY a.rowid
"""
_ERROR_LEVELS = ("error", "fatal")


class Origin(NamedTuple):
    """Of what an event is."""

    fault: str
    """Name of the fault: the root cause."""
    fault_id: str
    occurrence: str
    """The trace of the request that met the fault; the fault's own id where there was none."""
    by_trace: bool = False
    """The agent did not see the fault in the event: it is an error of the same request, and of no other fault."""


class FiredAt(NamedTuple):
    """A fault that fired."""

    fault: str
    fault_id: str
    at: float
    """Wall time, in seconds since the epoch."""


def origins_of(evidence: Evidence, expectations: Mapping[str, Expect]) -> dict[str, Origin]:
    """For each event that was accepted its origin, by event id; events that are of no fault, or of several, are left out.

    An event is of the fault whose exception the SDK was handed with it, as often as that happened: a log line of the same
    exception is of the same fault. One without any, such as a message, is of a fault when that fault's name is the only
    one that its request met, and when its level is that of an error, or the one that ``expectations`` want.
    """
    found: dict[str, Origin] = {}
    for event_id, fault, fault_id, occurrence in evidence.ask(_BY_IDENTITY):
        found.setdefault(event_id, Origin(fault, fault_id, occurrence))
    for (event_id,) in evidence.ask(_MIXED):
        found.pop(event_id, None)
    evidence.database.execute(TRACE_INDEX)
    for event_id, trace_id, level, fault, other, fault_id in evidence.ask(_BY_TRACE):
        wanted = expectations.get(fault, Expect()).level
        # An event without a level is an error, by the protocol.
        if fault == other and (level or "error") in (*_ERROR_LEVELS, wanted):
            found.setdefault(event_id, Origin(fault, fault_id, trace_id, by_trace=True))
    return found


def several_of(evidence: Evidence) -> dict[str, tuple[Origin, ...]]:
    """The origins of each event that ``origins_of`` leaves out because it holds faults of several names, the leading one first."""
    found: dict[str, tuple[Origin, ...]] = {}
    for event_id, fault, fault_id, occurrence in evidence.ask(_SEVERAL):
        found[event_id] = (*found.get(event_id, ()), Origin(fault, fault_id, occurrence))
    return found


def unclear_of(evidence: Evidence, expectations: Mapping[str, Expect]) -> dict[str, tuple[Origin, ...]]:
    """The origins that an event without a fault in it may have, where its request met faults of several names.

    Two of them are named. Only events that ``origins_of`` would have given to any of them alone, had the request met no other.
    """
    evidence.database.execute(TRACE_INDEX)
    found: dict[str, tuple[Origin, ...]] = {}
    for event_id, trace_id, level, fault, other, fault_id in evidence.ask(_BY_TRACE):
        wanted = {expectations.get(each, Expect()).level for each in (fault, other)}
        if fault != other and (level or "error") in (*_ERROR_LEVELS, *wanted):
            found[event_id] = tuple(
                Origin(each, fault_id, trace_id, by_trace=True) for each in (fault, other)
            )
    return found


def firings_of(evidence: Evidence) -> tuple[FiredAt, ...]:
    """Every fault that fired, in the order of time."""
    return tuple(FiredAt(*row) for row in evidence.ask(_FIRED))
