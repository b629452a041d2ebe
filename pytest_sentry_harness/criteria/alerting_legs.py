"""The way of an alert from its fault to whoever was told, leg by leg."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ..model.alerted import Legs
from .alerting_demanded import Notification
from .alerting_notifications import try_of

LEGS = ("received", "issue", "rule", "sent", "delivered")
"""The names of the legs, in their order."""
_CLOCK = 0.25
"""Seconds by which the start of a try is known: a try is noted a moment after its answer."""


def legs_of(expected: Notification) -> tuple[Legs | None, list[str]]:
    """The legs of a delivered notification, and what is to be doubted about them."""
    if expected.receipt is None or expected.way is None:
        return None, []
    incident, raised = expected.claim.incident, expected.way.alert.raised
    put = incident.puts[0] if incident.puts else None
    if put is None or (raised.notice.kind == "metric" and put.at > raised.at):
        received = issue = incident.began  # it was decided without its events
    else:
        received, issue = put.received_at, put.at
    tried = try_of(expected.way, expected.receipt)
    start = raised.at if tried is None else tried.at - tried.seconds
    # A try whose answer was still waited for at the end is not in the trail, and cannot be.
    doubts = (
        [f"alert {raised.alert_id}: the try that was delivered is not in the trail"]
        if tried is None and expected.way.end
        else []
    )
    end = expected.receipt.at
    if end < start <= end + _CLOCK:
        start = end
    points = (incident.began, received, issue, raised.at, start, end)
    legs = _legs(points)
    doubts += [
        f"alert {raised.alert_id}: its leg {name!r} took {seconds:.3f} s: clocks that disagree, or were set meanwhile"
        for name, seconds in _named(legs)
        if seconds < 0
    ]
    return legs, doubts


def _legs(points: tuple[float, ...]) -> Legs:
    received, issue, rule, sent, delivered = (later - earlier for earlier, later in pairwise(points))
    return Legs(received=received, issue=issue, rule=rule, sent=sent, delivered=delivered)


def _named(legs: Legs) -> Iterator[tuple[str, float]]:
    for name in LEGS:
        yield name, getattr(legs, name)
