"""Losses of events that the SDK let through: refused by the server, lost by the transport, or gone with the process.

All that is known of an event is put in the order of time, and the last of it is the cause: an event that
is sent again was not lost by the first refusal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..model.account import State
from .answers import Told, caused_by_answer, caused_by_refusal
from .cause import Cause
from .endings import ended_with_queue
from .evidence import Evidence, place_of
from .summary import Process

MAY_STILL_COME = ("lost_at_exit", "lost_after_200", "custom_transport")
"""Reasons that hold only as long as nothing arrives: the event may be under way while its process lives."""

_ANSWERS = """
SELECT mono, process, status, host, via, limits, error, trouble, reused, seconds FROM told WHERE event_id = ?
"""
_REFUSALS = """
SELECT mono, outcome, reason, status FROM arrival_in_full WHERE event_id = ? AND outcome NOT IN ('accepted', 'duplicate')
"""
_SLOW_SECONDS = 0.03
"""An answer that takes longer is worth a word: a process sends one event at a time."""
_DELAYED_ACK_SECONDS = 0.2
"""The longest that Linux delays an acknowledgement while it has nothing to send back; the shortest is 40 ms."""
_CLOCKS = 0.05
"""Seconds by which a server's and a client's note of one moment may be apart."""


class _Word(NamedTuple):
    """One thing that is known of an event."""

    mono: float
    cause: Cause


def lost_on_the_way_out(evidence: Evidence, event_id: str, process: Process | None) -> Cause:
    """Why the event, which the SDK handed to its transport in ``process``, was not accepted by the server."""
    words = sorted(_words(evidence, event_id, process), key=lambda word: word.mono)
    if not words:
        return _gone(evidence, event_id, process)
    cause = words[-1].cause
    ending = ended_with_queue(process) if process is not None else None
    if cause.reason == "custom_transport" and process is not None and ending is not None:
        # It may have kept the event in a queue of its own, which died with the process; or passed it to the SDK's.
        when = "when the process " if process.goodbye is None else "at the end: "
        could_be = (f"dropped by {cause.culprit}", f"still with it {when}{ending.words}")
        return cause._replace(reason="custom_transport or lost_at_exit", could_be=could_be)
    return cause


def _words(evidence: Evidence, event_id: str, process: Process | None) -> Iterator[_Word]:
    answers = [Told(*row) for row in evidence.ask(_ANSWERS, event_id)]
    refusals = list(evidence.ask(_REFUSALS, event_id))
    for told in answers:
        begun, over = told.mono - told.seconds - _CLOCKS, told.mono + _CLOCKS
        if 200 <= told.status < 300:
            # A redirect on the way was no refusal. Any other: it came, and could not be used; or somebody else said
            # so, in front of a server that refused it then or later. It is that refusal that counts.
            refusals = [row for row in refusals if not (begun <= row[0] <= over and 300 <= row[3] < 400)]
            if not any(mono >= begun for mono, *_ in refusals):
                yield _Word(told.mono, caused_by_answer(told, event_id))
            continue
        same = [row for row in refusals if begun <= row[0] <= over and row[3] in (told.status, 0)]
        refusals = [row for row in refusals if row not in same]
        yield _Word(told.mono, caused_by_answer(told, event_id, same[-1][2] if same else ""))
    for mono, outcome, reason, status in refusals:
        cause = caused_by_refusal(outcome, reason, status, event_id)
        if cause is not None:
            yield _Word(mono, cause)
    yield from _discards(evidence, event_id, process, repeated=bool(answers))
    yield from _takers(evidence, event_id)


def _discards(
    evidence: Evidence, event_id: str, process: Process | None, *, repeated: bool
) -> Iterator[_Word]:
    """What the transport counted as lost. ``repeated``: its answers are known, and say more than its counts."""
    for mono, reason, detail in evidence.ask(
        "SELECT mono, reason, detail FROM discarded WHERE event_id = ?", event_id
    ):
        if repeated and reason in ("network_error", "send_error"):
            continue
        culprit = detail or "the SDK's transport"
        could_be: tuple[str, ...] = ()
        size = process.sdk.options.get("transport_queue_size") if process and process.sdk else None
        if reason == "queue_overflow" and size is not None:
            pace, could_be = _pace(evidence, process)
            culprit = f"transport_queue_size={size}{pace}"
        yield _Word(mono, Cause(State.EXPLAINED, reason, "sdk", culprit, None, event_id, could_be))


def _takers(evidence: Evidence, event_id: str) -> Iterator[_Word]:
    """Transports that neither queued nor sent it as the SDK does."""
    for mono, why, taker, place, error in evidence.ask(
        "SELECT mono, why, taker, place, error FROM handed WHERE event_id = ?", event_id
    ):
        culprit = f"{taker} raised {error.partition(':')[0]}" if error else taker
        reason = {"own": "custom_transport", "cut_off": "cut_off"}.get(why, "internal_sdk_error")
        if why == "own" and error:
            reason = "transport_error"
        yield _Word(mono, Cause(State.EXPLAINED, reason, "sdk", culprit, place_of(place), event_id))


def _gone(evidence: Evidence, event_id: str, process: Process | None) -> Cause:
    """The SDK's transport had it, counted no loss, and sent no request with it."""
    replaced = _replaced(evidence, event_id, process)
    if replaced is not None:
        return replaced
    ending = ended_with_queue(process) if process is not None else None
    if ending is not None:
        gave_up = process is not None and process.goodbye is not None and "gave up" in ending.words
        pace, could_be = _pace(evidence, process) if gave_up else ("", ending.could_be)
        return Cause(
            State.EXPLAINED, "lost_at_exit", "target", ending.words + pace, ending.place, event_id, could_be
        )
    return Cause(State.UNEXPLAINED_LOSS, "handed to the transport, never arrived", "", "", None, event_id)


def _replaced(evidence: Evidence, event_id: str, process: Process | None) -> Cause | None:
    """The cause when another ``init`` has replaced the client that had the event: the end flushes only the last."""
    if process is None or process.goodbye is None or process.queued <= 0:
        return None
    seen = evidence.ask("SELECT max(mono) FROM saw WHERE event_id = ?", event_id)
    (handed_at,) = next(seen)
    later = [init for init in process.inits if handed_at is not None and init.mono > handed_at]
    if not later:
        return None
    culprit = "sentry_sdk.init was called again: what the first client had in its queue is flushed by nobody"
    return Cause(State.EXPLAINED, "lost_at_exit", "target", culprit, later[0].place, event_id)


def _pace(evidence: Evidence, process: Process | None) -> tuple[str, tuple[str, ...]]:
    """How slow the server was, if it was, in words, and what may have made it so.

    To one digit, and for all events of the process alike: more would split what belongs together.
    """
    if process is None:
        return "", ()
    seconds = evidence.usual_seconds(process)
    if seconds is None:
        return (", and the server had answered nothing" if process.watched else ""), ()
    if seconds < _SLOW_SECONDS:
        return "", ()
    could_be: tuple[str, ...] = ()
    if process.sdk is not None and process.sdk.options.get("keep_alive") and seconds < _DELAYED_ACK_SECONDS:
        # Its socket options replace those of the HTTP library, and with them TCP_NODELAY.
        could_be = (
            "a slow server",
            "keep_alive=True: without TCP_NODELAY each request waits for an acknowledgement that the peer delays",
        )
    return f", and each answer took about {seconds:.1g} s", could_be
