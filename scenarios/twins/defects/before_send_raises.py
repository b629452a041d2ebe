"""Defect: ``before_send`` trusts that every request has a body, and raises ``KeyError`` for the others."""

from __future__ import annotations

from sentry_sdk.types import Event, Hint

from pytest_sentry_harness.reference.app import create_app
from pytest_sentry_harness.reference.sentry import scrub

from .planted import no_second_chance, plant, trace_of


def trusting(event: Event, hint: Hint) -> Event | None:
    """Tag the event with the size of the request's body, if only there is one."""
    request = event.get("request") or {}
    if "data" not in request:
        plant(event_id=event["event_id"], trace_id=trace_of(event))
    event.setdefault("tags", {})["body"] = str(len(str(request["data"])))
    return scrub(event, hint)


no_second_chance()
app = create_app(sentry_options={"before_send": trusting})
