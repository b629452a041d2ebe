"""Why one fault never arrived: the first piece of evidence that settles it, strongest first.

Nothing is guessed: a loss for which no piece of evidence speaks stays an unexplained loss.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model.account import State
from ..model.ledger import Place
from .evidence import Evidence, place_of
from .summary import Process

_HAND_ON_COPIES = ("/concurrent/futures/", "/multiprocessing/")


class Cause(NamedTuple):
    """Where and why a fault was lost, and who says so."""

    state: State
    reason: str = ""
    source: str = ""
    culprit: str = ""
    place: Place | None = None
    event_id: str | None = None


def cause_of_loss(evidence: Evidence, fault_id: str, process: Process | None) -> Cause:
    """Explain the loss of ``fault_id``, which fired in ``process`` and is in no accepted event."""
    events = [
        event_id
        for (event_id,) in evidence.ask(
            "SELECT event_id FROM saw WHERE fault_id = ? AND event_id IS NOT NULL ORDER BY position", fault_id
        )
    ]
    for event_id in events:
        cause = _refused_by_server(evidence, event_id) or _discarded_by_transport(evidence, event_id, process)
        if cause is not None:
            return cause
    cause = _dropped_by_sdk(evidence, fault_id)
    if cause is not None:
        return cause
    if events:
        return _handed_over(events[0], process)
    return _never_seen(evidence, fault_id, process)


def _refused_by_server(evidence: Evidence, event_id: str) -> Cause | None:
    row = next(
        evidence.ask(
            "SELECT outcome, reason FROM arrival WHERE event_id = ? AND outcome != 'duplicate'", event_id
        ),
        None,
    )
    if row is None or row[0] == "accepted":
        return None
    return Cause(State.EXPLAINED, row[1] or row[0], "server", "the server's answer", None, event_id)


def _discarded_by_transport(evidence: Evidence, event_id: str, process: Process | None) -> Cause | None:
    row = next(evidence.ask("SELECT reason, detail FROM discarded WHERE event_id = ?", event_id), None)
    if row is None:
        return None
    reason, detail = row
    culprit = detail or "the SDK's transport"
    size = process.sdk.options.get("transport_queue_size") if process and process.sdk else None
    if reason == "queue_overflow" and size is not None:
        culprit = f"transport_queue_size={size}"
    return Cause(State.EXPLAINED, reason, "sdk", culprit, None, event_id)


def _dropped_by_sdk(evidence: Evidence, fault_id: str) -> Cause | None:
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


def _handed_over(event_id: str, process: Process | None) -> Cause:
    """The SDK's transport had it, counted no loss, and no request brought it."""
    if process is not None and (process.goodbye is None or process.queued > 0):
        how = "ended without flushing" if process.goodbye else "was ended by a signal, os._exit or a crash"
        culprit = f"process {process.hello.pid} {how}"
        return Cause(State.EXPLAINED, "lost_at_exit", "target", culprit, None, event_id)
    return Cause(State.UNEXPLAINED_LOSS, "handed to the transport, never arrived", "", "", None, event_id)


def _never_seen(evidence: Evidence, fault_id: str, process: Process | None) -> Cause:
    if process is None or (not process.watched and _blind(evidence)):
        return Cause(State.UNEXPLAINED_LOSS)
    fate = _fate(evidence, fault_id)
    if fate is None:
        if process.goodbye is None:
            culprit = f"process {process.hello.pid} was ended by a signal, os._exit or a crash"
            return Cause(State.EXPLAINED, "lost_at_exit", "target", culprit, None)
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
    fate = _fate(evidence, fault_id)
    if fate is None or fate.place is None:
        return False
    return any(part in fate.place.file for part in _HAND_ON_COPIES)


def may_still_come(evidence: Evidence, fault_id: str, cause: Cause) -> bool:
    """Whether the event of a fault lost so far may yet arrive while its process lives."""
    if cause.state is State.UNEXPLAINED_LOSS or cause.reason == "lost_at_exit":
        return True
    if cause.source != "target":
        return False
    fate = _fate(evidence, fault_id)
    return fate is not None and fate.alive


class _Fate(NamedTuple):
    handling: str
    place: Place | None
    alive: bool


def _fate(evidence: Evidence, fault_id: str) -> _Fate | None:
    row = next(
        evidence.ask(
            "SELECT handling, place, alive FROM fate WHERE fault_id = ? ORDER BY rowid DESC LIMIT 1", fault_id
        ),
        None,
    )
    return None if row is None else _Fate(row[0], place_of(row[1]), bool(row[2]))


def _blind(evidence: Evidence) -> bool:
    """Events or client reports arrive, yet no initialisation of an SDK was seen: the watch does not work here."""
    if any(process.watched for process in evidence.summary.processes):
        return False
    if evidence.reported:
        return True
    return bool(evidence.number("SELECT EXISTS (SELECT 1 FROM arrival WHERE outcome = 'accepted')"))
