"""Losses of faults that the SDK was never handed, by what became of their exceptions in the application."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ..model.account import State
from ..model.ledger import Handled, Logged, Place
from .cause import Cause
from .endings import ended_hard
from .evidence import Evidence, place_of
from .integrations import (
    APPLICATION,
    KEEPERS,
    Integration,
    integration,
    mark_of,
    missing_middleware,
    responsible,
    why_off,
)
from .set_up import SetUp, never_initialised
from .summary import Process

_HAND_ON_COPIES = ("/concurrent/futures/", "/multiprocessing/")
_THREADS_HAND_ON = "/concurrent/futures/thread.py"
_COPIED_BY_ASYNCIO = ("TimeoutError", "CancelledError", "InvalidStateError")


_LAST_MOMENT = 1.0
"""Seconds between the agent's last word on all exceptions and the end of the journal, at most."""
_INSTALLED = ("/site-packages/", "/dist-packages/", "/lib/python3")


class Fate(NamedTuple):
    """What became of an injected exception in the target."""

    handling: str
    place: Place | None
    alive: bool
    marks: tuple[str, ...] = ()
    """Whose code it passed on its way, outermost first."""


class Firing(NamedTuple):
    """A fault that fired."""

    fault_id: str
    exception: str
    at: float
    is_error: bool
    main: bool
    """In the main thread."""
    task: bool = False
    """In an asyncio task."""


def never_seen(evidence: Evidence, fired: Firing, process: Process | None, set_up: SetUp | None) -> Cause:
    """Why the SDK was never handed the fault, by what became of its exception and by how the SDK was set up."""
    if process is None or set_up is None or (not process.watched and _blind(evidence)):
        return Cause(State.UNEXPLAINED_LOSS)
    fate = fate_of(evidence, fired.fault_id)
    if fate is None:
        if process.goodbye is None or _ended_in_the_middle(fired, process):
            return _killed_meanwhile(process, None)
        return Cause(State.UNEXPLAINED_LOSS)
    handled = _handled(evidence, fired.fault_id)
    stopped_by_application = (
        fate.handling == "caught"
        and handled is None
        and not _in_framework(fate)
        # What ends a program has no traceback of its own yet; only an Exception can have had it cleared.
        and (fate.place is not None or fired.is_error)
    )
    if set_up.in_force is None:
        if stopped_by_application:
            return _swallowed(evidence, fired, fate)
        if fate.handling == "unknown":
            return Cause(State.UNEXPLAINED_LOSS)
        return set_up.late() if set_up.inits else never_initialised(process, evidence.summary)
    if not set_up.in_force.active:
        return set_up.no_dsn()
    if handled is not None:
        return _by_handler(handled, fate, set_up)
    if stopped_by_application:
        if fate.alive and process.hard_exit is None:
            return _killed_meanwhile(process, fate.place)
        return _swallowed(evidence, fired, fate)
    if fate.handling == "unknown":
        return Cause(State.UNEXPLAINED_LOSS)
    return _got_away(fired, fate, set_up, _logged(evidence, fired.fault_id))


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
    if _THREADS_HAND_ON in fate.place.file:
        # A future hands on the very object. Only asyncio makes new ones, of these.
        return firing_of(evidence, fault_id).exception.rpartition(".")[2] in _COPIED_BY_ASYNCIO
    return any(part in fate.place.file for part in _HAND_ON_COPIES)


def fate_of(evidence: Evidence, fault_id: str) -> Fate | None:
    """The last word of the agent on the exception of ``fault_id``."""
    row = next(
        evidence.ask(
            "SELECT handling, place, alive, marks FROM fate WHERE fault_id = ? ORDER BY rowid DESC LIMIT 1",
            fault_id,
        ),
        None,
    )
    return None if row is None else Fate(row[0], place_of(row[1]), bool(row[2]), tuple(row[3].split()))


def firing_of(evidence: Evidence, fault_id: str) -> Firing:
    """What is known of the firing of ``fault_id``."""
    row = next(
        evidence.ask(
            "SELECT exception, at, is_error, main, task FROM fired_in_full WHERE fault_id = ? LIMIT 1",
            fault_id,
        )
    )
    return Firing(fault_id, row[0] or "", row[1], bool(row[2]), bool(row[3]), bool(row[4]))


def _by_handler(handled: Handled, fate: Fate, set_up: SetUp) -> Cause:
    """A framework gave the exception to a handler, and the SDK heard nothing of it."""
    init = set_up.in_force
    assert init is not None
    if handled.framework == "sys":
        culprit = f"sys.excepthook={handled.handler}, in place of the SDK's"
        return Cause(State.EXPLAINED, "excepthook_replaced", "target", culprit, handled.place)
    server_error = handled.status is not None and 500 <= handled.status <= 599
    if handled.sdk == "absent" and server_error:
        if not {"starlette", "fastapi"} & set(init.integrations):
            return _off([integration("starlette")], set_up)
        culprit = f"sentry_sdk.init ran after {handled.framework} had set up its handlers"
        return Cause(State.EXPLAINED, "late_init", "target", culprit, init.place)
    whom = f" to {handled.handler}" if handled.handler else ", which is an answer by itself"
    culprit = f"{handled.framework} gave {handled.exception}{whom}"
    option = f"{handled.framework}.failed_request_status_codes"
    if handled.sdk == "in place" and server_error and option in init.options:
        codes = init.options[option] or "none"
        culprit = f"failed_request_status_codes={codes} leaves out {handled.status}: {culprit}"
        return Cause(State.EXPLAINED, "handled_by_framework", "target", culprit, init.place)
    # Where no handler was found, the exception is an answer made by the one who caught the injected one.
    place = handled.place if handled.handler or _in_framework(fate) else fate.place
    return Cause(State.EXPLAINED, "handled_by_framework", "target", culprit, place)


def _killed_meanwhile(process: Process, place: Place | None) -> Cause:
    """The process ended before it was known what becomes of the exception, which ``place`` held last."""
    ended = ended_hard(process)
    if process.hard_exit is not None:
        return Cause(State.EXPLAINED, "lost_at_exit", "target", ended.words, ended.place)
    how = ended.words if process.goodbye is None else "the program ended while a daemon thread was at it"
    return Cause(
        State.EXPLAINED,
        "lost_at_exit or swallowed",
        "target",
        f"{how}; the exception had not been reported by then",
        place,
        could_be=(
            "it was going to be reported, and the process ended first",
            "it was caught, never to be reported",
        ),
    )


def _ended_in_the_middle(fired: Firing, process: Process) -> bool:
    """Whether a thread that nobody waits for met the fault when the agent had already spoken its last word on all."""
    goodbye = process.goodbye
    return goodbye is not None and not fired.main and fired.at >= goodbye.at - _LAST_MOMENT


def _swallowed(evidence: Evidence, fired: Firing, fate: Fate) -> Cause:
    """The application stopped the exception; perhaps it logged something about it."""
    logged = _logged(evidence, fired.fault_id)
    if logged is not None:
        return _by_log(logged)
    culprit = "caught and never reported" if fate.place else "handled, and its traceback cleared"
    if fate.place is not None and mark_of(fate.place.file) in KEEPERS:
        culprit = "kept by a future whose result nobody asked for, or asked for and dropped"
    return Cause(State.EXPLAINED, "swallowed", "target", culprit, fate.place)


def _by_log(logged: Logged) -> Cause:
    """Somebody logged it, and the SDK makes no event of that."""
    culprit = f"logger {logged.logger}, {logged.level}"
    if logged.unreported:
        culprit += f": {logged.unreported}"
    reason = "logged_not_reported" if logged.with_exception else "logged_without_exception"
    return Cause(State.EXPLAINED, reason, "target", culprit, logged.place)


def _got_away(fired: Firing, fate: Fate, set_up: SetUp, logged: Logged | None) -> Cause:
    """The exception left the application, or ended in a framework, and nobody handed it to the SDK."""
    init = set_up.in_force
    assert init is not None
    if not fired.is_error:
        culprit = (
            f"{fired.exception} is no Exception, and means the end of something: integrations let it pass"
        )
        return Cause(State.EXPLAINED, "base_exception", "target", culprit, fate.place)
    candidates = responsible(fate.marks, main=fired.main, task=fired.task)
    middleware = missing_middleware(fate.marks)
    on = any(each.identifier in init.integrations for each in candidates)
    optional = all(each.on_by == "hand" for each in candidates)
    if (
        logged is not None
        and logged.with_exception
        and logged.unreported
        and (on or optional)
        and not middleware
    ):
        return _by_log(logged)
    if candidates and not on:
        return _off(candidates, set_up)
    if fate.handling == "caught" and fate.place is not None and candidates:
        # Its integration is on, and is told only of what the framework itself does not settle.
        culprit = f"{mark_of(fate.place.file)} stopped it by itself and told nobody"
        return Cause(State.EXPLAINED, "handled_by_framework", "target", culprit, fate.place)
    culprit = "no integration handed it to the SDK"
    if "multiprocessing" in fate.marks[:1]:
        culprit += ": multiprocessing prints the unhandled errors of a child, and calls no hook"
    if not candidates and middleware:
        culprit = f"{culprit}: there is no {middleware} around the application"
    elif [each.identifier for each in candidates] == ["threading"] and "sdk:threading" not in fate.marks:
        culprit = "sentry_sdk.init ran after this thread had been started"
        return Cause(State.EXPLAINED, "late_init", "target", culprit, init.place)
    elif [each.identifier for each in candidates] == ["asyncio"]:
        culprit = (
            f"{culprit}: AsyncioIntegration is on, but sentry_sdk.init did not run inside this event loop"
        )
    return Cause(State.EXPLAINED, "not_seen_by_sdk", "target", culprit, fate.place)


def _off(candidates: list[Integration], set_up: SetUp) -> Cause:
    off = why_off(candidates[0], set_up.before)
    return Cause(State.EXPLAINED, off.reason, "sdk", off.culprit, off.place)


def _in_framework(fate: Fate) -> bool:
    """It was stopped by a framework's own code, which answers for the application."""
    if fate.place is None:
        return False
    mark = mark_of(fate.place.file)
    return mark not in (APPLICATION, *KEEPERS) and not mark.startswith("sdk:")


def _handled(evidence: Evidence, fault_id: str) -> Handled | None:
    rows = evidence.ask("SELECT record FROM handled WHERE fault_id = ? ORDER BY rowid DESC LIMIT 1", fault_id)
    return next((msgspec.json.decode(text, type=Handled) for (text,) in rows), None)


def _logged(evidence: Evidence, fault_id: str) -> Logged | None:
    """The most telling line: one that carries the exception, else the first."""
    rows = evidence.ask("SELECT record FROM logged WHERE fault_id = ? ORDER BY rowid LIMIT 20", fault_id)
    lines = [msgspec.json.decode(text, type=Logged) for (text,) in rows]
    return next(
        (line for line in lines if line.with_exception), next((line for line in lines if _is_own(line)), None)
    )


def _is_own(line: Logged) -> bool:
    """A library that logs something while the application handles an exception says nothing about that."""
    return line.place is not None and not any(part in line.place.file for part in _INSTALLED)


def _blind(evidence: Evidence) -> bool:
    """Events or client reports arrive, yet no initialisation of an SDK was seen: the watch does not work here."""
    if any(process.watched for process in evidence.summary.processes):
        return False
    if evidence.reported:
        return True
    return bool(evidence.number("SELECT EXISTS (SELECT 1 FROM arrival WHERE outcome = 'accepted')"))
