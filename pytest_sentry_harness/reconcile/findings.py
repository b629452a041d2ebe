"""What is wrong besides losses: faults reported twice, attempts reported as failures, other telemetry dropped."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec

from ..model.account import Finding, Outcome, State
from ..model.ledger import Logged, Place
from .evidence import Evidence
from .summary import Process
from .tables import TRACE_INDEX

_TWICE = """
SELECT f.fault_id, f.fault, f.trace_id, f.exception, group_concat(a.event_id) FROM fired_in_full f
JOIN saw s ON s.fault_id = f.fault_id AND s.position = 0
JOIN arrival a ON a.event_id = s.event_id AND a.outcome = 'accepted'
GROUP BY f.fault_id HAVING count(DISTINCT a.event_id) > 1 ORDER BY f.row
"""
_REPORTERS = """
SELECT mechanism, logger, exception FROM saw_in_full WHERE fault_id = ? AND position = 0 AND event_id IS NOT NULL ORDER BY row
"""
_AGAIN = """
SELECT f.trace_id, f.point, f.fault, f.fault_id, a.event_id FROM fired_in_full f
JOIN saw s ON s.fault_id = f.fault_id AND s.position = 0
JOIN arrival a ON a.event_id = s.event_id AND a.outcome = 'accepted'
WHERE f.trace_id IS NOT NULL AND EXISTS (
    SELECT 1 FROM fired_in_full o WHERE o.trace_id = f.trace_id AND o.point = f.point AND o.fault_id != f.fault_id)
ORDER BY f.row
"""
_WRONG_TRACE = """
SELECT f.fault_id, k.fault, f.trace_id, k.point, k.main, k.task, a.event_id, w.mechanism, w.logger,
       EXISTS (SELECT 1 FROM intent i WHERE i.trace_id = a.trace_id)
FROM fired f
JOIN saw s ON s.fault_id = f.fault_id AND s.position = 0
JOIN arrival a ON a.event_id = s.event_id AND a.outcome = 'accepted'
CROSS JOIN fired_kind k ON k.kind = f.kind
CROSS JOIN saw_kind w ON w.kind = s.kind
WHERE f.trace_id IS NOT NULL AND a.trace_id IS NOT NULL AND a.trace_id != f.trace_id
GROUP BY f.fault_id ORDER BY f.rowid
"""
_FOREIGN = """
SELECT f.fault_id, f.fault, f.trace_id, f.point, m.event_id, group_concat(DISTINCT m.part) FROM mention m
JOIN saw s ON s.event_id = m.event_id AND s.position = 0
JOIN fired_in_full f ON f.fault_id = s.fault_id
WHERE m.trace_id != f.trace_id AND EXISTS (SELECT 1 FROM intent i WHERE i.trace_id = m.trace_id)
AND EXISTS (SELECT 1 FROM arrival a WHERE a.event_id = m.event_id AND a.outcome = 'accepted')
GROUP BY f.fault_id ORDER BY f.row
"""
_ANY_AGAIN = """
SELECT 1 FROM fired WHERE trace_id IS NOT NULL GROUP BY trace_id HAVING count(*) > 1 LIMIT 1
"""
# A lost transaction is counted once more for each of its spans; a lost attachment or log in bytes, too.
_COUNTED_BESIDE = ("span", "attachment", "log_byte", "trace_metric_byte")
_OPTIONS = {
    ("transaction", "before_send"): ("before_send_transaction",),
    ("transaction", "callback_error"): ("before_send_transaction",),
    ("transaction", "sample_rate"): ("traces_sampler", "traces_sample_rate"),
    ("transaction", "backpressure"): ("enable_backpressure_handling",),
    ("log_item", "before_send"): ("before_send_log",),
    ("log_item", "callback_error"): ("before_send_log",),
}
_PLACE = re.compile(r" \((.+):(\d+)\)$")


def findings_in(evidence: Evidence, *, duplicates: bool, strays: bool) -> tuple[Finding, ...]:
    """All findings, most frequent first within each metric.

    ``duplicates`` and ``strays``: whether there are duplicates, and events of another trace than that of their fault.
    """
    found = [
        *(_reported_twice(evidence) if duplicates else ()),
        *_retried(evidence),
        *_other_dropped(evidence),
        *(_wrong_trace(evidence) if strays else ()),
        *_foreign_data(evidence),
    ]
    return tuple(sorted(found, key=lambda finding: (finding.metric, -finding.count, finding.culprit)))


def _reported_twice(evidence: Evidence) -> Iterator[Finding]:
    groups: dict[tuple[str, str, Place | None], list[tuple[Outcome, int]]] = defaultdict(list)
    for fault_id, fault, trace_id, exception, events in evidence.ask(_TWICE):
        ids = str(events).split(",")
        outcome = Outcome(
            fault_id=fault_id, fault=fault, state=State.DUPLICATE, event_id=ids[0], trace_id=trace_id
        )
        culprit, logged = _reporters(evidence, fault_id, exception or "")
        place = _logging_line(evidence, fault_id) if logged else None
        groups[fault, culprit, place].append((outcome, len(set(ids)) - 1))
    for (fault, culprit, place), members in groups.items():
        yield Finding(
            metric="capture.duplicates",
            fault=fault,
            reason="reported_twice",
            source="sdk",
            culprit=culprit,
            place=place,
            count=sum(count for _, count in members),
            example=members[0][0],
            fault_ids=tuple(outcome.fault_id for outcome, _ in members),
        )


def _reporters(evidence: Evidence, fault_id: str, exception: str) -> tuple[str, bool]:
    """Who reported the fault, in order; whether a logger was among them."""
    counted: Counter[str] = Counter()
    logged = False
    for mechanism, logger, reported in evidence.ask(_REPORTERS, fault_id):
        who = f"logger {logger}" if logger else f"mechanism {mechanism or 'unknown'}"
        if reported and reported != exception:
            who += f" (as {reported})"
        counted[who] += 1
        logged = logged or bool(logger)
    names = [who if count == 1 else f"{who} {count} times" for who, count in counted.items()]
    return " and ".join(names), logged


def _logging_line(evidence: Evidence, fault_id: str) -> Place | None:
    for (text,) in evidence.ask("SELECT record FROM logged WHERE fault_id = ? ORDER BY rowid", fault_id):
        line = msgspec.json.decode(text, type=Logged)
        if line.with_exception and not line.unreported:
            return line.place
    return None


def _retried(evidence: Evidence) -> Iterator[Finding]:
    """Points that failed again within one request, each time with an event of its own."""
    if next(evidence.ask(_ANY_AGAIN), None) is None:
        return
    evidence.database.execute(TRACE_INDEX)
    events: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    seen: set[str] = set()
    for trace_id, point, fault, fault_id, event_id in evidence.ask(_AGAIN):
        if event_id not in seen:
            seen.add(event_id)
            outcome = Outcome(
                fault_id=fault_id, fault=fault, state=State.CAPTURED, event_id=event_id, trace_id=trace_id
            )
            events[trace_id, point].append(outcome)
    groups: dict[tuple[str, Place | None], list[Outcome]] = defaultdict(list)
    for (_, point), outcomes in events.items():
        # Several events for one fault are duplicates, and counted as such.
        if len({outcome.fault_id for outcome in outcomes}) > 1:
            place = _logging_line(evidence, outcomes[0].fault_id)
            groups[point, place] += outcomes[1:]
    for (point, place), again in groups.items():
        yield Finding(
            metric="capture.retried",
            fault=again[0].fault,
            reason="retried",
            source="sdk",
            culprit=f"{point} failed several times in one request, and each time was reported",
            place=place,
            count=len(again),
            example=again[0],
            fault_ids=tuple(outcome.fault_id for outcome in again),
        )


def _wrong_trace(evidence: Evidence) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for row in evidence.ask(_WRONG_TRACE):
        fault_id, fault, trace_id, point, main, task, event_id, mechanism, logger, known = row
        where = "in a task" if task else "in the main thread" if main else "in a thread"
        who = f"logger {logger}" if logger else f"mechanism {mechanism or 'unknown'}"
        reason = "trace_of_another_request" if known else "trace_lost"
        groups[fault, reason, f"{point}, {where}, reported by {who}"].append(
            Outcome(
                fault_id=fault_id, fault=fault, state=State.CAPTURED, event_id=event_id, trace_id=trace_id
            )
        )
    for (fault, reason, culprit), outcomes in groups.items():
        yield _of_captured("capture.wrong_trace", fault, reason, culprit, outcomes)


def _foreign_data(evidence: Evidence) -> Iterator[Finding]:
    if not evidence.number("SELECT EXISTS (SELECT 1 FROM mention)"):
        return
    groups: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for fault_id, fault, trace_id, point, event_id, parts in evidence.ask(_FOREIGN):
        culprit = f"{', '.join(sorted(str(parts).split(',')))} of the event for {point}"
        groups[fault, culprit].append(
            Outcome(
                fault_id=fault_id, fault=fault, state=State.CAPTURED, event_id=event_id, trace_id=trace_id
            )
        )
    for (fault, culprit), outcomes in groups.items():
        yield _of_captured("capture.foreign_data", fault, "data_of_another_request", culprit, outcomes)


def _of_captured(metric: str, fault: str, reason: str, culprit: str, outcomes: list[Outcome]) -> Finding:
    return Finding(
        metric=metric,
        fault=fault,
        reason=reason,
        source="server",
        culprit=culprit,
        place=None,
        count=len(outcomes),
        example=outcomes[0],
        fault_ids=tuple(outcome.fault_id for outcome in outcomes),
    )


def _other_dropped(evidence: Evidence) -> Iterator[Finding]:
    processes = evidence.summary.processes
    groups: Counter[tuple[str, str, Place | None]] = Counter()
    for (number, category, reason), quantity in evidence.other_drops.items():
        if category in _COUNTED_BESIDE and reason != "buffer_overflow":
            continue
        process = processes[number] if 0 <= number < len(processes) else None
        culprit, place = _option(process, category, reason)
        groups[reason, f"{category}: {culprit}" if culprit else category, place] += quantity
    for (reason, culprit, place), count in groups.items():
        yield Finding(
            metric="capture.other_dropped",
            fault="",
            reason=reason,
            source="sdk",
            culprit=culprit,
            place=place,
            count=count,
            example=None,
        )


def _option(process: Process | None, category: str, reason: str) -> tuple[str, Place | None]:
    """The option that decides, with its value; and where its callable, or else the call of ``init``, is."""
    if (category, reason) == ("span", "buffer_overflow"):
        return "more than a transaction keeps (max_spans, 1000 by default)", None
    if process is None or process.sdk is None:
        return "", None
    for name in _OPTIONS.get((category, reason), ()):
        value = process.sdk.options.get(name)
        if value is None:
            continue
        found = _PLACE.search(value) if isinstance(value, str) else None
        if found is None:
            return f"{name}={value}", process.sdk.place
        text = str(value)[: found.start()]
        return f"{name}={text}", Place(file=found[1], line=int(found[2]))
    return "", None
