"""Defect: ``before_send`` was meant to filter noise, and forgets to return the event for one trace in seven."""

from __future__ import annotations

from sentry_sdk.types import Event, Hint

from pytest_sentry_harness.reference.app import create_app
from pytest_sentry_harness.reference.sentry import scrub

from .planted import chosen, no_second_chance, plant, trace_of


def forgetful(event: Event, hint: Hint) -> Event | None:
    """Scrub the event, and lose one failure in seven.

    By trace, because a failure whose event was dropped is reported once more when the server logs it.
    """
    trace_id = trace_of(event) or ""
    if chosen(trace_id, 7):
        plant(event_id=event["event_id"], trace_id=trace_id)
        return None
    return scrub(event, hint)


no_second_chance()
app = create_app(sentry_options={"before_send": forgetful})
