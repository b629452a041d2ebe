"""Losses of faults that the SDK never saw, or that its hooks and settings dropped."""

from __future__ import annotations

from typing import NamedTuple

from ..model.account import State
from ..model.ledger import Place
from .cause import Cause
from .endings import ended_hard
from .evidence import Evidence, place_of
from .summary import Process

_HAND_ON_COPIES = ("/concurrent/futures/", "/multiprocessing/")


def dropped_by_sdk(evidence: Evidence, fault_id: str) -> Cause | None:
    """What inside the SDK decided not to send the event of ``fault_id``, if anything did."""
    row = next(
        evidence.ask(
            "SELECT reason, culprit, place, error, event_id FROM dropped WHERE fault_id = ? ORDER BY rowid",
            fault_id,
        ),
        None,
    )
    if row is None:
        return None
    reason, culprit, place, error, event_id = row
    if error:
        # The message of an error may hold data of the one event; its type is what the losses share.
        culprit = f"{culprit} raised {str(error).partition(':')[0]}"
    return Cause(State.EXPLAINED, reason, "sdk", culprit, place_of(place), event_id)


def never_seen(evidence: Evidence, fault_id: str, process: Process | None) -> Cause:
    """Why the SDK was never handed ``fault_id``, by what became of its exception and by how the SDK was set up."""
    if process is None or (not process.watched and _blind(evidence)):
        return Cause(State.UNEXPLAINED_LOSS)
    fate = fate_of(evidence, fault_id)
    if fate is None:
        if process.goodbye is None:
            ending = ended_hard(process)
            return Cause(
                State.EXPLAINED, "lost_at_exit", "target", ending.words, ending.place, None, ending.could_be
            )
        return Cause(State.UNEXPLAINED_LOSS)
    if process.sdk is None and fate.handling == "escaped":
        return Cause(State.EXPLAINED, "not_initialised", "target", "sentry_sdk.init was never called", None)
    if process.sdk is not None and not process.sdk.active:
        return Cause(State.EXPLAINED, "no_dsn", "sdk", "sentry_sdk.init without a DSN", process.sdk.place)
    if fate.handling == "caught":
        culprit = "caught and never reported" if fate.place else "handled, and its traceback cleared"
        return Cause(State.EXPLAINED, "swallowed", "target", culprit, fate.place)
    if fate.handling == "escaped":
        culprit = "no integration handed it to the SDK"
        return Cause(State.EXPLAINED, "not_seen_by_sdk", "target", culprit, fate.place)
    return Cause(State.UNEXPLAINED_LOSS)


def identity_is_lost(evidence: Evidence, fault_id: str, process: Process | None) -> bool:
    """Whether the SDK may have been handed the exception without its being recognised.

    So it is where nobody watched the SDK, and where the exception was stopped on its way out of an executor
    or pool, which hand on a copy. Everywhere else, an event of the same trace and type that the watch did
    not tie to the fault is an error of the application's own.
    """
    if process is None or not process.watched:
        return True
    fate = fate_of(evidence, fault_id)
    if fate is None or fate.place is None:
        return False
    return any(part in fate.place.file for part in _HAND_ON_COPIES)


class Fate(NamedTuple):
    """What became of an injected exception in the target."""

    handling: str
    place: Place | None
    alive: bool


def fate_of(evidence: Evidence, fault_id: str) -> Fate | None:
    """The last word of the agent on the exception of ``fault_id``."""
    row = next(
        evidence.ask(
            "SELECT handling, place, alive FROM fate WHERE fault_id = ? ORDER BY rowid DESC LIMIT 1", fault_id
        ),
        None,
    )
    return None if row is None else Fate(row[0], place_of(row[1]), bool(row[2]))


def _blind(evidence: Evidence) -> bool:
    """Events or client reports arrive, yet no initialisation of an SDK was seen: the watch does not work here."""
    if any(process.watched for process in evidence.summary.processes):
        return False
    if evidence.reported:
        return True
    return bool(evidence.number("SELECT EXISTS (SELECT 1 FROM arrival WHERE outcome = 'accepted')"))
