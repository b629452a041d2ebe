"""Reconciles what was injected in a test with what the SDK sent, the same way a run is reconciled."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from typing import TypeGuard

from .. import __version__, clock
from ..model.account import Account, LossClass, Outcome, State
from ..model.arrival import Arrival
from ..model.ledger import (
    Fate,
    Fired,
    Goodbye,
    Hello,
    Place,
    Record,
    SdkInit,
    SdkPending,
    SdkSaw,
)
from ..reconcile.reconcile import reconcile
from ..reconcile.summary import Summary

_TRIED = ("sample_rate", "error_sampler", "before_send", "ignore_errors", "transport_queue_size")
"""Options that decide about a loss, except those about integrations."""
_PYTEST = {"_pytest", "pluggy", "pytest_asyncio"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is known of the faults of one test at one moment."""

    account: Account
    summary: Summary
    outcomes: tuple[Outcome, ...]
    """One for each firing, in order."""
    fired: tuple[Fired, ...]
    fates: dict[str, Fate]
    """By fault id: where the exception was stopped, or that it escaped."""

    def of(self, fault: str) -> tuple[Outcome, ...]:
        """The outcomes of one fault."""
        return tuple(outcome for outcome in self.outcomes if outcome.fault == fault)

    @property
    def sdk(self) -> SdkInit | None:
        """The SDK set-up in force; None when ``sentry_sdk.init`` was never called."""
        return self.summary.processes[-1].sdk

    @property
    def lost(self) -> int:
        """Faults that should have been captured and were not."""
        return self.account.expected - self.account.captured


def find(
    records: Sequence[Record],
    arrivals: Sequence[Arrival],
    *,
    before: int,
    test_frame: str,
    failed_at: int | None = None,
) -> Findings:
    """The findings so far.

    The first ``before`` records were written when the watch began. ``test_frame`` names the test function
    (``file:qualified name``). From the record ``failed_at`` on, the test has failed: what is done with its exception then is
    the affair of whoever reports tests, such as pytest-sentry.
    """
    own = len(records) if failed_at is None else failed_at
    reported = {each.event_id for each in records[own:] if isinstance(each, SdkSaw) and each.fault_ids}
    records = [*records[:own], *(each for each in records[own:] if _event_of(each) not in reported)]
    into_test = {record.fault_id for record in records if _reached(record, test_frame)}
    told = [_as_told(record, index < before, test_frame, into_test) for index, record in enumerate(records)]
    told = _replaced_by_the_test(told, before, test_frame)
    reconciliation = reconcile(_journal(told), arrivals, {})
    fired = tuple(record for record in told if isinstance(record, Fired))
    return Findings(
        account=reconciliation.account,
        summary=reconciliation.summary,
        outcomes=_outcomes(fired, told, arrivals, reconciliation.account.losses),
        fired=fired,
        fates={record.fault_id: record for record in told if isinstance(record, Fate)},
    )


def _journal(records: Iterable[Record]) -> Iterable[Record]:
    """The records as the journal of a process that ended in order: in a test, nothing was lost at exit."""
    now, mono = clock.wall(), clock.monotonic()
    yield Hello(
        at=now,
        mono=mono,
        run_id="test",
        role="target",
        pid=os.getpid(),
        parent_pid=os.getppid(),
        argv=(),
        python=sys.version.split()[0],
        harness=__version__,
    )
    yield from records
    yield SdkPending(at=now, mono=mono, queued=0)
    yield Goodbye(at=now, mono=mono, reason="test")


def _event_of(record: Record) -> object:
    return getattr(record, "event_id", "none")


def _reached(record: Record, test_frame: str) -> TypeGuard[Fate]:
    """Whether the exception got as far as the test."""
    return isinstance(record, Fate) and any(_by_the_test(place, test_frame) for place in record.chain)


def _as_told(record: Record, before: bool, test_frame: str, into_test: Set[str]) -> Record:
    """``record`` from the application's point of view."""
    if isinstance(record, Fired) and record.fault_id in into_test:
        return replace(record, task=None)  # the task was the test's: no integration was to report its end
    if isinstance(record, Fate) and record.handling == "caught" and _by_the_test(record.place, test_frame):
        return replace(record, handling="escaped", place=None)
    if isinstance(record, SdkInit) and before:
        return replace(record, place=None)  # the place is where the watch found it, not where init was called
    return record


def _replaced_by_the_test(records: list[Record], before: int, test_frame: str) -> list[Record]:
    """The records, with what the test chose to try taken as if it had always been so.

    A test that calls ``sentry_sdk.init`` tries another set-up on purpose, so the one that was there before it is not
    "overridden" by mistake. Integrations are left alone: what an earlier one switched off stays off.
    """
    own = [each for each in records[before:] if isinstance(each, SdkInit) and _in_tests(each, test_frame)]
    if not own:
        return records
    tried = {name: own[-1].options.get(name) for name in _TRIED}
    return [
        replace(each, dsn=own[-1].dsn, key=own[-1].key, options={**each.options, **tried})
        if index < before and isinstance(each, SdkInit)
        else each
        for index, each in enumerate(records)
    ]


def _in_tests(init: SdkInit, test_frame: str) -> bool:
    """Whether the test's module or a ``conftest.py`` called ``sentry_sdk.init``."""
    file = "" if init.place is None else init.place.file
    return bool(file) and (file == test_frame.rpartition(":")[0] or os.path.basename(file) == "conftest.py")


def _by_the_test(place: Place | None, test_frame: str) -> bool:
    """Whether only the test (``pytest.raises``) or pytest itself stopped it: then it had left the application."""
    if place is None:
        return False
    folders = place.file.replace(os.sep, "/").split("/")
    return f"{place.file}:{place.function}" == test_frame or bool(_PYTEST & set(folders))


def _outcomes(
    fired: Sequence[Fired],
    records: Sequence[Record],
    arrivals: Sequence[Arrival],
    losses: Sequence[LossClass],
) -> tuple[Outcome, ...]:
    """The account's states, fault by fault: it names the lost ones, and those not lost have events."""
    loss_of = {fault_id: loss for loss in losses for fault_id in loss.fault_ids}
    arrived = [a.event_id for a in arrivals if a.item_type == "event" and a.outcome == "accepted"]
    own: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    for record in records:
        if isinstance(record, SdkSaw) and record.event_id in arrived and record.event_id is not None:
            for position, fault_id in enumerate(record.fault_ids):
                (others if position else own).setdefault(fault_id, []).append(record.event_id)
    outcomes = []
    for record in fired:
        loss = loss_of.get(record.fault_id)
        events = own.get(record.fault_id, [])
        if loss is not None:
            outcomes.append(replace(loss.example, fault_id=record.fault_id, event_id=None, arrivals=0))
            continue
        state = State.MERGED if not events else State.CAPTURED if len(events) == 1 else State.DUPLICATE
        events = events or others.get(record.fault_id, [])
        outcomes.append(
            Outcome(
                fault_id=record.fault_id,
                fault=record.fault,
                state=state,
                event_id=events[0] if events else None,
                trace_id=record.trace_id,
                expected=record.effect == "raise",
                arrivals=len(events),
            )
        )
    return tuple(outcomes)
