"""Defect: a queue of ten envelopes in front of a slow link. Bursts do not fit."""

from __future__ import annotations

import time
from typing import Any

from sentry_sdk.envelope import Envelope, Item
from sentry_sdk.transport import HttpTransport

from pytest_sentry_harness.reference.app import create_app

from .planted import plant, trace_of

LINK_SECONDS = 0.1


class SlowTransport(HttpTransport):
    """The SDK's transport over a slow link; writes down which events did not fit into the queue."""

    def _send_envelope(self, envelope: Envelope) -> None:
        time.sleep(LINK_SECONDS)
        super()._send_envelope(envelope)

    def record_lost_event(
        self, reason: str, data_category: Any = None, item: Item | None = None, *, quantity: int = 1
    ) -> None:
        """Record the planted loss, then do what the SDK does."""
        event = item.get_event() if item is not None and reason == "queue_overflow" else None
        if event is not None:
            plant(event_id=event["event_id"], trace_id=trace_of(event))
        super().record_lost_event(reason, data_category, item, quantity=quantity)


app = create_app(
    sentry_options={"transport_queue_size": 10, "transport": SlowTransport, "traces_sample_rate": 0.0}
)
