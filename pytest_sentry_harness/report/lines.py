"""Sentences about losses and points, shared by all reports."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..model.ledger import Place
from .document import Example, Loss, Point

# C0 and C1 controls but tab and newline, and Unicode's bidirectional controls (Unicode Annex 9).
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ADVICE: dict[str, str] = {
    "queue_overflow": "raise transport_queue_size above the largest burst",
    "before_send": "make the hook return the event on every path it should keep",
    "callback_error": "make the hook survive events without the key or value it reads",
    "event_processor": "make the processor return the event on every path it should keep",
    "dedupe": "raise a fresh exception object each time",
    "ignored": "narrow ignore_errors",
    "sample_rate": "set sample_rate to 1.0 for errors",
    "swallowed": "report it there with sentry_sdk.capture_exception(), or let it go on",
    "no_dsn": "give sentry_sdk.init a DSN in this environment",
    "not_initialised": "call sentry_sdk.init before the application starts",
    "not_seen_by_sdk": "enable the integration for this framework, or capture it there",
    "network_error": "look at the server's answer and at the network between",
    "ratelimit_backoff": "raise the quota, or send less",
    "lost_at_exit": "call sentry_sdk.flush() on shutdown, and stop with a signal that runs it",
    "unknown_key": "correct the DSN's public key",
}


def advice(reason: str) -> str:
    """What to change for a discard reason; empty when nothing general can be said."""
    return _ADVICE.get(reason, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Losses of any fault that have one cause, as people look at them."""

    state: str
    reason: str
    source: str
    culprit: str
    place: Place | None
    could_be: tuple[str, ...]
    """What the evidence cannot tell apart: it was one of these."""
    count: int
    faults: tuple[tuple[str, int], ...]
    """Which faults were lost so, and how often; most frequent first."""
    example: Example


def by_cause(losses: Iterable[Loss]) -> list[Cause]:
    """The losses put together by state, reason and place; most frequent first."""
    groups: dict[tuple[object, ...], list[Loss]] = {}
    for loss in losses:
        key = (loss.state, loss.reason, loss.source, loss.culprit, loss.place, loss.could_be)
        groups.setdefault(key, []).append(loss)
    causes = [
        Cause(
            state=group[0].state,
            reason=group[0].reason,
            source=group[0].source,
            culprit=group[0].culprit,
            place=group[0].place,
            could_be=group[0].could_be,
            count=sum(loss.count for loss in group),
            faults=tuple((loss.fault, loss.count) for loss in group),
            example=group[0].example,
        )
        for group in groups.values()
    ]
    return sorted(causes, key=lambda cause: -cause.count)


def could_be_line(could_be: tuple[str, ...]) -> str:
    """What it could have been, in one line; empty when the cause is known."""
    if not could_be:
        return ""
    return "it was " + (
        could_be[0] if len(could_be) == 1 else f"{', '.join(could_be[:-1])} or {could_be[-1]}"
    )


def loss_line(loss: Loss) -> str:
    """One loss in one line of plain text."""
    parts = [f"{loss.count} x {loss.fault}: {loss.state.replace('_', ' ')}"]
    if loss.reason:
        parts.append(loss.reason)
    if loss.culprit:
        parts.append(loss.culprit)
    if loss.could_be:
        parts.append(could_be_line(loss.could_be))
    if loss.place is not None:
        parts.append(f"at {short_path(loss.place.file)}:{loss.place.line}")
    return ", ".join(parts) + f" (example {loss.example.fault_id})"


def point_line(point: Point) -> str | None:
    """What is wrong with a fault point, or None when it was armed and reached."""
    head = f"fault {point.fault!r}: {point.point}"
    if point.state == "armed" and point.fired:
        if point.missed_names:
            return f"{head} is not reached through {', '.join(point.missed_names[:5])}"
        return None
    if point.state == "armed":
        return f"{head} is armed, and was never reached"
    near = f"; nearest: {', '.join(point.nearest)}" if point.nearest else ""
    why = f": {point.note}" if point.note else ""
    return f"{head} is {point.state}{why}{near}"


def printable(text: str) -> str:
    """``text`` without characters that steer a terminal or turn the direction of writing round."""
    return _STEERING.sub("\ufffd", text)


def short_path(path: str) -> str:
    """``path`` relative to the working directory when it lies below it."""
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return path if relative.startswith("..") else relative
