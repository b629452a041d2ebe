"""Defect: ``sample_rate=0.9`` was meant for transactions, and throws one error in ten away."""

from __future__ import annotations

import threading
from typing import Any

from sentry_sdk.envelope import Item
from sentry_sdk.transport import HttpTransport
from sentry_sdk.types import Event, Hint

from pytest_sentry_harness.reference.app import create_app
from pytest_sentry_harness.reference.sentry import scrub

from .planted import plant, trace_of

_current = threading.local()


def remember(event: Event, hint: Hint) -> Event:
    """Scrub the event; remember it, because the SDK draws lots right after this, in the same thread."""
    _current.event = event
    return scrub(event, hint)


class ObservedTransport(HttpTransport):
    """The SDK's transport; writes down which event the lot fell on."""

    def record_lost_event(
        self, reason: str, data_category: Any = None, item: Item | None = None, *, quantity: int = 1
    ) -> None:
        """Record the planted loss, then do what the SDK does."""
        if reason == "sample_rate" and data_category == "error":
            plant(event_id=_current.event["event_id"], trace_id=trace_of(_current.event))
        super().record_lost_event(reason, data_category, item, quantity=quantity)


app = create_app(sentry_options={"sample_rate": 0.9, "before_send": remember, "transport": ObservedTransport})
