"""Words an answer of the server, or the lack of one, as the cause of a loss. Pure."""

from __future__ import annotations

from typing import NamedTuple

from ..model.account import State
from .cause import Cause

_PLANTED = "misbehaviour:"
"""With this the embedded server marks what it did because the scenario's ``[[link]]`` says so."""

# What went wrong on the way, by the ``trouble`` of an ``sdk_answered`` record.
_TROUBLE = {
    "refused": "connection_refused",
    "reset": "connection_reset",
    "timeout": "timed_out",
    "unresolved": "name_not_resolved",
    "tls": "tls_failed",
    "proxy": "proxy_failed",
    "broken": "broken_answer",
    "cut_short": "interrupted",
    "other": "network_error",
}


class Told(NamedTuple):
    """What the transport was answered at one attempt to send an event: a row of the table ``told``."""

    mono: float
    process: int
    status: int
    host: str
    via: str
    limits: str
    error: str | None
    trouble: str
    reused: bool
    seconds: float


def caused_by_answer(told: Told, event_id: str, servers_word: str = "") -> Cause:
    """The cause when ``told`` is the last that is known of an event.

    ``servers_word`` is the reason this run's own server gave for its refusal at that attempt.
    """
    way = f"{told.host}{f' ({told.via})' if told.via else ''}"
    if not told.status:
        return Cause(
            State.EXPLAINED,
            _TROUBLE.get(told.trouble, "network_error"),
            "sdk",
            _trouble(told, way),
            None,
            event_id,
        )
    culprit = f"HTTP {told.status} by {way}"
    if 200 <= told.status < 300:
        culprit += ", and the event never came to the server of this run"
        return Cause(State.EXPLAINED, "lost_after_200", "sdk", culprit, None, event_id)
    if told.status == 429:
        culprit += f" with {told.limits}" if told.limits else " without X-Sentry-Rate-Limits and Retry-After"
    elif told.error and told.status != 413:  # its words tell the size, which differs each time
        culprit += f": {told.error}"
    if servers_word and not servers_word.startswith(_PLANTED):
        return Cause(State.EXPLAINED, servers_word, "server", culprit, None, event_id)
    return Cause(State.EXPLAINED, reason_of_status(told.status), "sdk", culprit, None, event_id)


def reason_of_status(status: int) -> str:
    """The reason for an answer that is not 2xx."""
    if status == 429:
        return "rate_limited"
    if status == 413:
        return "too_large"
    if status >= 500:
        return "server_error"
    return "refused" if status >= 400 else "redirected"


def caused_by_refusal(outcome: str, reason: str, status: int, event_id: str) -> Cause | None:
    """The cause when nobody but this run's server says that it refused the event.

    None when all the server knows is that it never answered: the sender's end is the cause then.
    """
    if reason == "client_gone" or reason in (
        f"{_PLANTED}hang",
        f"{_PLANTED}reset_before",
        f"{_PLANTED}reset_after",
    ):
        return None
    if reason.startswith(_PLANTED):
        return Cause(
            State.EXPLAINED,
            reason_of_status(status),
            "server",
            f"HTTP {status} by this run's server",
            None,
            event_id,
        )
    if outcome == "invalid":
        culprit = f"HTTP {status} by this run's server, which could not use the event"
    else:
        culprit = f"HTTP {status} by this run's server" if status else "the server's answer"
    return Cause(State.EXPLAINED, reason or outcome, "server", culprit, None, event_id)


def _trouble(told: Told, way: str) -> str:
    if told.trouble == "reset" and told.reused:
        return f"{way} closed a connection kept open, just as the SDK used it again"
    if told.trouble == "reset":
        return f"{way} closed the connection without an answer"
    if told.trouble == "cut_short":
        return f"{way}: sending was broken off by {(told.error or '').partition(':')[0]}"
    if told.trouble == "timeout":
        return f"{way} gave no answer in time"
    if told.trouble == "broken":
        return f"{way} gave no proper answer: {(told.error or '').partition(':')[0]}"
    return f"{way}: {told.error}"
