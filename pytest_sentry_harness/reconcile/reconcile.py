"""Ledger and arrivals to one outcome per fault, and an account that closes. Pure but for a temporary file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import EvidenceError
from ..model.account import Account, Outcome, State
from ..model.arrival import Arrival
from ..model.ledger import Record
from ..model.scenario import Expect
from . import outside
from .absent import keep_first_of_id
from .books import Books
from .evidence import Evidence
from .findings import findings_in
from .fired import settle_fired
from .origins import FiredAt, Origin, firings_of, origins_of, several_of, unclear_of
from .summary import Summary

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
SELECT a.event_id FROM arrival a CROSS JOIN arrival_kind h ON h.kind = a.kind
WHERE a.outcome = 'accepted' AND coalesce(nullif(h.level, ''), 'error') IN ('error', 'fatal')
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
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """By event id of which fault each event is; empty unless asked for."""
    several: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    """By event id the faults of each event that holds such of several names; empty unless asked for, as origins or firings are."""
    unclear: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    """By event id the faults that an event without one may be of, for its request met them all; empty unless origins are asked for."""
    firings: tuple[FiredAt, ...] = ()
    """Every fault that fired, in the order of time; empty unless asked for."""


def reconcile(
    records: Iterable[Record],
    arrivals: Iterable[Arrival],
    expectations: Mapping[str, Expect],
    *,
    late_after: float = 75.0,
    with_origins: bool = False,
    with_firings: bool = False,
) -> Reconciliation:
    """Pair what was injected with what arrived.

    ``expectations`` maps fault names to what the scenario promises; ``late_after`` is how many
    seconds after its firing an event still counts as captured; ``with_origins`` asks for
    ``Reconciliation.origins``, which takes as much memory as there are events, and ``with_firings`` for
    ``Reconciliation.firings`` and ``several``. Raises ``EvidenceError`` when the
    records contradict themselves so that no account can be made.
    """
    with Evidence() as evidence:
        evidence.add_records(records)
        evidence.add_arrivals(arrivals)
        evidence.complete()
        repeated = _count_once(evidence)
        keep_first_of_id(evidence)
        books = Books(expectations)
        settled = settle_fired(evidence, books, late_after)
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
            unexpected=sum(event_id not in settled.taken for (event_id,) in evidence.ask(_UNEXPECTED)),
            wrong_level=books.wrong_level,
            findings=findings_in(evidence, duplicates=bool(books.duplicates), strays=settled.strays),
        )
        return Reconciliation(
            account=account,
            summary=evidence.summary,
            open=books.open,
            repeated=repeated,
            known_outside=outside.known(evidence),
            origins=origins_of(evidence, expectations) if with_origins else {},
            several=several_of(evidence) if with_origins or with_firings else {},
            unclear=unclear_of(evidence, expectations) if with_origins else {},
            firings=firings_of(evidence) if with_firings else (),
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


def _settle_not_reached(evidence: Evidence, books: Books) -> None:
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
