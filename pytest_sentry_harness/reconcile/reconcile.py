"""Ledger and arrivals to one outcome per fault, and an account that closes. Pure but for a temporary file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import EvidenceError
from ..model.account import Account, LossClass, Outcome, State
from ..model.arrival import Arrival
from ..model.ledger import Record
from ..model.scenario import Expect
from . import outside
from .absent import keep_first_of_id, not_in_the_event, shown_in_any
from .contents import holds, is_copy
from .evidence import Evidence
from .findings import findings_in
from .losses import Cause, cause_of_loss, identity_is_lost, may_still_come
from .summary import Process, Summary

_FIRED = """
SELECT f.fault_id, f.fault, f.trace_id, f.effect, f.exception, f.message, f.at, f.process,
       count(a.event_id), min(a.at), a.event_id, a.level, a.exceptions, a.texts  -- SQLite: of the row that has the minimum
FROM fired f
LEFT JOIN saw s ON s.fault_id = f.fault_id AND s.position = 0
LEFT JOIN arrival a ON a.event_id = s.event_id AND a.outcome = 'accepted'
GROUP BY f.rowid
"""
_MERGED = """
SELECT a.event_id, a.at, a.exceptions, a.texts FROM saw s
JOIN arrival a ON a.event_id = s.event_id AND a.outcome = 'accepted'
WHERE s.fault_id = ? AND s.position > 0 ORDER BY a.at LIMIT 20
"""
_BY_TRACE = """
SELECT a.event_id, a.at, a.level, a.exceptions, a.texts FROM arrival a
WHERE a.trace_id = ? AND a.outcome = 'accepted' AND a.event_id NOT IN (SELECT event_id FROM saw WHERE event_id = a.event_id)
ORDER BY a.at
"""
_NOT_REACHED = """
SELECT i.fault_id, i.fault, i.trace_id, min(n.status), min(n.error) FROM intent i
LEFT JOIN answered n ON n.fault_id = i.fault_id
WHERE NOT EXISTS (SELECT 1 FROM fired f WHERE f.fault_id = i.fault_id)
AND NOT EXISTS (  -- nor in another process of the same request, under an id of its own: "<id>+p<pid>"
    SELECT 1 FROM fired f WHERE f.fault_id > i.fault_id || '+' AND f.fault_id < i.fault_id || ',')
GROUP BY i.fault_id ORDER BY i.rowid
"""
_REPEATED = "SELECT fault_id, count(*) FROM fired GROUP BY fault_id HAVING count(*) > 1"
_ONCE = "DELETE FROM fired WHERE rowid NOT IN (SELECT min(rowid) FROM fired GROUP BY fault_id)"
_UNEXPECTED = """
SELECT count(*) FROM arrival a WHERE a.outcome = 'accepted'
AND NOT EXISTS (SELECT 1 FROM saw s WHERE s.event_id = a.event_id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The account, and what the ledger says beside it."""

    account: Account
    summary: Summary
    open: int
    """Faults that are lost so far, and whose event may still come while the target lives."""
    repeated: tuple[str, ...] = ()
    """Fault ids that fired more than once, in several processes; each counts once."""
    known_outside: tuple[str, ...] = ()
    """What is known of faults that nobody injected, in sentences."""


class _Books:
    """Collects outcomes; keeps every lost fault, counts the rest."""

    def __init__(self, expectations: Mapping[str, Expect]) -> None:
        self._expectations = expectations
        self.states: Counter[State] = Counter()
        self.by_fault: dict[str, Counter[State]] = defaultdict(Counter)
        self.losses: dict[tuple[object, ...], list[Outcome]] = defaultdict(list)
        self.expected = self.captured = self.duplicates = self.wrong_level = self.open = 0

    def expects_capture(self, fault: str, effect: str) -> bool:
        promised = self._expectations.get(fault, Expect()).captured
        return effect in ("raise", outside.EFFECT) if promised is None else promised

    def wanted_level(self, fault: str) -> str | None:
        return self._expectations.get(fault, Expect()).level

    def check_level(self, fault: str, level: str | None, count: int = 1) -> None:
        wanted = self.wanted_level(fault)
        # An event without a level is an error, by the protocol.
        if wanted is not None and (level or "error") != wanted:
            self.wrong_level += count

    def enter_captured(self, fault: str, effect: str, level: str | None, count: int) -> None:
        """Enter ``count`` faults at once that arrived once, in time: what nearly all of them do."""
        self.states[State.CAPTURED] += count
        self.by_fault[fault][State.CAPTURED] += count
        if self.expects_capture(fault, effect):
            self.expected += count
            self.captured += count
        self.check_level(fault, level, count)

    def enter(self, outcome: Outcome) -> None:
        self.states[outcome.state] += 1
        self.by_fault[outcome.fault][outcome.state] += 1
        arrived = outcome.state in (State.CAPTURED, State.DUPLICATE, State.MERGED)
        if outcome.expected and outcome.state is not State.NOT_REACHED:
            self.expected += 1
            self.captured += arrived
        if not arrived:
            key = (
                outcome.fault,
                outcome.state,
                outcome.reason,
                outcome.source,
                outcome.culprit,
                outcome.place,
                outcome.could_be,
            )
            self.losses[key].append(outcome)

    def loss_classes(self) -> tuple[LossClass, ...]:
        classes = [
            LossClass(
                fault=outcomes[0].fault,
                state=outcomes[0].state,
                reason=outcomes[0].reason,
                source=outcomes[0].source,
                culprit=outcomes[0].culprit,
                place=outcomes[0].place,
                count=len(outcomes),
                example=outcomes[0],
                fault_ids=tuple(outcome.fault_id for outcome in outcomes),
                could_be=outcomes[0].could_be,
            )
            for outcomes in self.losses.values()
        ]
        return tuple(sorted(classes, key=lambda loss: (-loss.count, loss.fault, loss.reason, loss.culprit)))


def reconcile(
    records: Iterable[Record],
    arrivals: Iterable[Arrival],
    expectations: Mapping[str, Expect],
    *,
    late_after: float = 75.0,
) -> Reconciliation:
    """Pair what was injected with what arrived.

    ``expectations`` maps fault names to what the scenario promises; ``late_after`` is how many
    seconds after its firing an event still counts as captured. Raises ``EvidenceError`` when the
    records contradict themselves so that no account can be made.
    """
    with Evidence() as evidence:
        evidence.add_records(records)
        evidence.add_arrivals(arrivals)
        evidence.complete()
        repeated = _count_once(evidence)
        keep_first_of_id(evidence)
        books = _Books(expectations)
        by_trace = _settle_fired(evidence, books, late_after)
        _settle_not_reached(evidence, books)
        fired = evidence.number("SELECT count(*) FROM fired")
        injected = sum(books.states.values())
        account = Account(
            injected=injected,
            fired=fired,
            expected=books.expected,
            captured=books.captured,
            states={state: books.states[state] for state in State},
            by_fault={name: dict(states) for name, states in sorted(books.by_fault.items())},
            losses=books.loss_classes(),
            duplicates=books.duplicates
            + evidence.number("SELECT count(*) FROM arrival WHERE outcome = 'duplicate'"),
            unexpected=evidence.number(_UNEXPECTED) - by_trace,
            wrong_level=books.wrong_level,
            findings=findings_in(evidence, books.duplicates),
        )
        return Reconciliation(
            account=account,
            summary=evidence.summary,
            open=books.open,
            repeated=repeated,
            known_outside=outside.known(evidence),
        )


def _count_once(evidence: Evidence) -> tuple[str, ...]:
    """A fault id is one injection, also when its request came to several processes; gives the repeated ones."""
    repeated = tuple(fault_id for fault_id, _ in evidence.ask(_REPEATED))
    if repeated:
        evidence.database.execute(_ONCE)
    if evidence.number("SELECT count(*) - count(DISTINCT fault_id) FROM intent"):
        raise EvidenceError(
            "the same faults were asked for twice",
            hint="two runs may share this folder's journals: judge a folder that holds one run",
        )
    return repeated


def _settle_fired(evidence: Evidence, books: _Books, late_after: float) -> int:
    """Enter every fired fault; gives back how many were matched by trace id alone."""
    processes = evidence.summary.processes
    taken: set[str] = set()
    spent = _Reports(evidence)
    plain: Counter[tuple[str, str, str | None]] = Counter()
    for row in evidence.ask(_FIRED):
        fault_id, fault, trace_id, effect, exception, message, at, process, own, first, event_id, level = row[
            :12
        ]
        shown = bool(own) and holds(exception, message, *row[12:])
        if own == 1 and shown and first <= at + late_after:
            plain[fault, effect, level] += 1
            continue
        shown = shown or (own > 1 and shown_in_any(evidence, fault_id, exception, message))
        hidden_in = event_id if own and not shown else None
        expected = books.expects_capture(fault, effect)
        state = State.DUPLICATE if own > 1 else State.CAPTURED
        cause = Cause(state)
        if not own or hidden_in is not None:
            event_id = None
            writer = processes[process] if 0 <= process < len(processes) else None
            merged, alone = None, None
            for *found, names, texts in evidence.ask(_MERGED, fault_id):
                if holds(exception, message, names, texts):
                    merged = found
                    break
                hidden_in = hidden_in or found[0]
            if effect == outside.EFFECT:
                alone = outside.event_of(evidence, trace_id, taken, books.wanted_level(fault))
            elif merged is None and hidden_in is None and identity_is_lost(evidence, fault_id, writer):
                alone = _match_by_trace(evidence, trace_id, exception, message, taken)
            if merged is not None:
                state, (event_id, first) = State.MERGED, merged
            elif alone is not None:
                event_id, first, level = alone
            elif not expected:
                cause = Cause(State.EXPLAINED, "no_event_expected", "plan")
            elif hidden_in is not None:
                cause = not_in_the_event(evidence, fault_id, hidden_in)
            else:
                if effect == outside.EFFECT:
                    cause = outside.cause_outside(evidence, fault_id, trace_id)
                else:
                    cause = cause_of_loss(evidence, fault_id, writer)
                cause = spent.explain(cause, writer)
                books.open += may_still_come(evidence, fault_id, cause)
        if event_id is not None:
            late = first > at + late_after
            cause = Cause(State.LATE, f"arrived after {late_after:g} s", "server") if late else Cause(state)
            books.duplicates += max(0, own - 1)
            books.check_level(fault, level)
        books.enter(
            Outcome(
                fault_id=fault_id,
                fault=fault,
                state=cause.state,
                reason=cause.reason,
                source=cause.source,
                place=cause.place,
                culprit=cause.culprit,
                could_be=cause.could_be,
                event_id=event_id or cause.event_id,
                trace_id=trace_id,
                expected=expected,
                arrivals=own,
            )
        )
    for (fault, effect, level), count in plain.items():
        books.enter_captured(fault, effect, level, count)
    return len(taken)


def _match_by_trace(
    evidence: Evidence, trace_id: str | None, exception: str | None, message: str | None, taken: set[str]
) -> tuple[str, float, str | None] | None:
    """An event with the same trace, exception type and message that no fault owns: when identity cannot serve."""
    if trace_id is None or exception is None:
        return None
    for event_id, at, level, names, texts in evidence.ask(_BY_TRACE, trace_id):
        if event_id not in taken and is_copy(exception, message, names, texts):
            taken.add(event_id)
            return event_id, at, level
    return None


class _Reports:
    """Client reports, as the last resort where nobody watched the SDK: they give counts, not names."""

    def __init__(self, evidence: Evidence) -> None:
        self._left = dict(evidence.reported)

    def explain(self, cause: Cause, process: Process | None) -> Cause:
        """Charge an unexplained loss to a reported discard, while reports last."""
        watched = process is not None and process.watched
        if cause.state is not State.UNEXPLAINED_LOSS or watched or not any(self._left.values()):
            return cause
        # Which of the reported reasons took this very fault cannot be told: name them all.
        reasons = sorted(reason for reason, left in self._left.items() if left > 0)
        self._left[reasons[0]] -= 1
        return Cause(State.EXPLAINED, " or ".join(reasons), "client_report", "counted by the SDK", None)


def _settle_not_reached(evidence: Evidence, books: _Books) -> None:
    for fault_id, fault, trace_id, status, error in evidence.ask(_NOT_REACHED):
        if status:
            reason = f"answered {status} without reaching the fault point"
        else:
            reason = f"no answer: {error}" if error else "no answer"
        books.enter(
            Outcome(
                fault_id=fault_id,
                fault=fault,
                state=State.NOT_REACHED,
                reason=reason,
                source="load",
                trace_id=trace_id,
            )
        )
